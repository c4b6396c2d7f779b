from django.urls import path

from . import views

app_name = "home"
urlpatterns = [
    path("", views.index, name="index"),
    path("today/", views.today, name="today"),
    path("finance/", views.finance_home, name="finance"),
    path("board/", views.board, name="board"),
    path("board/<slug:what>/", views.board_rows, name="board_rows"),
]
