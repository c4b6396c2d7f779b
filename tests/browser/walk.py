"""A company with something on every page, and all its pages by address."""

from types import SimpleNamespace

from django.db import transaction
from django.test import Client

from contracts import offers
from crm.core.tenancy.state import enter, leave
from leads import actions as leads
from opportunities import actions as opportunities
from tests.conftest import make_acme
from tests.everywhere.addresses import company_addresses, url
from tests.everywhere.world import build
from tests.imports.conftest import bring, check

FILE = "公司名称,负责人,员工数\n甲公司,Reb,12\n乙公司,,many\n,Rep,3\n"
# Addresses that answer with data or with a part of a page, send elsewhere, or only take what is posted.
NO_PAGES = {
    "home:index", "settings:index", "notifications:open", "catalog:options", "activities:download", "imports:template",
    "imports:errors", "imports:state", "imports:preview", "accounts:options", "accounts:facts", "identity:hints",
    "opportunities:panel", "opportunities:sums", "leads:origin", "visits:customers", "activities:task",
    "activities:log",
    "activities:plan", "activities:attach", "imports:values", "imports:check", "imports:run", "imports:cancel",
    "leads:claim_selected", "notifications:read_all", "settings:switch", "settings:resend", "settings:deactivate",
    "settings:reactivate", "settings:seat", "settings:unseat", "settings:revoke", "accounts:collaborators",
    "opportunities:move", "opportunities:start_pipeline", "opportunities:make_default", "pools:give_seat",
    "pools:take_seat", "pools:dry_run", "contracts:line_row", "contracts:of_account", "contracts:of_opportunity",
    "quotes:lines", "quotes:deals", "quotes:panel", "quotes:pdf", "prices:remove", "orders:panel", "approvals:panel",
    "approvals:start_flow", "approvals:revoke", "receivables:contract_panel", "receivables:account_panel",
    "receivables:opportunity_panel", "receivables:plan_act", "invoices:contract_panel", "invoices:approve",
    "invoices:send", "invoices:confirmation", "desk:candidates", "desk:accept", "desk:split", "desk:aside", "desk:undo",
    "desk:back",
    "desk:decide_payer", "desk:allocate_automatically", "desk:unallocate", "desk:import_statement",
    "closing:receipt_panel", "closing:receivable_panel", "closing:credit_panel", "ageing:export",
    "ageing:statement_pdf", "dunning:run", "dunning:withdraw", "dunning:panel",
}  # fmt: skip
# The verbs whose questions are looked at.
VERBS = {
    "opportunities:act": ("win", "lose", "suspend", "override-probability", "transfer"),
    "quotes:act": ("accept", "decline", "new-version"), "contracts:act": ("submit", "sign", "transfer"),
    "contracts:change_act": ("submit",), "orders:act": ("cancel",), "orders:act_batch": ("ship",),
    "orders:hand": ("accept", "give-back"), "orders:renew": ("assess", "lose"),
    "approvals:task": ("approve", "reject", "return", "transfer", "add"), "approvals:request": ("withdraw", "copy"),
    "closing:period_act": ("close", "open-again"), "dunning:act": ("promise", "dispute", "hold"),
}  # fmt: skip
VIEWS = (
    "leads/?view=pool", "leads/?view=review", "leads/?q=nothing+like+it", "opportunities/?status=won",
    "visits/?view=all", "approvals/?box=mine", "receivables/?state=overdue", "quotes/?q=nothing+like+it",
)  # fmt: skip


def make_world() -> SimpleNamespace:
    """Acme with its cast, a row of every kind, and a few rows in their special states."""
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        world = build(cast, "Acme")
        world.cast = cast
        extend(world)
    with enter(cast.tenant), transaction.atomic():
        world.mapped = bring(cast.admin, "leads", FILE)
        world.checked = bring(cast.admin, "leads", FILE + "丙公司,Rep,1\n")
        check(world.checked)
    return world


def extend(world) -> None:
    """A deal won and one lost, a disqualified lead."""
    rep = world.cast.rep
    won, lost = (
        opportunities.open_opportunity(by=rep, account=world.account, name=f"Acme {end}", amount=500)
        for end in ("won", "lost")
    )
    opportunities.win(won, by=rep)
    opportunities.lose(lost, by=rep, reason="price")
    world.disqualified = leads.disqualify(leads.create_lead(by=rep, name="Acme no"), by=rep, reason="wrong number")


def ids_of(world) -> dict[str, dict]:
    """The ids in an address, by its name or by its app."""
    return {
        "settings:member": {"pk": world.invited.pk}, "settings:team": {"pk": world.team.pk},
        "catalog": {"pk": world.product.pk}, "imports": {"pk": world.mapped.pk},
        "imports:detail": {"pk": world.checked.pk},
        "activities": {"pk": world.deal.pk, "subject_type": "opportunities.opportunity"},
        "accounts": {"pk": world.account.pk}, "accounts:contact": {"pk": world.contact.pk},
        "accounts:edit_contact": {"pk": world.contact.pk}, "opportunities": {"pk": world.deal.pk},
        "opportunities:pipeline": {"pk": world.deal.pipeline_id},
        "opportunities:publish": {"pk": world.deal.pipeline_id},
        "leads": {"pk": world.lead.pk}, "pools": {"pk": world.pool.pk}, "visits": {"pk": world.visit.pk},
        **ids_of_papers(world), **ids_of_money(world),
    }  # fmt: skip


