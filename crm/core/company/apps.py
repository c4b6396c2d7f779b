from django.apps import AppConfig


class CompanyConfig(AppConfig):
    """Acts on companies, members, teams and tokens; their models are in `people`."""

    name = "crm.core.company"
    label = "company"
