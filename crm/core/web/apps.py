from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "crm.core.web"
    label = "web"

    def ready(self):
        from . import idempotency  # noqa: F401  (registers the job that forgets old keys)
