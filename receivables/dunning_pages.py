"""What the pages of reminders read: today's preview, the log, what is known of one receivable."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from crm.core.people.models import Member
from receivables import dunning_selection as selection
from receivables.dunning_rules import CUSTOMER, Level, Recipient, Step, late_fee
from receivables.models import (
    CustomerHold,
    DunningLetter,
    DunningNotice,
    DunningPolicy,
    DunningRun,
    LegalStep,
    PromiseToPay,
    Receivable,
)
from receivables.promises import State, with_state

SHOWN = 200


@dataclass
class Customer:
    """What one customer would be reminded of today, in one mail."""

    account: Any
    rows: list = field(default_factory=list)

    @property
    def gets_mail(self) -> bool:
        return any(CUSTOMER in row.step.to for row in self.rows)


@dataclass
class Preview:
    """Today's notices by customer, what is left out and why; both lists cut at SHOWN, the counts are whole."""

    day: date
    customers: list[Customer]
    count: int
    left_out: list
    left_out_count: int

    @property
    def is_cut(self) -> bool:
        return self.count > sum(len(customer.rows) for customer in self.customers)


def preview(tenant, day: date) -> Preview:
    """The same sets that the run takes."""
    rows: list = []
    left_out: list = []
    count = left_out_count = 0
    for policy in selection.policies(tenant):
        going = selection.sendable(policy, day)
        stopped = selection.with_stop(policy, day).exclude(stop="")
        count, left_out_count = count + going.count(), left_out_count + stopped.count()
        rows += _read(going, policy, day)
        left_out += _read(stopped, policy, day)
    for row in left_out:
        row.why = selection.REASONS[row.stop]
    return Preview(day, _by_customer(rows[:SHOWN]), count, left_out[:SHOWN], left_out_count)


def _read(rows: QuerySet[Receivable], policy: DunningPolicy, day: date) -> list:
    steps: dict[int, Step] = {step.level: step for step in policy.ladder}
    found: list[Any] = list(
        rows.select_related("account", "contract", "owner").order_by("account__name", "account_id", "due_date")[:SHOWN]
    )
    for row in found:
        row.step = steps[row.next_level]
        row.days = (day - row.due_date).days
        row.fee = late_fee(row.balance, policy.daily_rate, row.days)
        row.to = [str(Recipient(one).label) for one in row.step.to]
    return found


def _by_customer(rows: Iterable[Any]) -> list[Customer]:
    customers: dict[int, Customer] = {}
    for row in rows:
        customers.setdefault(row.account_id, Customer(row.account)).rows.append(row)
    return list(customers.values())


def runs(member: Member) -> QuerySet[DunningRun]:
    """The log: each run with how many notices and letters it made."""

    def counted(model):
        rows = model.objects.of(member.tenant_id).filter(run=OuterRef("pk")).order_by().values("run")
        return Coalesce(Subquery(rows.annotate(n=Count("pk")).values("n")), 0)

    rows = DunningRun.objects.visible_to(member).select_related("created_by")
    return rows.annotate(notice_count=counted(DunningNotice), letter_count=counted(DunningLetter))


def reasons(run: DunningRun) -> list[tuple[str, int]]:
    """(why, how many) of what a run left out."""
    return [(str(selection.REASONS.get(key, key)), count) for key, count in run.left_out.items()]


@dataclass(frozen=True)
class Story:
    """Reminders, promises and legal steps of one receivable, newest first."""

    notices: list[DunningNotice]
    promises: list[PromiseToPay]
    legal: LegalStep | None
    hold: CustomerHold | None
    level: str


def story(receivable: Receivable, member: Member) -> Story:
    tenant, today = member.tenant, member.tenant.today()
    notices = DunningNotice.objects.of(tenant).filter(receivable=receivable).select_related("letter")
    promises = with_state(PromiseToPay.objects.of(tenant).filter(receivable=receivable), tenant, today)
    hold = CustomerHold.objects.of(tenant).filter(account_id=receivable.account_id).exclude(status="released")
    return Story(
        list(notices[:20]), labelled(promises.select_related("by")[:20]),
        LegalStep.objects.of(tenant).filter(receivable=receivable).first(), hold.first(),
        str(Level(receivable.dunning_level).label) if receivable.dunning_level >= 0 else "",
    )  # fmt: skip


def labelled(promises: Iterable[Any]) -> list:
    """Promises with the words and the colour of their state."""
    kinds = {State.OPEN: "info", State.KEPT: "success", State.BROKEN: "danger", State.WITHDRAWN: ""}
    rows = list(promises)
    for row in rows:
        row.state_label, row.state_kind = str(State(row.state).label), kinds[State(row.state)]
    return rows
