from django.urls import path

from . import views

app_name = "activities"
urlpatterns = [
    path("activities/<str:subject_type>/<int:pk>/", views.panel, name="panel"),
    path("activities/<str:subject_type>/<int:pk>/log/", views.log, name="log"),
    path("activities/<str:subject_type>/<int:pk>/tasks/", views.plan, name="plan"),
    path("activities/<str:subject_type>/<int:pk>/files/", views.attach, name="attach"),
    path("tasks/<int:pk>/<str:verb>/", views.task, name="task"),
    path("files/<int:pk>/", views.download, name="download"),
]
