from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "crm.core.notifications"
    label = "notifications"
