"""What is done with companies, members, invitations, teams and tokens."""

from .companies import end_tokens_of, found_company, free_slug, set_language, system_member, update_company
from .invitations import (
    INVITATION_DAYS,
    accept,
    accept_as_new_user,
    account_of,
    find_invitation,
    invite,
    invite_member,
    link_path,
    open_invitation,
    secret_of,
)
from .members import (
    add_member,
    deactivate,
    reactivate,
    update_member,
    update_profile,
    widest_reach,
)
from .teams import create_team, seat_in_team, set_teams, unseat, update_team
from .tokens import create_token, member_of_token, revoke_token

__all__ = [
    "INVITATION_DAYS",
    "accept",
    "accept_as_new_user",
    "account_of",
    "add_member",
    "create_team",
    "create_token",
    "deactivate",
    "end_tokens_of",
    "find_invitation",
    "found_company",
    "free_slug",
    "invite",
    "invite_member",
    "link_path",
    "member_of_token",
    "open_invitation",
    "reactivate",
    "revoke_token",
    "seat_in_team",
    "secret_of",
    "set_language",
    "set_teams",
    "system_member",
    "unseat",
    "update_company",
    "update_member",
    "update_profile",
    "update_team",
    "widest_reach",
]
