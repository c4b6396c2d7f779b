from django.urls import path

from .views import quotes

app_name = "quotes"
urlpatterns = [
    path("quotes/", quotes.quotes, name="list"),
    path("quotes/new/", quotes.create, name="create"),
    path("quotes/deals/", quotes.deals, name="deals"),
    path("quotes/lines/", quotes.lines, name="lines"),
    path("quotes/of/<int:pk>/", quotes.panel, name="panel"),
    path("quotes/<int:pk>/", quotes.detail, name="detail"),
    path("quotes/<int:pk>/edit/", quotes.edit, name="edit"),
    path("quotes/<int:pk>/pdf/", quotes.pdf, name="pdf"),
    path("quotes/<int:pk>/do/<slug:verb>/", quotes.act, name="act"),
]
