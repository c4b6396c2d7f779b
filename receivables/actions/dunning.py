"""The reminder run (domain.md 6.20, WC-28, INV-R14).

A run takes one step for every receivable whose step has come, in chunks of one transaction each. Chunks of two
runs at once follow each other, rows that somebody else holds wait for the next run, and the database allows one
notice per receivable, cycle and level: however often and late runs start, each notice is given once.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.errors import ValidationError
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables import dunning_notices as words
from receivables import dunning_selection as selection
from receivables.dunning_rules import CUSTOMER, DEFAULT_STEPS, NONE, Level, Step, late_fee
from receivables.models import (
    CustomerHold,
    DunningLetter,
    DunningNotice,
    DunningPolicy,
    DunningRun,
    LegalStep,
    Receivable,
)

CHUNK = 1000


def found_policy(tenant, system: Member) -> None:
    """The ladder that a new company starts with: −7, 0, 1, 15, 30, 60, 90."""
    steps = [step.stored for step in DEFAULT_STEPS]
    with translation.override(tenant.locale):
        name = gettext("Everybody")
    records.create(DunningPolicy, by=system, name=name, steps=steps)


@transaction.atomic
def save_policy(policy: DunningPolicy | None = None, *, by: Member, steps: Sequence[Step],
                expected: int | None = None, **values) -> DunningPolicy:  # fmt: skip
    """Create or change a ladder; what it was before stays in its history."""
    require(by, "dunning.manage")
    _check(steps)
    values["steps"] = [step.stored for step in steps]
    if policy is None:
        return records.create(DunningPolicy, by=by, **values)
    return records.update(policy, by=by, expected=expected, **values)


def _check(steps: Sequence[Step]) -> None:
    """Days rise with the rungs, and a rung says on which side of the due date it stands."""
    if not steps:
        raise ValidationError(_("Enter the days of at least one step."))
    days = [step.days for step in steps]
    if days != sorted(set(days)):
        raise ValidationError(_("Each step comes later than the one before: enter rising days."))
    for step in steps:
        if (step.days > 0) != (step.level >= Level.OVERDUE_1):
            raise ValidationError(_("“%(step)s” cannot be on day %(days)s.") % {"step": step.label, "days": step.days})
        if step.level == Level.LEGAL and CUSTOMER in step.to:
            raise ValidationError(_("The legal step writes to nobody by itself. Take the customer out."))


def run(tenant, *, by: Member, today: date | None = None, limit: int | None = None) -> DunningRun:
    """Give every notice that is due on `today` (a business date of the company), at most `limit` of each policy."""
    require(by, "dunning.manage")
    end_cycles(tenant, by=by)
    this, work = _begin(tenant, today or tenant.today(), limit, by)
    for policy, ids in work:
        for start in range(0, len(ids), CHUNK):
            _remind(this, policy, ids[start : start + CHUNK], by)
    return this


@transaction.atomic
def _begin(tenant, today: date, limit: int | None, by: Member) -> tuple[DunningRun, list]:
    """The run in the log, and the ids of what is due, customer by customer."""
    work = []
    for policy in selection.policies(tenant):
        rows = selection.sendable(policy, today).order_by("account_id", "pk")
        work.append((policy, list(rows.values_list("pk", flat=True)[:limit])))
    return records.create(DunningRun, by=by, day=today, left_out=_left_out(tenant, today)), work


def _left_out(tenant, today: date) -> dict[str, int]:
    found: Counter[str] = Counter()
    for policy in selection.policies(tenant):
        rows = selection.with_stop(policy, today).exclude(stop="").order_by()
        found.update(rows.values_list("stop", flat=True))
    return dict(found)


@transaction.atomic
def _remind(this: DunningRun, policy: DunningPolicy, ids: Sequence[int], by: Member) -> int:
    """One chunk: notices, the letters they go into, the receivables' level; then who is told inside the house."""
    _one_at_a_time(this.tenant_id)
    wanted = selection.sendable(policy, this.day).filter(pk__in=ids).select_related("account", "owner")
    rows = list(wanted.order_by("pk").select_for_update(of=("self",), skip_locked=True, no_key=True))
    if not rows:
        return 0
    steps = {step.level: step for step in policy.ladder}
    letters = _letters(this, policy, [row for row in rows if CUSTOMER in steps[row.next_level].to], by)
    records.append([_notice(this, policy, row, steps[row.next_level], letters) for row in rows])
    _raise_levels(rows, this.day, by)
    _bring_to_law([row for row in rows if row.next_level == Level.LEGAL], by)
    words.tell_insiders(rows, steps, this.day)
    return len(rows)


