"""What happened in the demo company, as plain data: seeded, and the same for the same day."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

from . import vocabulary as words

MONTHS = 14
ZONE = ZoneInfo("Asia/Shanghai")
COUNTS = {"leads": 600, "accounts": 200, "opportunities": 300, "activities": 1500}
STAGES = ("contact", "requirement", "quote", "contract", "won")
# Shares in percent of how deals and enquiries ended or stand.
FATES = ["won"] * 26 + ["lost"] * 22 + ["suspended"] * 3 + ["open"] * 49
LEAD_FATES = ["pooled"] * 26 + ["assigned"] * 20 + ["working"] * 22 + ["qualified"] * 4 + ["nurturing"] * 6 + [
    "converted"] * 14 + ["disqualified"] * 8  # fmt: skip


@dataclass
class Person:
    name: str
    roles: list[str]
    region: str = ""
    industry: str = ""
    title: str = ""
    reach: str = ""


@dataclass
class Customer:
    name: str
    region: str
    industry: str
    owner: int
    at: datetime
    values: dict
    contacts: list[dict]


@dataclass
class Deal:
    name: str
    customer: int
    product: int
    amount: Decimal
    close_date: date
    at: datetime
    steps: list[tuple[str, datetime]]
    fate: str
    ended_at: datetime | None
    detail: str = ""


@dataclass
class Enquiry:
    name: str
    region: str
    values: dict
    fate: str
    owner: int
    at: datetime
    owned_at: datetime
    followed_at: datetime | None


@dataclass
class Touch:
    kind: str
    about: tuple[str, int]
    at: datetime
    values: dict


@dataclass
class Story:
    today: date
    people: list[Person] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    enquiries: list[Enquiry] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)

    @property
    def sellers(self) -> list[int]:
        return [i for i, person in enumerate(self.people) if person.roles == ["rep"]]


class Teller:
    """Makes a Story from a seed and a day."""

    def __init__(self, today: date, seed: int = 7):
        self.rng = Random(f"{seed}-{today.isoformat()}")
        self.story = Story(today)
        self.now = datetime.combine(today, time(8, 30), ZONE)
        self.start = self.now - timedelta(days=MONTHS * 30)

    def tell(self) -> Story:
        self._people()
        self._customers()
        self._deals()
        self._enquiries()
        self._touches()
        return self.story

    def _unique(self, make, taken: set[str]) -> str:
        while (name := make()) in taken:
            pass
        taken.add(name)
        return name

    def _moment(self, earliest: datetime, latest: datetime) -> datetime:
        """A working hour of a weekday between the two."""
        span = max((latest - earliest).total_seconds(), 0)
        moment = earliest + timedelta(seconds=self.rng.random() * span)
        moment -= timedelta(days=max(moment.weekday() - 4, 0))
        moment = moment.replace(hour=self.rng.randrange(9, 18), minute=self.rng.randrange(60), second=0, microsecond=0)
        return min(max(moment, earliest), latest)

    def _people(self) -> None:
        taken: set[str] = set()
        name = lambda: self._unique(lambda: words.person(self.rng), taken)  # noqa: E731
        add = self.story.people.append
        add(Person(name(), ["manager"], title="总经理", reach="all"))
        add(Person(name(), ["admin"], title="系统管理员"))
        for region in words.CITIES:
            add(Person(name(), ["manager"], region=region, title=f"{region}大区经理"))
        for industry in words.INDUSTRIES:
            add(Person(name(), ["manager"], industry=industry, title=f"{industry}行业经理"))
        for i in range(20):
            region, industry = list(words.CITIES)[i % 4], list(words.INDUSTRIES)[i % 6]
            add(Person(name(), ["rep"], region=region, industry=industry, title="销售代表"))
        for title, role in [("售前工程师", "presales")] * 3 + [("财务主管", "finance"), ("应收会计", "finance")]:
            add(Person(name(), [role], title=title))
        add(Person(name(), ["legal"], title="法务"))
        add(Person(name(), ["partner"], title="经销商代表"))
        add(Person(name(), ["rep", "presales"], region="华东", title="解决方案顾问"))

    def _customers(self) -> None:
        taken: set[str] = set()
        for _ in range(COUNTS["accounts"]):
            seller = self.rng.choice(self.story.sellers)
            person = self.story.people[seller]
            name = self._unique(lambda p=person: words.firm(self.rng, p.region, p.industry), taken)
            self.story.customers.append(
                Customer(
                    name, person.region, person.industry, seller,
                    self._moment(self.start, self.now - timedelta(days=20)),
                    self._customer_values(person.region),
                    [self._contact(person.region) for _ in range(self.rng.choice([1, 1, 2, 3]))],
                )
            )  # fmt: skip

    def _customer_values(self, region: str) -> dict:
        return {
            "uscc": words.credit_code(self.rng, region),
            "phone": words.landline(self.rng, region),
            "size_band": self.rng.choice(words.SIZES),
            "employees": self.rng.randrange(30, 3000),
            "founded_year": self.rng.randrange(1985, 2022),
            "address": f"{self.rng.choice(words.CITIES[region])}市经济开发区{self.rng.randrange(1, 300)}号",
        }

    def _contact(self, region: str) -> dict:
        return {
            "name": words.person(self.rng), "title": self.rng.choice(words.TITLES), "phone": words.mobile(self.rng),
            "email": f"buyer{self.rng.randrange(10**6)}@example.com",
        }  # fmt: skip

    def _deals(self) -> None:
        for _ in range(COUNTS["opportunities"]):
            customer = self.rng.randrange(len(self.story.customers))
            self.story.deals.append(self._deal(customer))

    def _deal(self, number: int) -> Deal:
        customer = self.story.customers[number]
        product = self.rng.randrange(len(words.PRODUCTS))
        fate = self.rng.choice(FATES)
        latest = self.now - timedelta(days=1 if fate == "open" else 45)
        # What is still open began not long ago; the rest is spread over the whole time.
        earliest = max(customer.at, self.now - timedelta(days=100)) if fate == "open" else customer.at
        at = self._moment(earliest, max(earliest, latest))
        last = {"won": 4, "open": self.rng.choice([0, 0, 1, 1, 2, 2, 3])}.get(fate, self.rng.choice([0, 1, 2, 3]))
        steps, moment = [], at
        for stage in STAGES[1 : min(last, 3) + 1]:
            moment = self._moment(moment, min(moment + timedelta(days=self.rng.randrange(5, 40)), self.now))
            steps.append((stage, moment))
        ended = None if fate == "open" else self._moment(moment, min(moment + timedelta(days=35), self.now))
        price = Decimal(words.PRODUCTS[product][4]) * self.rng.choice([1, 1, 1, 2, 2, 3, 4])
        amount = (price * self.rng.randrange(85, 101) / 100).quantize(Decimal("0.01"))
        close = ended.date() if fate == "won" else (self.now + timedelta(days=self.rng.randrange(-12, 120))).date()
        name = f"{customer.name.split('有限')[0][:10]}{words.PRODUCTS[product][1].split(' ')[0]}项目"
        return Deal(name, number, product, amount, close, at, steps, fate, ended, self.rng.choice(words.LOST_DETAILS))

    def _enquiries(self) -> None:
        taken = {customer.name for customer in self.story.customers}
        for _ in range(COUNTS["leads"]):
            self.story.enquiries.append(self._enquiry(taken))

    def _enquiry(self, taken: set[str]) -> Enquiry:
        seller = self.rng.choice(self.story.sellers)
        person = self.story.people[seller]
        fate = self.rng.choice(LEAD_FATES)
        held = fate in ("assigned", "working", "qualified", "nurturing")
        earliest = self.now - timedelta(days=6) if held else self.start
        owned = self._moment(earliest, self.now - timedelta(hours=2))
        at = self._moment(owned - timedelta(days=3), owned)
        untouched = fate in ("assigned", "pooled")
        followed = None if untouched else self._moment(owned, min(owned + timedelta(days=5), self.now))
        values = {
            "contact_name": words.person(self.rng), "title": self.rng.choice(words.TITLES),
            "phone": words.mobile(self.rng), "email": f"lead{self.rng.randrange(10**7)}@example.com",
            "industry": person.industry, "size_band": self.rng.choice(words.SIZES),
            "needs": self.rng.choice(words.NEEDS), "source": self.rng.choice(words.CHANNELS),
        }  # fmt: skip
        name = self._unique(lambda: words.firm(self.rng, person.region, person.industry), taken)
        return Enquiry(name, person.region, values, fate, seller, at, owned, followed)

    def _touches(self) -> None:
        for _ in range(COUNTS["activities"]):
            number = self.rng.randrange(len(self.story.deals))
            deal = self.story.deals[number]
            self.story.touches.append(self._touch(("deal", number), deal.at, deal.ended_at or self.now))
        for number, enquiry in enumerate(self.story.enquiries):
            if enquiry.followed_at:
                self.story.touches.append(self._touch(("lead", number), enquiry.followed_at, enquiry.followed_at))

    def _touch(self, about: tuple[str, int], earliest: datetime, latest: datetime) -> Touch:
        kind = self.rng.choice(["call", "call", "visit", "visit", "meeting", "demo", "wechat"])
        values = {"note": self.rng.choice(words.VISIT_NOTES if kind in ("visit", "demo") else words.CALL_NOTES)}
        values["outcome"] = self.rng.choice(["interested", "quote", "follow_up", "follow_up", "other"])
        if kind == "visit":
            values["place"] = self.rng.choice(words.PLACES)
        if self.rng.random() < 0.5:
            values["next_step"] = self.rng.choice(words.NEXT_STEPS)
        return Touch(kind, about, self._moment(earliest, latest), values)


def tell(today: date, seed: int = 7) -> Story:
    return Teller(today, seed).tell()
