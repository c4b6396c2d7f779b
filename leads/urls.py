from django.urls import path

from . import views
from .acts import ACTS

app_name = "leads"
urlpatterns = [
    path("leads/", views.index, name="list"),
    path("leads/mine/", views.index, {"view": "mine"}, name="mine"),
    path("leads/pool/", views.index, {"view": "pool"}, name="pool"),
    path("leads/new/", views.create, name="create"),
    path("leads/of-opportunity/<int:pk>/", views.origin, name="origin"),
    path("leads/claim/", views.claim_selected, name="claim_selected"),
    path("leads/<int:pk>/", views.detail, name="detail"),
    path("leads/<int:pk>/edit/", views.edit, name="edit"),
    path("leads/<int:pk>/convert/", views.convert, name="convert"),
    *(path(f"leads/<int:pk>/{act.name}/", views.act, {"name": act.name}, name=act.name) for act in ACTS),
]
