"""The lines of a collection plan as they are kept: amounts as text, rules by name, and the usual templates."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract
from crm.core.errors import ValidationError
from crm.core.money import money
from receivables import plans
from receivables.due_dates import Shift, Term, add_months, said
from receivables.models import Plan, Receivable

Kind, Trigger = Receivable.Kind, Receivable.Trigger
CHOICES = {"kind": Kind.values, "trigger": Trigger.values, "term": Term.values, "shift": Shift.values}
MAX_LINES, MAX_N = 60, 3650


def cleaned(lines: Sequence[Mapping[str, Any]]) -> list[dict]:
    """Lines as they are stored; ValidationError with the number of the line for what cannot be read."""
    if not 1 <= len(lines) <= MAX_LINES:
        raise ValidationError({"lines": _("A plan has 1 to %(most)s lines.") % {"most": MAX_LINES}})
    return [_cleaned(number, line) for number, line in enumerate(lines, start=1)]


def _cleaned(number: int, line: Mapping[str, Any]) -> dict:
    kept = {name: str(line[name]) for name in CHOICES if line.get(name)}
    wrong = [name for name, value in kept.items() if value not in CHOICES[name]]
    amount, percent, n = line.get("amount"), line.get("percent"), line.get("n") or 0
    try:
        if wrong or not 0 <= int(n) <= MAX_N:
            raise ValueError(wrong)
        if amount not in (None, ""):
            kept["amount"] = str(money(Decimal(str(amount))))
        if percent not in (None, ""):
            kept["percent"] = str(Decimal(str(percent)))
        if line.get("date"):
            kept["date"] = date.fromisoformat(str(line["date"])).isoformat()
    except (ArithmeticError, ValueError, TypeError, ValidationError) as error:
        raise ValidationError({"lines": _("Line %(number)s cannot be read. Check it.") % {"number": number}}) from error
    return {**kept, "n": int(n)}


def part(total: Decimal, mode: str, lines: Sequence[Mapping[str, Any]]) -> list[Decimal]:
    """The amounts of the lines in order; their sum is `total`, to the cent (WC-01). Refused otherwise."""
    if mode == Plan.Mode.EQUAL:
        return plans.equal(total, len(lines))
    shares = [plans.Share(_decimal(line.get("amount")), _decimal(line.get("percent"))) for line in lines]
    if mode == Plan.Mode.AMOUNT:
        return plans.by_amount(total, [share.amount or Decimal(0) for share in shares])
    if mode == Plan.Mode.PERCENT:
        return plans.by_percent(total, [share.percent or Decimal(0) for share in shares])
    return plans.mixed(total, shares)


def described(line: Mapping[str, Any]) -> str:
    """When a line falls due, in words."""
    trigger = Trigger(line.get("trigger", Trigger.DATE))
    if trigger == Trigger.DATE:
        return line.get("date", "") or str(trigger.label)
    return f"{trigger.label} · {said(line.get('term', Term.NET_DAYS), line.get('n', 0))}"


def _decimal(value) -> Decimal | None:
    return None if value in (None, "") else Decimal(str(value))


@dataclass(frozen=True)
class Template:
    """A usual plan; `lines` are made for a contract, whose dates some of them need."""

    key: str
    label: str | Promise
    mode: str
    lines: Callable[[Contract], list[dict]]


def _standard(contract: Contract) -> list[dict]:
    """30/30/30/10: advance, progress, acceptance, retention (domain.md 10.4)."""
    rows = (
        (30, Kind.ADVANCE, Trigger.SIGN, Term.NET_DAYS, 7),
        (30, Kind.PROGRESS, Trigger.BATCH, Term.NET_DAYS, 15),
        (30, Kind.ACCEPTANCE, Trigger.ACCEPTANCE, Term.NET_DAYS, 15),
        (10, Kind.RETENTION, Trigger.WARRANTY, Term.MONTHS, 12),
    )
    names = ("percent", "kind", "trigger", "term", "n")
    return [dict(zip(names, (str(row[0]), *map(str, row[1:4]), row[4]), strict=True)) for row in rows]


def _at_once(contract: Contract) -> list[dict]:
    return [{"percent": "100", "kind": "other", "trigger": "sign", "term": "net_days", "n": 30}]


def _halves(contract: Contract) -> list[dict]:
    return [
        {"percent": "50", "kind": "advance", "trigger": "sign", "term": "net_days", "n": 7},
        {"percent": "50", "kind": "acceptance", "trigger": "acceptance", "term": "net_days", "n": 30},
    ]


def _monthly(contract: Contract) -> list[dict]:
    """Twelve equal parts, the first on the day the contract begins."""
    first = contract.start_date or contract.sign_date or contract.tenant.today()
    days = (add_months(first, months) for months in range(12))
    return [{"kind": "service", "trigger": "date", "date": day.isoformat(), "n": 0} for day in days]


TEMPLATES = {
    one.key: one
    for one in (
        Template("standard", _("30/30/30/10: advance, progress, acceptance, retention"), Plan.Mode.PERCENT, _standard),
        Template("halves", _("50/50: advance, acceptance"), Plan.Mode.PERCENT, _halves),
        Template("at_once", _("All at once, 30 days after signing"), Plan.Mode.PERCENT, _at_once),
        Template("monthly", _("12 equal monthly parts"), Plan.Mode.EQUAL, _monthly),
    )
}
