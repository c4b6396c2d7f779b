from django.urls import path

from . import views

app_name = "identity"
urlpatterns = [path("duplicates/", views.hints, name="hints")]
