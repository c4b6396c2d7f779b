from django.urls import path

from . import views

app_name = "entities"
urlpatterns = [
    path("settings/entities/", views.entities, name="list"),
    path("settings/entities/new/", views.create, name="create"),
    path("settings/entities/<int:pk>/", views.edit, name="edit"),
]
