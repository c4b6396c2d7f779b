"""A company with something on every page, and all its pages by address."""

from types import SimpleNamespace

from django.db import transaction
from django.test import Client

from crm.core.company import actions as company
from crm.core.notifications.actions import notify
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
    "opportunities:panel", "opportunities:sums", "visits:customers", "activities:task", "activities:log",
    "activities:plan", "activities:attach", "imports:values", "imports:check", "imports:run", "imports:cancel",
    "leads:claim_selected", "notifications:read_all", "settings:switch", "settings:resend", "settings:deactivate",
    "settings:reactivate", "settings:seat", "settings:unseat", "settings:revoke", "accounts:collaborators",
    "opportunities:move", "opportunities:start_pipeline", "opportunities:make_default", "pools:give_seat",
    "pools:take_seat", "pools:dry_run",
}  # fmt: skip
VERBS = ("win", "lose", "suspend", "override-probability", "transfer")
VIEWS = (
    "leads/?view=pool", "leads/?view=review", "leads/?q=nothing+like+it", "opportunities/?status=won",
    "visits/?view=all",
)  # fmt: skip


def make_world() -> SimpleNamespace:
    """Acme with its cast, a row of every kind, and a few rows in their special states."""
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        world = build(cast, "Acme")
        world.cast = cast
        extend(world)
    with enter(cast.tenant), transaction.atomic():
        world.batch = bring(cast.admin, "leads", FILE)
        world.checked = bring(cast.admin, "leads", FILE + "丙公司,Rep,1\n")
        check(world.checked)
    return world


def extend(world) -> None:
    """A deal won and one lost, a converted and a disqualified lead, an open invitation, a token, a notice."""
    admin, rep = world.cast.admin, world.cast.rep
    won, lost = (
        opportunities.open_opportunity(by=rep, account=world.account, name=f"Acme {end}", amount=500)
        for end in ("won", "lost")
    )
    opportunities.win(won, by=rep)
    opportunities.lose(lost, by=rep, reason="price")
    world.disqualified = leads.disqualify(leads.create_lead(by=rep, name="Acme no"), by=rep, reason="wrong number")
    world.invited = company.add_member(by=admin, name="New", email="new@acme.example", roles=["rep"])
    company.create_token(admin, by=admin, name="reports")
    notify(admin, "lead.assigned", subject=world.lead, dedupe_key="walk", lead="Acme lead", by="Rep", reason="")


def ids_of(world) -> dict[str, dict]:
    """The ids in an address, by its name or by its app."""
    return {
        "settings:member": {"pk": world.invited.pk}, "settings:team": {"pk": world.team.pk},
        "catalog": {"pk": world.product.pk}, "imports": {"pk": world.batch.pk},
        "imports:detail": {"pk": world.checked.pk},
        "activities": {"pk": world.deal.pk, "subject_type": "opportunities.opportunity"},
        "accounts": {"pk": world.account.pk}, "accounts:contact": {"pk": world.contact.pk},
        "accounts:edit_contact": {"pk": world.contact.pk}, "opportunities": {"pk": world.deal.pk},
        "opportunities:pipeline": {"pk": world.deal.pipeline_id},
        "opportunities:publish": {"pk": world.deal.pipeline_id},
        "leads": {"pk": world.lead.pk}, "pools": {"pk": world.pool.pk}, "visits": {"pk": world.visit.pk},
    }  # fmt: skip


def addresses(world) -> dict[str, str]:
    """Address → name of its pattern, for every page of the company."""
    ids, found = ids_of(world), {}
    for address in company_addresses():
        if address.is_api or address.name in NO_PAGES:
            continue
        values = ids.get(address.name, ids.get(address.name.split(":")[0], {}))
        verbs = VERBS if address.name == "opportunities:act" else ("",)
        for verb in verbs:
            found[url(address, verb=verb, **values)] = address.name
    for lead in (world.pooled, world.disqualified):
        found[f"/acme/leads/{lead.pk}/"] = "leads:detail"
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
