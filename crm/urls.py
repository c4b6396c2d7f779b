"""Every address of the product; a company's own stand under its slug (architecture.md 5b)."""

from importlib.util import find_spec

from django.conf import settings
from django.urls import include, path, register_converter

from crm.core.company.views import entrance
from crm.core.tenancy.slugs import RESERVED_SLUGS
from crm.core.web import health, preferences


class CompanySlug:
    regex = "[a-z0-9][a-z0-9-]{0,39}"

    def to_python(self, value):
        if value in RESERVED_SLUGS:
            raise ValueError
        return value

    def to_url(self, value):
        return value


register_converter(CompanySlug, "company")

company = [
    path("api/v1/", include("crm.api")),
    path("", include("crm.home.urls")),
    path("", include("crm.core.company.settings_urls")),
    path("", include("crm.core.notifications.urls")),
    path("", include("crm.core.catalog.urls")),
    path("", include("crm.core.activities.urls")),
    path("", include("crm.core.identity.urls")),
    path("", include("crm.core.imports.urls")),
    path("", include("accounts.urls")),
    path("", include("opportunities.urls")),
    path("", include("leads.urls")),
    path("", include("crm.core.pools.urls")),
    path("", include("accounts.visit_urls")),
    path("", include("crm.core.entities.urls")),
    path("", include("crm.core.approvals.urls")),
    path("", include("contracts.urls")),
    path("", include("contracts.price_urls")),
    path("", include("contracts.quote_urls")),
    path("", include("contracts.order_urls")),
    path("", include("receivables.urls")),
    path("", include("receivables.invoice_urls")),
    path("", include("receivables.desk_urls")),
    path("", include("receivables.closing_urls")),
    path("", include("receivables.report_urls")),
    path("", include("receivables.dunning_urls")),
    path("", include("receivables.cash_urls")),
]

urlpatterns = [
    path("", entrance.start, name="start"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("auth/language/", preferences.set_language, name="set_language"),
    path("auth/", include("crm.core.company.urls")),
    path("auth/", include("allauth.urls")),
    path("offers/", include("contracts.offer_urls")),
    path("<company:tenant>/", include(company)),
]

if settings.CRM_ENV in ("local", "test") and find_spec("crm.core.web.styleguide"):
    from crm.core.web import styleguide

    urlpatterns.insert(0, path("styleguide/", styleguide.styleguide, name="styleguide"))
