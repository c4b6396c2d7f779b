from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "crm.core.approvals"
    label = "approvals"

    def ready(self):
        from crm.core.company import holdings

        from .flows import found_all

        holdings.on_founding.append(found_all)
