"""Every address × every role against the table of permissions (architecture.md 6.2, reliability.md T8).

An address missing here fails: a new endpoint says first what it takes. Verbs on one record
are tested by their apps (own, team, all); here a role that lacks the act altogether is refused.
"""

import pytest
from django.test import Client

from crm.core.company import actions as company
from crm.core.people.reach import may
from crm.core.people.roles import GRANTS, Role
from crm.core.tenancy.state import leave
from tests.conftest import BOTH

from .addresses import company_addresses, url
from .world import build

pytestmark = pytest.mark.django_db(databases=BOTH)

ANYBODY = ""
# What reading an address takes; the prefix of its name decides where no line of its own stands.
READING = {
    "api:schema": ANYBODY, "api:docs": ANYBODY, "api:me": ANYBODY, "home": ANYBODY, "notifications": ANYBODY,
    "api:notifications": ANYBODY, "settings:profile": ANYBODY, "settings:index": ANYBODY, "settings:switch": ANYBODY,
    "settings:tokens": "token.manage", "api:tokens": "token.manage", "settings": "member.manage",
    "settings:company": "company.manage", "settings:teams": "team.manage", "settings:team_new": "team.manage",
    "api:members": "member.read", "api:teams": "member.read",
    "catalog": "catalog.read", "catalog:create": "catalog.manage", "api:products": "catalog.read",
    "activities": "activity.read", "api:activities": "activity.read", "api:tasks": "task.create",
    "api:attachments": ANYBODY,
    "identity": "duplicate.check", "api:duplicates": "duplicate.check", "api:search": ANYBODY,
    "imports": "import.run", "imports:template": "import.sales", "api:import": "import.run",
    "api:import-objects": ANYBODY,
    "accounts": "account.read", "accounts:create": "account.create", "api:accounts": "account.read",
    "api:contacts": "account.read",
    "visits": "activity.read", "visits:new": "activity.create", "visits:customers": "activity.create",
    "opportunities": "opportunity.read", "opportunities:create": "opportunity.create",
    "opportunities:funnel": "funnel.read", "api:funnel": "funnel.read", "api:opportunities": "opportunity.read",
    "opportunities:pipelines": "opportunity.read", "opportunities:start_pipeline": "pipeline.manage",
    "api:pipelines": "opportunity.read",
    "leads": "lead.read", "leads:create": "lead.create", "leads:pool": "lead.read", "api:leads": "lead.read",
    "approvals": "approval.act", "approvals:flows": "flow.manage", "approvals:flow": "flow.manage",
    "approvals:start_flow": "flow.manage", "approvals:edit_flow": "flow.manage",
    "api:approvals": "approval.act", "api:approval-tasks": "approval.act", "api:approval-flows": "flow.manage",
    "api:delegations": "approval.act",
    "receivables": "receivable.read", "api:receivables": "receivable.read", "api:plans": "receivable.read",
    "invoices": "invoice.read", "api:invoices": "invoice.read", "api:invoice-requests": "invoice.read",
    "desk": "receipt.post", "desk:receipts": "receipt.read", "api:receipts": "receipt.read",
    "api:allocations": "receipt.read", "api:bank-accounts": "bank.import", "api:bank-lines": "bank.import",
    "api:statements": "bank.import",
    "dunning": "dunning.manage", "dunning:promises": "receivable.read", "dunning:ends": "receivable.read",
    "api:dunning-policies": "dunning.manage", "api:dunning-notices": "receivable.read",
    "api:promises": "receivable.read", "api:reminders": "receivable.read",
    "cash": "cash.read", "api:cash-calendar": "cash.read", "home:finance": "receipt.post", "home:board": "cash.read",
    "home:board_rows": "cash.read",
    "pools": "pool.read", "pools:create": "pool.manage", "api:pools": "pool.read",
    "closing": "refund.read", "closing:write_offs": "write_off.read", "closing:periods": "period.read",
    "closing:provisions": "provision.read", "closing:provision_new": "provision.run",
    "closing:matrix_new": "provision.run",
    "ageing": "ageing.read", "ageing:settings": "credit.manage", "ageing:export": "ageing.read",
    "api:refunds": "refund.read", "api:write-offs": "write_off.read", "api:periods": "period.read",
    "api:provision-runs": "provision.read", "api:provision-rates": "provision.read", "api:ageing": "ageing.read",
    "api:provision-runs-preview": "provision.run", "api:credit-classes": "receivable.read",
    "api:statements-of-account": "ageing.read",
    "contracts": "contract.read", "contracts:create": "contract.create", "contracts:line_row": "contract.create",
    "contracts:template_new": "clause.manage", "contracts:clause_new": "clause.manage",
    "api:contracts": "contract.read", "api:change-orders": "contract.read",
    "orders": "contract.read", "orders:handovers": "handover.decide", "api:orders": "contract.read",
    "api:batches": "contract.read", "api:handovers": "contract.read", "api:handovers-list": "handover.decide",
    "api:renewals": "contract.read",
    "entities": "entity.manage", "api:legal-entities": "catalog.read",
    "prices": "quote.read", "prices:create_list": "price.manage", "prices:tax_codes": "price.manage",
    "prices:create_tax_code": "price.manage", "api:tax-codes": "quote.read", "api:price-lists": "quote.read",
    "api:prices": "quote.read",
    "quotes": "quote.read", "quotes:create": "quote.create", "quotes:deals": "quote.create",
    "quotes:lines": "quote.create", "api:quotes": "quote.read",
}  # fmt: skip
POST_ONLY = (405,)


