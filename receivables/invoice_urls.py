from django.urls import path

from .views import invoices

app_name = "invoices"
urlpatterns = [
    path("invoices/", invoices.index, name="list"),
    path("invoices/<int:pk>/", invoices.detail, name="detail"),
    path("invoices/<int:pk>/red/", invoices.red, name="red"),
    path("invoices/<int:pk>/void/", invoices.void, name="void"),
    path("invoices/of-contract/<int:pk>/", invoices.contract_panel, name="contract_panel"),
    path("invoices/requests/", invoices.requests, name="requests"),
    path("invoices/requests/new/<int:contract>/", invoices.create, name="request_new"),
    path("invoices/requests/<int:pk>/", invoices.show_request, name="request"),
    path("invoices/requests/<int:pk>/issue/", invoices.issue, name="issue"),
    path("invoices/requests/<int:pk>/drop/", invoices.drop, name="drop"),
    path("invoices/requests/<int:pk>/approve/", invoices.approve, name="approve"),
    path("invoices/requests/<int:pk>/send/", invoices.send, name="send"),
    path("invoices/requests/<int:pk>/confirmation/", invoices.confirmation, name="confirmation"),
]
