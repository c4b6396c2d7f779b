from django.apps import AppConfig


class ActivitiesConfig(AppConfig):
    name = "crm.core.activities"
    label = "activities"
