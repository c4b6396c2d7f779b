from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "crm.core.people"
    label = "people"
