from django.urls import path

from .views import handover, orders, renewals

app_name = "orders"
urlpatterns = [
    path("orders/", orders.orders, name="list"),
    path("orders/new/<int:contract>/", orders.create, name="create"),
    path("orders/of/<int:pk>/", orders.panel, name="panel"),
    path("orders/handovers/", handover.handovers, name="handovers"),
    path("orders/handovers/<int:pk>/<slug:verb>/", handover.act, name="hand"),
    path("orders/batches/<int:pk>/", orders.batch, name="batch"),
    path("orders/batches/<int:pk>/edit/", orders.edit_batch, name="edit_batch"),
    path("orders/batches/<int:pk>/do/<slug:verb>/", orders.act_batch, name="act_batch"),
    path("orders/<int:pk>/", orders.detail, name="detail"),
    path("orders/<int:pk>/edit/", orders.edit, name="edit"),
    path("orders/<int:pk>/batches/new/", orders.plan, name="plan"),
    path("orders/<int:pk>/do/<slug:verb>/", orders.act, name="act"),
    path("renewals/", renewals.renewals, name="renewals"),
    path("renewals/rate/", renewals.rate, name="rate"),
    path("renewals/<int:pk>/<slug:verb>/", renewals.act, name="renew"),
]
