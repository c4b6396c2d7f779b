from django.urls import path

from .views import plans, receivables

app_name = "receivables"
urlpatterns = [
    path("receivables/", receivables.receivables, name="list"),
    path("receivables/<int:pk>/", receivables.detail, name="detail"),
    path("receivables/of-contract/<int:pk>/", receivables.contract_panel, name="contract_panel"),
    path("receivables/of-account/<int:pk>/", receivables.account_panel, name="account_panel"),
    path("receivables/of-opportunity/<int:pk>/", receivables.opportunity_panel, name="opportunity_panel"),
    path("plans/new/<int:contract>/", plans.create, name="plan_new"),
    path("plans/<int:pk>/", plans.detail, name="plan"),
    path("plans/<int:pk>/edit/", plans.edit, name="plan_edit"),
    path("plans/<int:pk>/do/<slug:verb>/", plans.act, name="plan_act"),
]
