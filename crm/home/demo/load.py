"""Writes the story into a company of its own, with its true dates (architecture.md 5b: dated history)."""

from collections.abc import Callable

from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts import actions as accounts
from crm.core import records
from crm.core.activities.models import Activity, ActivityLink
from crm.core.catalog.models import Product
from crm.core.company import actions as company
from crm.core.events.history import origin
from crm.core.people.models import Member, User
from crm.core.pools.models import Pool
from crm.core.tenancy.models import Tenant
from crm.core.tenancy.state import enter
from leads.models import Lead
from opportunities import actions as opportunities

from . import vocabulary as words
from .story import Enquiry, Person, Story

SLUG = "demo"
NAME = "恒锐工业装备有限公司"
PASSWORD = "leadline-demo"


@transaction.atomic
def load(story: Story, *, slug: str = SLUG, say: Callable[[str], None] = lambda text: None) -> Tenant:
    """Found the demo company and tell its story; `say` hears the progress."""
    founder = _user(story.people[1], 1, slug, make_password(PASSWORD))
    tenant, admin = company.found_company(
        name=NAME, slug=slug, founder=founder, tz="Asia/Shanghai", locale="zh-hans", is_demo=True
    )
    with enter(tenant), origin("demo"):
        Loader(story, tenant, admin, slug, say).run()
    return tenant


def _user(person: Person, number: int, slug: str, password: str) -> User:
    user = User(email=f"{person.roles[0]}{number}@{slug}.example", name=person.name, password=password)
    user.save()
    return user


