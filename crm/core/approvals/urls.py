from django.urls import path

from .views import delegations, flows, requests

app_name = "approvals"
urlpatterns = [
    path("approvals/", requests.inbox, name="list"),
    path("approvals/<int:pk>/", requests.detail, name="detail"),
    path("approvals/<int:pk>/do/<slug:verb>/", requests.act_on_request, name="request"),
    path("approvals/tasks/<int:pk>/do/<slug:verb>/", requests.act_on_task, name="task"),
    path("approvals/of/<str:subject_type>/<int:pk>/", requests.panel, name="panel"),
    path("approvals/deputies/", delegations.delegations, name="delegations"),
    path("approvals/deputies/<int:pk>/revoke/", delegations.revoke, name="revoke"),
    path("settings/flows/", flows.index, name="flows"),
    path("settings/flows/<str:subject_type>/start/", flows.start, name="start_flow"),
    path("settings/flows/<int:pk>/", flows.show, name="flow"),
    path("settings/flows/<int:pk>/edit/", flows.edit, name="edit_flow"),
]
