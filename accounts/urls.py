from django.urls import path, re_path

from .views import accounts, contacts

app_name = "accounts"
urlpatterns = [
    path("accounts/", accounts.accounts, name="list"),
    path("accounts/new/", accounts.create, name="create"),
    path("accounts/options/", accounts.options, name="options"),
    path("accounts/<int:pk>/", accounts.detail, name="detail"),
    path("accounts/<int:pk>/facts/", accounts.facts, name="facts"),
    path("accounts/<int:pk>/edit/", accounts.edit, name="edit"),
    path("accounts/<int:pk>/transfer/", accounts.transfer, name="transfer"),
    re_path(
        r"^accounts/(?P<pk>\d+)/collaborators/(?P<verb>add|remove)/$", accounts.collaborators, name="collaborators"
    ),
    path("accounts/<int:pk>/contacts/new/", contacts.create, name="create_contact"),
    path("contacts/<int:pk>/", contacts.contact, name="contact"),
    path("contacts/<int:pk>/edit/", contacts.edit, name="edit_contact"),
]
