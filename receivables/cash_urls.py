from django.urls import path

from .views import cash as views

app_name = "cash"
urlpatterns = [
    path("cash/", views.calendar, name="calendar"),
    path("cash/rows/<slug:what>/", views.rows, name="rows"),
    path("cash/accuracy/", views.accuracy, name="accuracy"),
    path("cash/delays/", views.delays, name="delays"),
]
