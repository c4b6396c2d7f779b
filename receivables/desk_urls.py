from django.urls import path, re_path

from .views import bank, desk, receipts

app_name = "desk"
urlpatterns = [
    path("reconcile/", desk.desk, name="desk"),
    path("reconcile/candidates/", desk.candidates, name="candidates"),
    path("reconcile/accept/", desk.accept, name="accept"),
    path("reconcile/split/", desk.split, name="split"),
    path("reconcile/sure/", desk.sure, name="sure"),
    path("reconcile/undo/<int:pk>/", desk.undo, name="undo"),
    path("reconcile/aside/", desk.aside, name="aside"),
    path("reconcile/back/<int:pk>/", desk.back, name="back"),
    path("reconcile/rules/", desk.rules, name="rules"),
    path("reconcile/payers/", desk.payers, name="payers"),
    re_path(r"^reconcile/payers/(?P<pk>\d{1,18})/(?P<verb>approve|forget)/$", desk.decide_payer, name="decide_payer"),
    path("reconcile/differences/", desk.differences, name="differences"),
    path("receipts/", receipts.receipts, name="receipts"),
    path("receipts/new/", receipts.create, name="create_receipt"),
    path("receipts/<int:pk>/", receipts.receipt, name="receipt"),
    path("receipts/<int:pk>/allocate/", receipts.allocate, name="allocate"),
    path("receipts/<int:pk>/allocate/automatically/", receipts.allocate_automatically, name="allocate_automatically"),
    path("receipts/<int:pk>/unallocate/<int:row>/", receipts.unallocate, name="unallocate"),
    path("receipts/<int:pk>/reverse/", receipts.reverse, name="reverse"),
    path("bank/", bank.accounts, name="accounts"),
    path("bank/new/", bank.create_account, name="create_account"),
    path("bank/<int:pk>/edit/", bank.edit_account, name="edit_account"),
    path("bank/lines/", bank.lines, name="lines"),
    path("bank/statements/", bank.statement_list, name="statements"),
    path("bank/statements/new/", bank.upload, name="upload"),
    path("bank/statements/<int:pk>/", bank.statement, name="statement"),
    path("bank/statements/<int:pk>/import/", bank.import_statement, name="import_statement"),
]
