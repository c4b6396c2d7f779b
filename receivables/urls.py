from django.urls import URLPattern

app_name = "receivables"
urlpatterns: list[URLPattern] = []
