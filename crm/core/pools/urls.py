from django.urls import path

from . import views

app_name = "pools"
urlpatterns = [
    path("pools/", views.index, name="list"),
    path("pools/new/", views.create, name="create"),
    path("pools/<int:pk>/", views.detail, name="detail"),
    path("pools/<int:pk>/edit/", views.edit, name="edit"),
    path("pools/<int:pk>/dry-run/", views.dry_run, name="dry_run"),
    path("pools/<int:pk>/seats/", views.give_seat, name="give_seat"),
    path("pools/<int:pk>/seats/<int:seat>/remove/", views.take_seat, name="take_seat"),
]
