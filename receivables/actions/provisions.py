"""坏账准备: rates by class and bucket, receivables judged on their own, one run per month (domain.md 6.19, INV-R15)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.calendars import Period as Month
from crm.core.entities.models import LegalEntity
from crm.core.errors import Refused, ValidationError
from crm.core.money import round_half_up
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables.ageing_rules import bucket_names, charge, provision
from receivables.metrics import ageing
from receivables.metrics.ageing import ZERO, Question
from receivables.models import (
    ArEntry,
    Assessment,
    CreditClass,
    ProvisionLine,
    ProvisionMatrix,
    ProvisionRun,
    Receivable,
)

from .credit import DEFAULT, bounds_of, letters
from .reasons import said

Key = tuple[str, int]


@dataclass
class Draft:
    """A run as it would be posted; amounts in the company's currency."""

    legal_entity: LegalEntity
    month: date
    as_of: date
    matrix: ProvisionMatrix | None
    opening: Decimal
    written_off: Decimal
    recovered: Decimal
    lines: list[ProvisionLine] = field(default_factory=list)

    @property
    def closing(self) -> Decimal:
        return sum((line.amount for line in self.lines), ZERO)

    @property
    def charge(self) -> Decimal:
        """INV-R15: what brings the opening balance to what is needed; negative gives back."""
        return charge(self.opening, self.closing, self.written_off, self.recovered)


@transaction.atomic
def set_matrix(
    entity: LegalEntity, *, by: Member, valid_from: date, rates: Mapping[str, Sequence[Decimal]]
) -> ProvisionMatrix:
    """Rates (shares from 0 to 1) in force from a day: one for each bucket of a class. There are no default rates."""
    require(by, "provision.run")
    bounds = bounds_of(by.tenant)
    if not rates or any(letter not in CreditClass.Letter.values for letter in rates):
        raise ValidationError({"rates": _("Enter the rates of at least one class, A to D.")})
    for row in rates.values():
        if len(row) != len(bounds) + 1 or any(not 0 <= Decimal(rate) <= 1 for rate in row):
            raise ValidationError({"rates": _("Enter a rate from 0 to 100 % for every bucket of a class.")})
    kept = {letter: [str(Decimal(rate)) for rate in row] for letter, row in rates.items()}
    return records.create(
        ProvisionMatrix, by=by, legal_entity=entity, valid_from=valid_from, bounds=list(bounds), rates=kept
    )


@transaction.atomic
def assess(receivable: Receivable, *, by: Member, valid_from: date, rate: Decimal | None, reason: str) -> Assessment:
    """Judge a receivable on its own from a day on: it leaves the matrix. Without a rate it goes back into it."""
    require(by, "provision.run")
    return records.create(
        Assessment, by=by, receivable=receivable, valid_from=valid_from, rate=rate, grounds=said(reason, "grounds")
    )


def preview(entity: LegalEntity, month: date, *, by: Member, opening: Decimal | None = None) -> Draft:
    """What the run of a month would post. `opening` counts only for the first run of an entity.

    Refused with RATES_MISSING when money stands in a class and bucket without a rate.
    """
    require(by, "provision.run")
    span = Month.of(month, "month")
    if span.end is None or span.start is None or span.end >= by.tenant.today():
        raise Refused(_("This month is not over yet. Run its provision when its last day has passed."),
                      code="MONTH_NOT_OVER")  # fmt: skip
    last = _last(entity)
    if last is not None and last.month >= span.start:
        raise Refused(_("The provision of %(month)s is posted. Run a later month.") % {"month": f"{last.month:%Y-%m}"},
                      code="ALREADY_POSTED")  # fmt: skip
    since = last.as_of if last else None
    draft = Draft(
        entity, span.start, span.end, _matrix(entity, span.end), last.closing if last else opening or ZERO,
        -_booked(entity, ArEntry.Type.WRITE_OFF, since, span), _booked(entity, ArEntry.Type.RECOVER, since, span),
    )  # fmt: skip
    draft.lines = _lines(draft, by)
    return draft


def _last(entity: LegalEntity) -> ProvisionRun | None:
    posted = ProvisionRun.objects.of(entity.tenant_id).filter(legal_entity=entity, is_posted=True)
    return posted.order_by("-month").first()


def _matrix(entity: LegalEntity, day: date) -> ProvisionMatrix | None:
    rows = ProvisionMatrix.objects.of(entity.tenant_id).filter(legal_entity=entity, valid_from__lte=day)
    return rows.order_by("-valid_from", "-pk").first()