def _one_at_a_time(tenant_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('receivables.dunning'), %s)", [tenant_id])


def _notice(this: DunningRun, policy: DunningPolicy, row: Any, step: Step, letters: dict) -> DunningNotice:
    return DunningNotice(
        tenant_id=row.tenant_id, receivable=row, run=this, cycle=row.dunning_cycle, level=step.level, day=this.day,
        balance=row.balance, fee=late_fee(row.balance, policy.daily_rate, (this.day - row.due_date).days),
        recipients=list(step.to), letter=letters.get(row.account_id) if CUSTOMER in step.to else None,
    )  # fmt: skip


def _letters(this: DunningRun, policy: DunningPolicy, rows: Sequence[Receivable], by: Member) -> dict:
    """The day's waiting letter of each customer; what is new goes into the one that waits already."""
    accounts = {row.account_id for row in rows}
    waits = DunningLetter.objects.of(this.tenant_id).filter(status=DunningLetter.Status.QUEUED, day=this.day)
    found = {letter.account_id: letter for letter in waits.filter(account_id__in=accounts)}
    after = timezone.now() + timedelta(hours=policy.rep_lead_hours)
    new = [
        DunningLetter(tenant_id=this.tenant_id, run=this, account_id=pk, day=this.day, send_after=after)
        for pk in sorted(accounts - set(found))
    ]
    return found | {letter.account_id: letter for letter in records.create_many(new, by=by, verb="queued")}


def _raise_levels(rows: Sequence[Any], day: date, by: Member) -> None:
    levels = defaultdict(list)
    for row in rows:
        levels[row.next_level].append(row.pk)
    for level, ids in levels.items():
        those = Receivable.objects.of(by.tenant_id).filter(pk__in=ids)
        records.bulk_change(those, by=by, verb="dunned", batch=uuid.uuid4(), dunning_level=level, dunned_on=day)


def _bring_to_law(rows: Sequence[Receivable], by: Member) -> None:
    """The last rung: a task that needs approval, and no new orders for the customer; nothing is sent."""
    records.create_many(
        [LegalStep(tenant_id=row.tenant_id, receivable=row, cycle=row.dunning_cycle, balance=row.balance)
         for row in rows], by=by, verb="proposed",
    )  # fmt: skip
    held = CustomerHold.objects.of(by.tenant_id).exclude(status=CustomerHold.Status.RELEASED)
    known = set(held.values_list("account_id", flat=True)) if rows else set()
    first = {row.account_id: row for row in rows if row.account_id not in known}
    records.create_many(
        [CustomerHold(tenant_id=row.tenant_id, account=row.account, receivable=row) for row in first.values()],
        by=by, verb="placed",
    )  # fmt: skip


def end_cycles(tenant, *, by: Member) -> int:
    """Full settlement ends a cycle, also when it was taken back since: the next notice begins a new one (WC-28)."""
    count = 0
    while ended := _end_chunk(tenant, by):
        count += ended
    return count


@transaction.atomic
def _end_chunk(tenant, by: Member) -> int:
    rows = selection.settled_since(tenant).order_by("pk")[:CHUNK]
    change: dict[str, Any] = {"dunning_level": NONE, "dunning_cycle": F("dunning_cycle") + 1}
    return records.bulk_change(rows, by=by, verb="dunning_ended", batch=uuid.uuid4(), **change)
