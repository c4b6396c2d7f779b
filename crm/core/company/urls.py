"""Addresses outside a company: choosing, founding, joining."""

from django.urls import path

from .views import entrance

app_name = "company"
urlpatterns = [
    path("companies/", entrance.choose, name="choose"),
    path("companies/new/", entrance.found, name="found"),
    path("join/<slug:slug>/<slug:secret>/", entrance.join, name="join"),
]