def ids_of_papers(world) -> dict[str, dict]:
    return {
        "entities": {"pk": world.entity.pk}, "prices": {"pk": world.price_list.pk},
        "prices:edit": {"pk": world.price.pk}, "prices:edit_tax_code": {"pk": world.tax.pk},
        "quotes": {"pk": world.quote.pk}, "quotes:act": {"pk": world.sent.pk},
        "contracts": {"pk": world.contract.pk}, "contracts:edit": {"pk": world.drafted.pk},
        "contracts:clauses": {"pk": world.drafted.pk}, "contracts:change": {"pk": world.change.pk},
        "contracts:change_edit": {"pk": world.change.pk}, "contracts:change_act": {"pk": world.change.pk},
        "contracts:template_edit": {"pk": world.template.pk}, "contracts:clause_edit": {"pk": world.clause.pk},
        "orders": {"pk": world.order.pk, "contract": world.contract.pk}, "orders:batch": {"pk": world.batch.pk},
        "orders:edit_batch": {"pk": world.batch.pk}, "orders:act_batch": {"pk": world.batch.pk},
        "orders:hand": {"pk": world.contract.pk}, "orders:renew": {"pk": world.contract.pk},
        "approvals": {"pk": world.instance.pk}, "approvals:task": {"pk": world.decision.pk},
        "approvals:flow": {"pk": world.instance.flow_id}, "approvals:edit_flow": {"pk": world.instance.flow_id},
    }  # fmt: skip


def ids_of_money(world) -> dict[str, dict]:
    return {
        "receivables": {"pk": world.receivable.pk, "contract": world.contract.pk},
        "receivables:plan": {"pk": world.plan.pk}, "receivables:plan_edit": {"pk": world.draft_plan.pk},
        "receivables:plan_new": {"contract": world.asked.pk}, "invoices": {"pk": world.invoice.pk},
        "invoices:request": {"pk": world.red.pk}, "invoices:issue": {"pk": world.request.pk},
        "invoices:drop": {"pk": world.request.pk}, "invoices:request_new": {"contract": world.contract.pk},
        "desk": {"pk": world.receipt.pk}, "desk:edit_account": {"pk": world.bank.pk},
        "desk:statement": {"pk": world.waiting.pk}, "closing:refund_new": {"receipt": world.receipt.pk},
        "closing": {"pk": world.refund.pk, "receivable": world.last.pk}, "closing:write_off": {"pk": world.loss.pk},
        "closing:recover": {"pk": world.loss.pk}, "closing:period": {"pk": world.entity.pk},
        "closing:period_act": {"pk": world.entity.pk}, "closing:credit_edit": {"pk": world.account.pk},
        "closing:provision": {"pk": world.provision.pk}, "ageing": {"pk": world.account.pk},
        "dunning:run_detail": {"pk": world.run.pk}, "dunning:letter": {"pk": world.letter.pk},
        "dunning:policy": {"pk": world.policy.pk}, "dunning:hold": {"pk": world.held.pk},
        "dunning:legal": {"pk": world.legal_step.pk}, "dunning:act": {"pk": world.second.pk},
    }  # fmt: skip


def addresses(world) -> dict[str, str]:
    """Address → name of its pattern, for every page of the company."""
    ids, found = ids_of(world), {}
    for address in company_addresses():
        if address.is_api or address.name in NO_PAGES:
            continue
        values = ids.get(address.name, ids.get(address.name.split(":")[0], {}))
        for verb in VERBS.get(address.name, ("",)):
            found[url(address, verb=verb, **values)] = address.name
    for lead in (world.pooled, world.disqualified):
        found[f"/acme/leads/{lead.pk}/"] = "leads:detail"
    found |= {
        f"/acme/quotes/{world.sent.pk}/": "quotes:detail", f"/acme/plans/{world.draft_plan.pk}/": "receivables:plan",
        f"/acme/bank/statements/{world.statement.pk}/": "desk:statement",
        f"/acme/reconcile/split/?line={world.line.pk}": "desk:split",
        f"/acme/reconcile/aside/?line={world.line.pk}": "desk:aside",
        offers.path_of(world.sent, "acme"): "offers:show",
    }  # fmt: skip
    found |= {f"/acme/{view}": view for view in VIEWS}
    return found


def client_of(member) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def seen_by(member, world) -> list[str]:
    """The pages that `member` may open."""
    client = client_of(member)
    with leave():
        return [address for address in addresses(world) if client.get(address).status_code == 200]


def dealt(members, world, day: int) -> list[list[str]]:
    """Each page for one of `members` who may open it, tomorrow for the next; a page for nobody is a mistake here."""
    clients, hands = [client_of(member) for member in members], [[] for _ in members]
    with leave():
        for number, address in enumerate(addresses(world)):
            turn = [(number + day + step) % len(members) for step in range(len(members))]
            hands[next(one for one in turn if clients[one].get(address).status_code == 200)].append(address)
    return hands
