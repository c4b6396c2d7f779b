"""Writes the story into a company of its own, with its true dates (architecture.md 5b: dated history)."""

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts.models import Account, Contact
from crm.core import names, records
from crm.core.activities.models import Activity, ActivityLink, Task
from crm.core.catalog.models import Product
from crm.core.company import actions as company
from crm.core.events.history import origin
from crm.core.people.models import Member, User
from crm.core.pools.models import Pool
from crm.core.tenancy.models import Tenant
from crm.core.tenancy.state import enter
from leads.models import Lead
from opportunities.actions import default_pipeline

from . import pasts
from . import vocabulary as words
from .cash import Cash
from .story import Person, Story

SLUG = "demo"
NAME = "恒锐工业装备有限公司"
PASSWORD = "leadline-demo"


@transaction.atomic
def load(story: Story, *, slug: str = SLUG, say: Callable[[str], None] = lambda text: None) -> Tenant:
    """Found the demo company and tell its story; `say` hears the progress."""
    password = make_password(PASSWORD)
    founder = _user(story.people[1], 1, slug, password)
    tenant, admin = company.found_company(
        name=NAME, slug=slug, founder=founder, tz="Asia/Shanghai", locale="zh-hans", is_demo=True
    )
    with enter(tenant), origin("demo"):
        Loader(story, tenant, admin, password, say).run()
    return tenant


def _user(person: Person, number: int, slug: str, password: str) -> User:
    return User.objects.create(email=f"{person.roles[0]}{number}@{slug}.example", name=person.name, password=password)