def permission_of(name: str) -> str:
    prefix = name.rsplit("-", 1)[0] if name.startswith("api:") else name.split(":")[0]
    for key in (name, prefix, prefix.rsplit("-", 1)[0]):
        if key in READING:
            return READING[key]
    raise LookupError(name)


def test_every_address_says_what_it_takes():
    unknown = []
    for address in company_addresses():
        name = address.name
        while name and name not in READING and name.count("-"):
            name = name.rsplit("-", 1)[0]
        if name not in READING and address.name.split(":")[0] not in READING:
            unknown.append(address.name)
    assert not unknown, unknown
    assert {permission for permission in READING.values() if permission} <= set(GRANTS)


@pytest.mark.parametrize("role", Role.values)
def test_lists_answer_whoever_may_read_them(acme, role):
    build(acme, "Acme")
    member = getattr(acme, role)
    client, wrong = Client(), []
    client.force_login(member.user)
    with leave():
        for address in company_addresses():
            if address.takes_id or "get" not in address.methods:
                continue
            permission = permission_of(address.name)
            # 400: some addresses of the API answer nothing before they are told what about.
            told = (400,) if address.is_api else ()
            wanted = (200, 302, *told, *POST_ONLY) if not permission or may(member, permission) else (403, *POST_ONLY)
            status = client.get(url(address)).status_code
            if status not in wanted:
                wrong.append((address.name, permission, status))
    assert not wrong, wrong


@pytest.mark.parametrize("role", Role.values)
def test_a_role_without_the_act_is_refused_by_the_api(acme, role):
    """POST to a collection: 403 for whoever may not create, before any input is looked at or after."""
    creating = {
        "accounts": "account.create", "contacts": "contact.create", "activities": "activity.create",
        "products": "catalog.manage", "opportunities": "opportunity.create", "members": "member.manage",
        "teams": "team.manage", "pools": "pool.manage", "leads": "lead.create",
        "legal-entities": "entity.manage", "price-lists": "price.manage", "quotes": "quote.create",
    }  # fmt: skip
    world = build(acme, "Acme")
    bodies = {
        "accounts": {"name": "n"}, "contacts": {"name": "n", "account": world.account.pk},
        "activities": {"type": "call", "note": "talked to them at length", "subjects": []},
        "products": {"name": "n"}, "opportunities": {"name": "n", "account": world.account.pk},
        "members": {"name": "n", "roles": ["rep"]}, "teams": {"name": "n", "kind": "region"}, "pools": {"name": "n"},
        "leads": {"name": "n"}, "legal-entities": {"name": "n", "code": "N1"},
        "price-lists": {"name": "n", "valid_from": "2030-01-01"}, "quotes": {"opportunity": world.deal.pk},
    }  # fmt: skip
    member, wrong = getattr(acme, role), []
    _, secret = company.create_token(member, by=member, name="t")
    for path, permission in creating.items():
        with leave():
            answer = Client().post(
                f"/acme/api/v1/{path}/", bodies[path], content_type="application/json",
                headers={"Authorization": f"Token {secret}"},
            )  # fmt: skip
        refused = answer.status_code in (403, 400) if may(member, permission) is False else answer.status_code != 403
        if not refused or (not may(member, permission) and answer.status_code < 300):
            wrong.append((path, permission, answer.status_code))
    assert not wrong, wrong
