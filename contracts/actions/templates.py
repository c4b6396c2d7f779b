"""The clauses and templates that legal keeps for new contracts."""

from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext_lazy as _

from contracts.models import ClauseTemplate, ContractTemplate
from crm.core import records
from crm.core.errors import ValidationError
from crm.core.people.models import Member
from crm.core.people.reach import require

# When each part of a percent plan falls due (domain.md 10.4); more parts are more progress payments.
FIRST = {"kind": "advance", "trigger": "sign", "term": "net_days", "n": 7}
PROGRESS = {"kind": "progress", "trigger": "batch", "term": "net_days", "n": 15}
ACCEPTANCE = {"kind": "acceptance", "trigger": "acceptance", "term": "net_days", "n": 15}
RETENTION = {"kind": "retention", "trigger": "warranty_end", "term": "months", "n": 12}
STEPS = {1: [FIRST], 2: [FIRST, ACCEPTANCE], 3: [FIRST, ACCEPTANCE, RETENTION]}
MOST_PARTS = 20


def put_clause(
    *, by: Member, clause: ClauseTemplate | None = None, expected: int | None = None, **values
) -> ClauseTemplate:
    """Add a standard clause, or change one; contracts that carry it already keep their checklist."""
    require(by, "clause.manage")
    if clause is None:
        return records.create(ClauseTemplate, by=by, **values)
    return records.update(clause, by=by, expected=expected, **values)


def put_template(
    *, by: Member, template: ContractTemplate | None = None, percents: str = "", expected: int | None = None, **values
) -> ContractTemplate:
    """Add a template, or change one; `percents` such as "30/30/30/10" makes its collection plan."""
    require(by, "clause.manage")
    values = {**values, "plan": percent_plan(percents)}
    if template is None:
        return records.create(ContractTemplate, by=by, **values)
    return records.update(template, by=by, expected=expected, **values)


def percent_plan(text: str) -> dict:
    """{"mode", "lines"} of "30/30/30/10", {} of nothing; ValidationError unless the parts add up to 100."""
    if not text.strip():
        return {}
    try:
        parts = [Decimal(part.strip().rstrip("%")) for part in text.replace("／", "/").split("/")]
    except InvalidOperation:
        parts = []
    if not 1 <= len(parts) <= MOST_PARTS or sum(parts) != 100 or min(parts) <= 0:
        raise ValidationError({"percents": _("Write percentages that add up to 100, such as 30/30/30/10.")})
    progress = [PROGRESS] * (len(parts) - 3)
    steps = STEPS.get(len(parts)) or [FIRST, *progress, ACCEPTANCE, RETENTION]
    lines = [{"percent": str(part), **step} for part, step in zip(parts, steps, strict=True)]
    return {"mode": "percent", "lines": lines}
