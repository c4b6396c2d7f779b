from django.urls import path

from .views import visits

app_name = "visits"
urlpatterns = [
    path("visits/", visits.visits, name="list"),
    path("visits/new/", visits.new, name="new"),
    path("visits/new/customers/", visits.customers, name="customers"),
    path("visits/<int:pk>/", visits.detail, name="detail"),
]
