from django.urls import URLPattern

app_name = "ageing"
urlpatterns: list[URLPattern] = []
