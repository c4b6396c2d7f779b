"""Roles × permissions (domain.md 9): one literal table, deny by default.

A cell says how far the permission reaches: OWN records, the member's REACH
(own, team or all, set on the member), or ALL records of the company.
"""

from enum import IntEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    REP = "rep", _("Sales representative")
    MANAGER = "manager", _("Sales manager")
    PRESALES = "presales", _("Presales")
    FINANCE = "finance", _("Finance")
    LEGAL = "legal", _("Legal")
    ADMIN = "admin", _("Administrator")
    PARTNER = "partner", _("Partner")


class Reach(models.TextChoices):
    OWN = "own", _("Own records")
    TEAM = "team", _("Own teams")
    ALL = "all", _("Whole company")
    PARTNER = "partner", _("Own partner")


class Scope(IntEnum):
    OWN = 1
    REACH = 2
    ALL = 3


OWN, REACH, ALL = Scope.OWN, Scope.REACH, Scope.ALL
REP, MANAGER, PRESALES, FINANCE, LEGAL, ADMIN, PARTNER = Role.values

DEFAULT_REACH = {
    REP: Reach.OWN,
    MANAGER: Reach.TEAM,
    PRESALES: Reach.OWN,
    FINANCE: Reach.ALL,
    LEGAL: Reach.ALL,
    ADMIN: Reach.ALL,
    PARTNER: Reach.PARTNER,
}

EVERYONE = dict.fromkeys(Role.values, ALL)
SALES = {REP: REACH, MANAGER: REACH, ADMIN: ALL}

