from django.urls import path

from .views import ageing, statements

app_name = "ageing"
urlpatterns = [
    path("ageing/", ageing.table, name="table"),
    path("ageing/rows/", ageing.rows, name="rows"),
    path("ageing/export/<slug:kind>/", ageing.export, name="export"),
    path("ageing/buckets/", ageing.settings, name="settings"),
    path("ageing/indicators/", statements.indicators, name="indicators"),
    path("statements/", statements.customers, name="statements"),
    path("statements/<int:pk>/", statements.show, name="statement"),
    path("statements/<int:pk>/pdf/", statements.paper, name="statement_pdf"),
]
