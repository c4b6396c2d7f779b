from django.urls import path

from .views import board, deals, funnel, pipelines

app_name = "opportunities"
urlpatterns = [
    path("opportunities/", deals.deals, name="list"),
    path("opportunities/board/", board.board, name="board"),
    path("opportunities/board/sums/", board.sums, name="sums"),
    path("opportunities/new/", deals.create, name="create"),
    path("opportunities/of/<int:account>/", deals.panel, name="panel"),
    path("opportunities/<int:pk>/", deals.detail, name="detail"),
    path("opportunities/<int:pk>/edit/", deals.edit, name="edit"),
    path("opportunities/<int:pk>/move/", board.move, name="move"),
    path("opportunities/<int:pk>/do/<slug:verb>/", deals.act, name="act"),
    path("funnel/", funnel.show, name="funnel"),
    path("pipelines/", pipelines.pipelines, name="pipelines"),
    path("pipelines/start/", pipelines.start, name="start_pipeline"),
    path("pipelines/<int:pk>/", pipelines.pipeline, name="pipeline"),
    path("pipelines/<int:pk>/publish/", pipelines.publish, name="publish"),
    path("pipelines/<int:pk>/default/", pipelines.make_default, name="make_default"),
]
