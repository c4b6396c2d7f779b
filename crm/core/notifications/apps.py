from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "crm.core.notifications"
    label = "notifications"

    def ready(self):
        from crm.core.web import navigation

        from . import mailer  # noqa: F401  (registers the job)
        from .actions import unread

        navigation.register(
            navigation.Entry("notices", _("Notices"), "notifications:list", "bell", place="top", count=unread)
        )
