from django.urls import URLPattern

app_name = "cash"
urlpatterns: list[URLPattern] = []
