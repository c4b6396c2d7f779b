from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "crm.core.approvals"
    label = "approvals"
