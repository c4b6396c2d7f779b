"""Addresses of the settings inside a company."""

from django.urls import path

from .views import company, members, teams, tokens

app_name = "settings"
urlpatterns = [
    path("settings/", company.index, name="index"),
    path("settings/company/", company.company, name="company"),
    path("settings/members/", members.members, name="members"),
    path("settings/members/invite/", members.invite, name="invite"),
    path("settings/members/<int:pk>/", members.member, name="member"),
    path("settings/members/<int:pk>/invite/", members.resend, name="resend"),
    path("settings/members/<int:pk>/deactivate/", members.deactivate, name="deactivate"),
    path("settings/members/<int:pk>/reactivate/", members.reactivate, name="reactivate"),
    path("settings/teams/", teams.teams, name="teams"),
    path("settings/teams/new/", teams.create, name="team_new"),
    path("settings/teams/<int:pk>/", teams.team, name="team"),
    path("settings/teams/<int:pk>/seats/", teams.seat, name="seat"),
    path("settings/teams/<int:pk>/seats/<int:member>/remove/", teams.unseat, name="unseat"),
    path("settings/tokens/", tokens.tokens, name="tokens"),
    path("settings/tokens/<int:pk>/revoke/", tokens.revoke, name="revoke"),
    path("switch/", company.switch, name="switch"),
    path("me/", company.profile, name="profile"),
]