GRANTS: dict[str, dict[str, Scope]] = {
    # leads and pools
    "lead.read": {**SALES, PARTNER: OWN},
    "lead.create": {REP: OWN, MANAGER: REACH, ADMIN: ALL, PARTNER: OWN},
    "lead.update": {REP: OWN, MANAGER: REACH, ADMIN: ALL},
    "lead.claim": {REP: OWN, MANAGER: OWN},
    "lead.assign": {MANAGER: REACH, ADMIN: ALL},
    "lead.protect": {MANAGER: REACH, ADMIN: ALL},
    "lead.transfer": {MANAGER: REACH, ADMIN: ALL},
    "lead.return": {REP: OWN, MANAGER: REACH, ADMIN: ALL},
    "lead.disqualify": {REP: OWN, MANAGER: REACH, ADMIN: ALL},
    "lead.revive": {MANAGER: REACH, ADMIN: ALL},
    "lead.convert": {REP: OWN, MANAGER: REACH},
    "lead.follow_up": {REP: OWN, MANAGER: REACH},
    "pool.read": {REP: ALL, MANAGER: ALL, ADMIN: ALL},
    "pool.manage": {ADMIN: ALL},
    "duplicate.check": {REP: ALL, MANAGER: ALL, ADMIN: ALL, PARTNER: ALL},
    # accounts and contacts
    "account.read": {**SALES, PRESALES: OWN, FINANCE: ALL, LEGAL: OWN, PARTNER: OWN},
    "account.create": {REP: OWN, MANAGER: REACH},
    "account.update": {REP: OWN, MANAGER: REACH, ADMIN: ALL},
    "account.transfer": {MANAGER: REACH, ADMIN: ALL},
    "contact.create": {REP: OWN, MANAGER: REACH},
    "contact.update": {REP: OWN, MANAGER: REACH, ADMIN: ALL},
    # activities
    "activity.read": {**SALES, PRESALES: OWN},
    "activity.create": {REP: OWN, MANAGER: REACH, PRESALES: OWN},
    "task.create": {REP: OWN, MANAGER: REACH, PRESALES: OWN, FINANCE: OWN, LEGAL: OWN, ADMIN: OWN},
    # opportunities
    "opportunity.read": {**SALES, PRESALES: OWN, LEGAL: OWN, PARTNER: OWN},
    "opportunity.create": {REP: OWN, MANAGER: REACH},
    "opportunity.update": {REP: OWN, MANAGER: REACH},
    "opportunity.move": {REP: OWN, MANAGER: REACH},
    "opportunity.close": {REP: OWN, MANAGER: REACH},
    "opportunity.override": {REP: OWN, MANAGER: REACH},
    "opportunity.reopen": {MANAGER: REACH},
    "opportunity.reopen_won": {ADMIN: ALL},
    "opportunity.transfer": {MANAGER: REACH, ADMIN: ALL},
    "pipeline.manage": {ADMIN: ALL},
    "funnel.read": {**SALES, PRESALES: OWN, PARTNER: OWN},
    # quotes, contracts, fulfilment
    "quote.read": {**SALES, PRESALES: OWN, FINANCE: ALL, LEGAL: ALL},
    "quote.create": {REP: OWN, MANAGER: REACH},
    "quote.update": {REP: OWN, MANAGER: REACH},
    "contract.read": {**SALES, PRESALES: OWN, FINANCE: ALL, LEGAL: ALL},
    "contract.create": {REP: OWN, MANAGER: REACH},
    "contract.update": {REP: OWN, MANAGER: REACH},
    "contract.sign": {LEGAL: ALL},
    "contract.complete": {MANAGER: REACH, LEGAL: ALL},
    "order.create": {REP: OWN, MANAGER: REACH},
    "clause.manage": {LEGAL: ALL, ADMIN: ALL},
    "change.create": {REP: OWN, MANAGER: REACH, FINANCE: ALL},
    "batch.record": {PRESALES: OWN},
    "handover.decide": {MANAGER: REACH, PRESALES: OWN},
    "price.manage": {FINANCE: ALL, ADMIN: ALL},
    "entity.manage": {ADMIN: ALL},
    "flow.manage": {ADMIN: ALL},
    "approval.act": EVERYONE,
    "approval.reassign": {ADMIN: ALL},
    # receivables and cash
    "plan.draft": {REP: OWN, MANAGER: REACH, FINANCE: ALL},
    "plan.confirm": {FINANCE: ALL},
    "receivable.read": {REP: REACH, MANAGER: REACH, FINANCE: ALL, LEGAL: OWN, PARTNER: OWN},
    "receivable.dispute": {REP: OWN, MANAGER: REACH, FINANCE: ALL},
    "invoice.read": {REP: REACH, MANAGER: REACH, FINANCE: ALL},
    "invoice.request": {REP: OWN, MANAGER: REACH, FINANCE: ALL},
    "invoice.issue": {FINANCE: ALL},
    "receipt.read": {REP: REACH, MANAGER: REACH, FINANCE: ALL},
    "receipt.post": {FINANCE: ALL},
    "bank.import": {FINANCE: ALL},
    "allocate": {FINANCE: ALL},
    "refund.read": {REP: REACH, MANAGER: REACH, FINANCE: ALL, LEGAL: OWN},
    "refund.request": {REP: OWN, MANAGER: REACH, FINANCE: ALL},
    "refund.pay": {FINANCE: ALL},
    "write_off.read": {MANAGER: REACH, FINANCE: ALL, LEGAL: OWN},
    "write_off.request": {FINANCE: ALL},
    "bank.manage": {FINANCE: ALL},
    "payer.approve": {FINANCE: ALL},
    "credit.manage": {FINANCE: ALL},
    "dunning.manage": {FINANCE: ALL},
    "cash.read": {REP: REACH, MANAGER: REACH, FINANCE: ALL},
    "ageing.read": {REP: REACH, MANAGER: REACH, FINANCE: ALL, LEGAL: ALL},
    "provision.read": {FINANCE: ALL, LEGAL: ALL},
    "provision.run": {FINANCE: ALL},
    "period.read": {FINANCE: ALL, LEGAL: ALL, ADMIN: ALL},
    "period.close": {FINANCE: ALL},
    "period.approve_reopen": {LEGAL: ALL, ADMIN: ALL},
    # catalogue, files, people, settings
    "catalog.read": EVERYONE,
    "catalog.manage": {ADMIN: ALL},
    "file.add": {REP: OWN, MANAGER: REACH, PRESALES: OWN, FINANCE: ALL, LEGAL: OWN, ADMIN: ALL},
    "member.read": EVERYONE,
    "member.manage": {ADMIN: ALL},
    "team.manage": {ADMIN: ALL},
    "company.manage": {ADMIN: ALL},
    "profile.update": dict.fromkeys(Role.values, OWN),
    "token.manage": dict.fromkeys(Role.values, OWN),
    "import.run": {MANAGER: REACH, FINANCE: ALL, ADMIN: ALL},
    "import.sales": {MANAGER: REACH, ADMIN: ALL},
    "import.money": {FINANCE: ALL},
    "history.read": {**SALES, FINANCE: ALL},
}


def scope_of(member, action: str) -> Scope | None:
    """The widest scope that the member's roles give `action`, or None. Unknown actions are a bug."""
    cells = GRANTS[action]
    if member.is_system:
        return ALL
    return max((cells[role] for role in member.roles if role in cells), default=None)
