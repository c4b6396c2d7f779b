from django.urls import path

from . import views

app_name = "imports"
urlpatterns = [
    path("imports/", views.index, name="list"),
    path("imports/new/", views.upload, name="upload"),
    path("imports/template/<slug:object>.csv", views.template, name="template"),
    path("imports/<int:pk>/", views.detail, name="detail"),
    path("imports/<int:pk>/columns/", views.columns, name="columns"),
    path("imports/<int:pk>/preview/", views.preview_rows, name="preview"),
    path("imports/<int:pk>/values/", views.values, name="values"),
    path("imports/<int:pk>/check/", views.check, name="check"),
    path("imports/<int:pk>/run/", views.run, name="run"),
    path("imports/<int:pk>/cancel/", views.cancel, name="cancel"),
    path("imports/<int:pk>/state/", views.state, name="state"),
    path("imports/<int:pk>/errors/", views.errors, name="errors"),
]
