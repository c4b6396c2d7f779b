from django.urls import path

from .views import changes, contracts, panels, templates

app_name = "contracts"
urlpatterns = [
    path("contracts/", contracts.contracts, name="list"),
    path("contracts/new/", contracts.create, name="create"),
    path("contracts/line/", contracts.line_row, name="line_row"),
    path("contracts/of-account/<int:pk>/", panels.of_account, name="of_account"),
    path("contracts/of-opportunity/<int:pk>/", panels.of_opportunity, name="of_opportunity"),
    path("contracts/changes/", changes.changes, name="changes"),
    path("contracts/changes/<int:pk>/", changes.detail, name="change"),
    path("contracts/changes/<int:pk>/edit/", changes.edit, name="change_edit"),
    path("contracts/changes/<int:pk>/do/<slug:verb>/", changes.act, name="change_act"),
    path("contracts/<int:pk>/", contracts.detail, name="detail"),
    path("contracts/<int:pk>/edit/", contracts.edit, name="edit"),
    path("contracts/<int:pk>/clauses/", contracts.clauses, name="clauses"),
    path("contracts/<int:pk>/versions/", changes.versions, name="versions"),
    path("contracts/<int:pk>/change/", changes.create, name="change_new"),
    path("contracts/<int:pk>/do/<slug:verb>/", contracts.act, name="act"),
    path("settings/contract-templates/", templates.templates, name="templates"),
    path("settings/contract-templates/new/", templates.template, name="template_new"),
    path("settings/contract-templates/<int:pk>/", templates.template, name="template_edit"),
    path("settings/clauses/new/", templates.clause, name="clause_new"),
    path("settings/clauses/<int:pk>/", templates.clause, name="clause_edit"),
]
