from django.urls import path

from .views import dunning as views

app_name = "dunning"
urlpatterns = [
    path("dunning/", views.preview, name="preview"),
    path("dunning/run/", views.run, name="run"),
    path("dunning/log/", views.log, name="log"),
    path("dunning/log/<int:pk>/", views.run_detail, name="run_detail"),
    path("dunning/letters/<int:pk>/", views.letter, name="letter"),
    path("dunning/policies/", views.policies, name="policies"),
    path("dunning/policies/new/", views.new_policy, name="new_policy"),
    path("dunning/policies/<int:pk>/", views.policy, name="policy"),
    path("dunning/promises/", views.promise_list, name="promises"),
    path("dunning/promises/<int:pk>/withdraw/", views.withdraw, name="withdraw"),
    path("dunning/ends/", views.ends, name="ends"),
    path("dunning/holds/<int:pk>/", views.hold, name="hold"),
    path("dunning/legal/<int:pk>/", views.legal, name="legal"),
    path("dunning/of/<int:pk>/", views.panel, name="panel"),
    path("dunning/of/<int:pk>/<slug:verb>/", views.act, name="act"),
]
