import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

app = Celery("crm")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["crm.core.events", "crm.core.notifications", "crm.core.imports", "leads", "opportunities"])
app.conf.beat_schedule = {
    "tick": {"task": "events.tick", "schedule": 60.0},
    "sweep the outbox": {"task": "events.drain", "schedule": 30.0},
}
