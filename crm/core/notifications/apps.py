from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "crm.core.notifications"
    label = "notifications"

    def ready(self):
        from . import mailer  # noqa: F401  (registers the job)
