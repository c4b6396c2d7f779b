from django.urls import path, re_path

from .views import periods, provisions, refunds, write_offs

app_name = "closing"
MONTH = r"(?P<pk>\d{1,18})/(?P<month>\d{4}-\d{2})"
urlpatterns = [
    path("refunds/", refunds.refund_list, name="refunds"),
    path("refunds/new/<int:receipt>/", refunds.ask, name="refund_new"),
    path("refunds/of-receipt/<int:pk>/", refunds.panel, name="receipt_panel"),
    path("refunds/<int:pk>/", refunds.refund, name="refund"),
    path("refunds/<int:pk>/pay/", refunds.pay, name="refund_pay"),
    path("refunds/<int:pk>/cancel/", refunds.cancel, name="refund_cancel"),
    path("write-offs/", write_offs.write_off_list, name="write_offs"),
    path("write-offs/new/<int:receivable>/", write_offs.ask, name="write_off_new"),
    path("write-offs/of-receivable/<int:pk>/", write_offs.panel, name="receivable_panel"),
    path("write-offs/<int:pk>/", write_offs.write_off, name="write_off"),
    path("write-offs/<int:pk>/recover/", write_offs.recover, name="recover"),
    path("periods/", periods.period_list, name="periods"),
    re_path(rf"^periods/{MONTH}/$", periods.period, name="period"),
    re_path(rf"^periods/{MONTH}/(?P<verb>[a-z-]+)/$", periods.act, name="period_act"),
    path("provisions/", provisions.runs, name="provisions"),
    path("provisions/new/", provisions.new, name="provision_new"),
    path("provisions/rates/new/", provisions.matrix, name="matrix_new"),
    path("provisions/judge/<int:receivable>/", write_offs.assess, name="assess"),
    path("provisions/credit/<int:pk>/", provisions.credit_panel, name="credit_panel"),
    path("provisions/credit/<int:pk>/edit/", provisions.credit_edit, name="credit_edit"),
    path("provisions/<int:pk>/", provisions.run, name="provision"),
]