class Loader:
    def __init__(self, story: Story, tenant: Tenant, admin: Member, password: str, say):
        self.story, self.tenant, self.admin, self.password, self.say = story, tenant, admin, password, say
        self.system = company.system_member(tenant)
        self.system.tenant = tenant

    def run(self) -> None:
        self.members = [self._member(number, person) for number, person in enumerate(self.story.people)]
        self._teams()
        self.pools = self._pools()
        self.products = self._products()
        self.say("customers")
        self.accounts = self._customers()
        self.contacts = self._contacts()
        self.say("opportunities")
        self.deals = self._deals()
        self.say("leads")
        self.leads = self._leads()
        self.say("activities and tasks")
        self._activities()
        self._tasks()
        self.say("contracts and cash")
        Cash(self).run()

    def _member(self, number: int, person: Person) -> Member:
        if number == 1:
            member = company.update_member(self.admin, by=self.system, roles=person.roles, title=person.title)
        else:
            user = _user(person, number, self.tenant.slug, self.password)
            member = company.add_member(
                by=self.admin, name=person.name, email=user.email, user=user, roles=person.roles, reach=person.reach,
                title=person.title,
            )  # fmt: skip
        member.tenant = self.tenant
        return member

    def _teams(self) -> None:
        """The matrix: sales by region, and the same people by industry."""
        top = company.create_team(by=self.admin, name="销售中心", head=self.members[0])
        teams = {
            name: company.create_team(by=self.admin, name=name, kind=kind, parent=top)
            for kind, branch in (("region", words.CITIES), ("industry", words.INDUSTRIES))
            for name in branch
        }
        for person, member in zip(self.story.people, self.members, strict=True):
            for name in filter(None, (person.region, person.industry)):
                company.seat_in_team(teams[name], member, by=self.admin, is_primary=name == person.region)
                if person.roles == ["manager"]:
                    company.update_team(teams[name], by=self.admin, head=member)

    def _pools(self) -> list[Pool]:
        """The default pool and one for each of the two big regions."""
        pools = [Pool.objects.of(self.tenant).get(is_default=True)]
        for name in ("华东公海", "华南公海"):
            pools.append(records.create(Pool, by=self.admin, name=name, daily_claim_limit=10))
        return pools

    def _products(self) -> list[Product]:
        columns = ("code", "name", "series", "unit", "list_price")
        rows = [Product(tenant=self.tenant, **dict(zip(columns, row, strict=True))) for row in words.PRODUCTS]
        return records.create_many(rows, by=self.admin)

    def _by_owner(self, told: list, owner_of: Callable, make: Callable, past: Callable | None = None) -> list:
        """Create a record for each thing told, owner by owner; in the order of the story."""
        rows, groups = [], defaultdict(list)
        for number, thing in enumerate(told):
            row = make(number, thing)
            row.tenant = self.tenant
            rows.append(row)
            groups[owner_of(thing)].append((row, thing))
        for owner, pairs in groups.items():
            tales = {id(row): thing for row, thing in pairs}
            story = (lambda row, tales=tales: past(row, tales[id(row)])) if past else None
            records.create_many([row for row, _ in pairs], by=self.members[owner], story=story)
        return rows

    def _customers(self) -> list[Account]:
        won = {deal.customer for deal in self.story.deals if deal.fate == "won"}
        followed = self._last_touches()

        def make(number: int, told) -> Account:
            code = names.uscc(told.values["uscc"])
            return Account(
                name=told.name, region=told.region, industry=told.industry, owner=self.members[told.owner],
                created_at=told.at, status=Account.Status.ACTIVE if number in won else Account.Status.POTENTIAL,
                valid_uscc=code.code if code.valid else "", last_followup_at=followed.get(number), **told.values,
            )  # fmt: skip

        return self._by_owner(self.story.customers, lambda told: told.owner, make)

    def _last_touches(self) -> dict:
        last: dict = {}
        for touch in self.story.touches:
            if touch.about[0] == "deal":
                customer = self.story.deals[touch.about[1]].customer
                last[customer] = max(last.get(customer, touch.at), touch.at)
        return last

    def _contacts(self) -> list[Contact]:
        told = [(n, customer, one) for n, customer in enumerate(self.story.customers) for one in customer.contacts]
        return self._by_owner(
            told,
            lambda thing: thing[1].owner,
            lambda _, thing: Contact(account=self.accounts[thing[0]], created_at=thing[1].at, **thing[2]),
        )

    def _deals(self) -> list:
        pipeline = default_pipeline(self.tenant)
        stages = {stage.key: stage for stage in pipeline.stages.all()}
        for stage in stages.values():
            stage.pipeline = pipeline
        steps = {number: touch for number, touch in self._latest_by_deal().items() if "next_step" in touch.values}

        def make(number: int, told):
            touch = steps.get(number)
            return pasts.deal_today(
                told, stages, account=self.accounts[told.customer], owner=self.accounts[told.customer].owner,
                product=self.products[told.product], next_step=touch.values["next_step"] if touch else "",
                last_followup_at=touch.at if touch else None,
            )  # fmt: skip

        owner_of = lambda told: self.story.customers[told.customer].owner  # noqa: E731
        return self._by_owner(self.story.deals, owner_of, make, lambda deal, told: pasts.deal_past(deal, told, stages))

    def _latest_by_deal(self) -> dict:
        latest: dict = {}
        for touch in self.story.touches:
            kind, number = touch.about
            if kind == "deal" and (number not in latest or latest[number].at < touch.at):
                latest[number] = touch
        return latest

    def _leads(self) -> list[Lead]:
        contacts = {contact.account_id: contact for contact in self.contacts}

        def make(number: int, told) -> Lead:
            values = {}
            if told.fate == "converted":
                own = [account for account in self.accounts if account.owner_id == self.members[told.owner].pk]
                account = own[number % len(own)]
                values = {"account": account, "contact": contacts.get(account.pk)}
            return pasts.lead_today(told, self._pool_of(told), self.members[told.owner], **values)

        past = lambda lead, told: pasts.lead_past(lead, told, self._pool_of(told), self.members[told.owner])  # noqa: E731
        return self._by_owner(self.story.enquiries, lambda told: told.owner, make, past)

    def _pool_of(self, told) -> Pool:
        return {"华东": self.pools[1], "华南": self.pools[2]}.get(told.region, self.pools[0])

    def _activities(self) -> None:
        """Activities and their links, in a few statements."""
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
        account = self.accounts[self.story.deals[number].customer]
        return account.owner, [self.deals[number], account]

    def _tasks(self) -> None:
        """The next step of each open deal that has one: some overdue, most ahead."""
        planned = [(n, deal) for n, deal in enumerate(self.deals) if deal.status == "open" and deal.next_step]
        start = self.story.touches[0].at.replace(
            year=self.story.today.year, month=self.story.today.month, day=self.story.today.day, hour=10, minute=0
        )
        self._by_owner(
            planned,
            lambda pair: self.members.index(pair[1].owner),
            lambda _, pair: Task(
                owner=pair[1].owner, title=pair[1].next_step, due_at=start + timedelta(days=pair[0] % 9 - 2),
                created_at=pair[1].last_followup_at, subject_type="opportunities.opportunity", subject_id=pair[1].pk,
                source="activity",
            ),
        )  # fmt: skip