class Loader:
    def __init__(self, story: Story, tenant: Tenant, admin: Member, slug: str, say):
        self.story, self.tenant, self.admin, self.slug, self.say = story, tenant, admin, slug, say
        self.system = company.system_member(tenant)
        self.system.tenant = tenant

    def run(self) -> None:
        self.members = self._people()
        self.teams = self._teams()
        self.pools = self._pools()
        self.products = [self._product(*row) for row in words.PRODUCTS]
        self.say("customers")
        self.accounts = [self._customer(customer) for customer in self.story.customers]
        self.say("opportunities")
        self.deals = [self._deal(deal) for deal in self.story.deals]
        self.say("leads")
        self.leads = [self._lead(enquiry) for enquiry in self.story.enquiries]
        self.say("activities")
        self._activities()

    def _people(self) -> list[Member]:
        password = make_password(PASSWORD)
        return [self._member(number, person, password) for number, person in enumerate(self.story.people)]

    def _member(self, number: int, person: Person, password: str) -> Member:
        if number == 1:
            member = company.update_member(self.admin, by=self.system, roles=person.roles, title=person.title)
        else:
            user = _user(person, number, self.slug, password)
            member = company.add_member(
                by=self.admin, name=person.name, email=user.email, user=user, roles=person.roles, reach=person.reach,
                title=person.title,
            )  # fmt: skip
        member.tenant = self.tenant
        return member

    def _teams(self) -> dict[str, object]:
        """The matrix: sales by region, and the same people by industry."""
        top = company.create_team(by=self.admin, name="销售中心", head=self.members[0])
        teams = {}
        for kind, names in (("region", words.CITIES), ("industry", words.INDUSTRIES)):
            for name in names:
                teams[name] = company.create_team(by=self.admin, name=name, kind=kind, parent=top)
        for person, member in zip(self.story.people, self.members, strict=True):
            for name in filter(None, (person.region, person.industry)):
                company.seat_in_team(teams[name], member, by=self.admin, is_primary=name == person.region)
                if person.roles == ["manager"]:
                    company.update_team(teams[name], by=self.admin, head=member)
        return teams

    def _pools(self) -> list[Pool]:
        """The default pool and one for each of the two big regions."""
        pools = [Pool.objects.of(self.tenant).get(is_default=True)]
        for name in ("华东公海", "华南公海"):
            pools.append(records.create(Pool, by=self.admin, name=name, daily_claim_limit=10))
        return pools

    def _product(self, code, name, series, unit, price) -> Product:
        return records.create(Product, by=self.admin, code=code, name=name, series=series, unit=unit, list_price=price)

    def _customer(self, customer):
        owner = self.members[customer.owner]
        account = accounts.create_account(
            by=owner, name=customer.name, region=customer.region, industry=customer.industry, at=customer.at,
            **customer.values,
        )  # fmt: skip
        for contact in customer.contacts:
            accounts.add_contact(account, by=owner, at=customer.at, **contact)
        return account

    def _deal(self, deal):
        account = self.accounts[deal.customer]
        owner = self.members[self.story.customers[deal.customer].owner]
        opportunity = opportunities.open_opportunity(
            by=owner, account=account, name=deal.name, product=self.products[deal.product], amount=deal.amount,
            close_date=deal.close_date, at=deal.at,
        )  # fmt: skip
        stages = {stage.key: stage for stage in opportunity.pipeline.stages.all()}
        for key, at in deal.steps:
            opportunities.move_stage(opportunity, stages[key], by=owner, at=at)
        self._end(opportunity, deal, owner)
        return opportunity

    @staticmethod
    def _end(opportunity, deal, owner) -> None:
        if deal.fate == "won":
            opportunities.win(opportunity, by=owner, at=deal.ended_at)
        elif deal.fate == "lost":
            opportunities.lose(opportunity, by=owner, reason="price", detail=deal.detail, at=deal.ended_at)
        elif deal.fate == "suspended":
            opportunities.suspend(opportunity, by=owner, reason=deal.detail, at=deal.ended_at)

    def _lead(self, enquiry: Enquiry) -> Lead:
        pool = {"华东": self.pools[1], "华南": self.pools[2]}.get(enquiry.region, self.pools[0])
        lead = records.create(
            Lead, by=self.system, at=enquiry.at, name=enquiry.name, region=enquiry.region, pool=pool, home_pool=pool,
            **enquiry.values,
        )  # fmt: skip
        if enquiry.fate != "pooled":
            self._take(lead, enquiry)
        return lead

    def _take(self, lead: Lead, enquiry: Enquiry) -> None:
        owner = self.members[enquiry.owner]
        records.move(
            lead, Lead.Status.ASSIGNED, by=owner, verb="claimed", at=enquiry.owned_at, pool=None, owner=owner,
            owner_reason="claim", owned_at=enquiry.owned_at,
        )  # fmt: skip
        if enquiry.followed_at is None:
            return
        at = enquiry.followed_at
        records.move(
            lead, Lead.Status.WORKING, by=owner, verb="worked", at=at, last_followup_at=at, first_response_at=at
        )
        if enquiry.fate == "converted":
            self._convert(lead, owner, enquiry)
        elif enquiry.fate == "disqualified":
            records.move(
                lead, "disqualified", by=owner, verb="disqualified", at=at, owner=None, disqualified_reason="需求不真实"
            )
        elif enquiry.fate != "working":
            records.move(lead, enquiry.fate, by=owner, verb=enquiry.fate, at=at)

    def _convert(self, lead: Lead, owner: Member, enquiry: Enquiry) -> None:
        """Its customer is one of the owner's; the enquiry came from a company we now sell to."""
        own = [i for i, customer in enumerate(self.story.customers) if customer.owner == enquiry.owner]
        account = self.accounts[own[lead.pk % len(own)]]
        records.move(
            lead, Lead.Status.CONVERTED, by=owner, verb="converted", at=enquiry.followed_at, account=account,
            contact=account.contacts.first(), converted_at=enquiry.followed_at,
        )  # fmt: skip

    def _activities(self) -> None:
        """Activities and their links, in two statements a thousand."""
        told = [(touch, *self._about(touch)) for touch in self.story.touches]
        rows = records.append(
            Activity(
                tenant=self.tenant, type=touch.kind, actor=actor, occurred_at=touch.at, recorded_at=touch.at,
                counts_as_followup=True, **touch.values,
            )
            for touch, actor, _ in told
        )  # fmt: skip
        records.append(
            ActivityLink(
                tenant=self.tenant, activity=row, subject_type=subject._meta.label_lower, subject_id=subject.pk
            )
            for row, (_, _, subjects) in zip(rows, told, strict=True)
            for subject in subjects
        )

    def _about(self, touch):
        kind, number = touch.about
        if kind == "lead":
            return self.members[self.story.enquiries[number].owner], [self.leads[number]]
        deal = self.story.deals[number]
        owner = self.members[self.story.customers[deal.customer].owner]
        return owner, [self.deals[number], self.accounts[deal.customer]]
