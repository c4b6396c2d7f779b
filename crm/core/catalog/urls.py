from django.urls import path

from . import views

app_name = "catalog"
urlpatterns = [
    path("products/", views.products, name="list"),
    path("products/options/", views.options, name="options"),
    path("products/new/", views.create, name="create"),
    path("products/<int:pk>/edit/", views.edit, name="edit"),
]
