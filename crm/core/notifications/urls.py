from django.urls import path

from . import views

app_name = "notifications"
urlpatterns = [
    path("notifications/", views.notices, name="list"),
    path("notifications/<int:pk>/open/", views.open_notice, name="open"),
    path("notifications/read-all/", views.read_all, name="read_all"),
]
