"""Addresses outside a company: a customer's view of a quote."""

from django.urls import path

from .views import offers

app_name = "offers"
urlpatterns = [
    path("<slug:slug>/<slug:secret>/", offers.show, name="show"),
    path("<slug:slug>/<slug:secret>/accept/", offers.accept, name="accept"),
    path("<slug:slug>/<slug:secret>/decline/", offers.decline, name="decline"),
    path("<slug:slug>/<slug:secret>/pdf/", offers.pdf, name="pdf"),
]