def _booked(entity: LegalEntity, type: str, since: date | None, span: Month) -> Decimal:
    """Write-offs or recoveries since the last run, or of the month when there is none."""
    rows = ArEntry.objects.of(entity.tenant_id).filter(
        receivable__legal_entity=entity, type=type, effective_date__lte=span.end
    )
    rows = rows.filter(effective_date__gt=since) if since else rows.filter(effective_date__gte=span.start)
    return rows.aggregate(sum=Sum("amount"))["sum"] or ZERO


def _lines(draft: Draft, by: Member) -> list[ProvisionLine]:
    judged = _judged(draft)
    asked = Question(
        by, draft.as_of, bounds=draft.matrix.bounds if draft.matrix else bounds_of(by.tenant),
        currency=by.tenant.base_currency, entities=[draft.legal_entity.pk],
    )  # fmt: skip
    singly = ageing.replace(asked, receivables=list(judged))
    return [
        *_from_matrix(draft, ageing.replace(asked, without=list(judged))),
        *(
            _single(draft, item, judged[item.id])
            for item in ageing.items(singly, limit=ageing.MANY)
            if item.id in judged
        ),
    ]


def _judged(draft: Draft) -> dict[int, Decimal]:
    """The rate of each receivable judged on its own as of the day."""
    rows = Assessment.objects.of(draft.legal_entity.tenant_id).filter(
        receivable__legal_entity=draft.legal_entity, valid_from__lte=draft.as_of
    )
    latest = rows.order_by("receivable_id", "-valid_from", "-pk").distinct("receivable_id")
    return {pk: rate for pk, rate in latest.values_list("receivable_id", "rate") if rate is not None}


def _single(draft: Draft, item: ageing.Item, rate: Decimal) -> ProvisionLine:
    return _line(draft, receivable_id=item.id, balance=item.amount, rate=rate, amount=round_half_up(item.amount * rate))


def _from_matrix(draft: Draft, asked: Question) -> list[ProvisionLine]:
    """One line for each class and bucket with money in it; the bucket's sum is rounded, not its rows (WC-13)."""
    balances = _balances(asked)
    rates = {(letter, place): Decimal(rate)
             for letter, row in (draft.matrix.rates if draft.matrix else {}).items()
             for place, rate in enumerate(row)}  # fmt: skip
    if missing := sorted({letter for letter, _place in balances.keys() - rates.keys()}):
        raise Refused(
            _("There are no rates for class %(classes)s on %(day)s. Enter them first.")
            % {"classes": ", ".join(missing), "day": draft.as_of},
            code="RATES_MISSING",
        )
    names, amounts = bucket_names(asked.bounds), provision(balances, rates)
    return [
        _line(draft, credit_class=key[0], bucket=names[key[1]], balance=balances[key], rate=rates[key],
              amount=amounts[key])
        for key in sorted(balances)
    ]  # fmt: skip


def _balances(asked: Question) -> dict[Key, Decimal]:
    """What is open in each class and bucket."""
    found: dict[Key, Decimal] = defaultdict(Decimal)
    classes = letters(asked.member.tenant_id)
    for row in ageing.table(asked, limit=10 * ageing.MANY).rows:
        for bucket, amount in row.sums.items():
            if bucket >= 0 and amount:
                found[classes.get(row.key or 0, str(DEFAULT)), bucket] += amount
    return dict(found)


def _line(draft: Draft, **values) -> ProvisionLine:
    return ProvisionLine(tenant_id=draft.legal_entity.tenant_id, **values)


@transaction.atomic
def post_run(entity: LegalEntity, month: date, *, by: Member, opening: Decimal | None = None) -> ProvisionRun:
    """Post the run once; it never changes (INV-R15). The next month opens with its closing balance."""
    require(by, "provision.run")
    records.lock(entity)
    draft = preview(entity, month, by=by, opening=opening)
    run = records.create(
        ProvisionRun, by=by, verb="posted", legal_entity=entity, month=draft.month, as_of=draft.as_of,
        matrix=draft.matrix, opening=draft.opening, closing=draft.closing, written_off=draft.written_off,
        recovered=draft.recovered, charge=draft.charge, is_posted=True,
    )  # fmt: skip
    for line in draft.lines:
        line.run = run
    records.append(draft.lines)
    return run
