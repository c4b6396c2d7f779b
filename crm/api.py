"""The REST face of a company: every app adds its viewsets to this router."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import DefaultRouter

from accounts import api as accounts
from contracts import api as contracts
from crm.core.activities import api as activities
from crm.core.approvals import api as approvals
from crm.core.catalog import api as catalog
from crm.core.company import api as company
from crm.core.entities import api as entities
from crm.core.identity import api as identity
from crm.core.imports import api as imports
from crm.core.notifications import api as notifications
from crm.core.pools import api as pools
from crm.core.web.docs import ApiDocs
from leads import api as leads
from opportunities import api as opportunities
from receivables import api as receivables

router = DefaultRouter()
router.include_root_view = False
accounts.register(router)
activities.register(router)
catalog.register(router)
opportunities.register(router)
identity.register(router)
company.register(router)
notifications.register(router)
pools.register(router)
leads.register(router)
imports.register(router)
entities.register(router)
approvals.register(router)
contracts.register(router)
receivables.register(router)

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(urlconf="crm.urls"), name="schema"),
    path("docs/", ApiDocs.as_view(), name="docs"),
    path("me/", company.MeView.as_view(), name="me"),
    *router.urls,
]
app_name = "api"
