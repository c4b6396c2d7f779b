"""What receivables do when a contract moves: registered with contracts.effects in AppConfig.ready()."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from contracts.effects import Follower, Preview, Row
from contracts.models import Batch, ChangeOrder, Contract
from crm.core import records
from crm.core.company.actions import system_member
from crm.core.errors import Refused
from crm.core.people.models import Member
from crm.core.taxes import from_gross
from receivables.actions import triggers
from receivables.actions.changes import apply_change, refuse
from receivables.actions.periods import require_open
from receivables.actions.plans import draft_plan
from receivables.changes import Outcome, Step, receivables_of, work_out
from receivables.figures import figures, figures_of
from receivables.models import Invoice, Receivable

ZERO = Decimal("0.00")


class Receivables(Follower):
    """Due dates that follow a signature or an acceptance, and the money that follows a change."""

    def signed(self, contract: Contract, *, by: Member) -> None:
        triggers.signed(contract, by)

    def effective(self, contract: Contract, *, by: Member) -> None:
        """The contract's template proposes a plan; finance confirms it."""
        plan = contract.template.plan if contract.template_id else {}
        if plan and contract.kind != Contract.Kind.FRAMEWORK and not contract.plans.exists():
            draft_plan(contract, by=system_member(contract.tenant_id), mode=plan["mode"], lines=plan["lines"])

    def accepted(self, batch: Batch, *, by: Member, on: date) -> None:
        triggers.accepted(batch, by, on)

    def transferred(self, contract: Contract, *, by: Member) -> None:
        rows = Receivable.objects.of(contract.tenant_id).filter(contract=contract).exclude(owner=contract.owner)
        locked = records.lock_all(Receivable, rows.values_list("pk", flat=True), contract.tenant_id)
        records.update_many([(row, {"owner": contract.owner}) for row in locked], by=by, verb="transferred")

    def check(self, change: ChangeOrder) -> None:
        refuse(work_out(change))

    def preview(self, change: ChangeOrder) -> list[Preview]:
        outcome = work_out(change)
        refusals = [sentence for _code, sentence in outcome.refusals]
        if closed := _closed_period(change):
            refusals.append(closed)
        tables = [
            Preview(_("Receivables"), [_row(step) for step in outcome.steps], refusals),
            Preview(_("Money"), _money(outcome, change)),
            Preview(_("Invoices"), [row for step in outcome.steps for row in _reds(step)]),
        ]
        return [table for table in tables if table.rows or table.refusals]

    def applied(self, change: ChangeOrder, *, by: Member) -> None:
        apply_change(change)

    def targets(self, contract: Contract) -> list[dict]:
        return [
            {
                "id": row.pk, "label": _label(row), "current": row.current, "allocated": row.allocated,
                "invoiced": row.invoiced, "written_off": row.written_off, "due_date": row.due_date,
            }
            for row in receivables_of(contract)
        ]  # fmt: skip

    def figures(self, contract: Contract) -> Mapping[str, Decimal]:
        return figures(contract)

    def figures_of(self, contracts: Iterable[Contract]) -> Mapping[int, Mapping[str, Decimal]]:
        return figures_of(contracts)


def _closed_period(change: ChangeOrder) -> str:
    try:
        require_open(change.contract.legal_entity, change.contract.tenant.today())
    except Refused as refused:
        return str(refused)
    return ""


def _label(row) -> str:
    return f"{row.line} · {row.get_kind_display()}"


def _row(step: Step) -> Row:
    notes = []
    if step.receivable.allocated:
        notes.append(_("%(amount)s collected") % {"amount": f"{step.receivable.allocated:,.2f}"})
    if step.freed:
        notes.append(_("%(amount)s of it freed") % {"amount": f"{sum(amount for _r, amount in step.freed):,.2f}"})
    if step.regained:
        notes.append(_("%(amount)s used for it") % {"amount": f"{step.regained:,.2f}"})
    if step.due_date:
        notes.append(_("due %(day)s") % {"day": step.due_date.isoformat()})
    if step.delta:
        notes.append(_("open afterwards: %(amount)s") % {"amount": f"{step.balance:,.2f}"})
    label = (
        _("New: %(kind)s") % {"kind": step.receivable.get_kind_display()} if step.is_new else _label(step.receivable)
    )
    return Row(label, None if step.is_new else step.before, step.after, " · ".join(notes))


def _money(outcome: Outcome, change: ChangeOrder) -> list[Row]:
    """What is collected, still open, and where freed money goes."""
    steps = outcome.steps
    rows = [
        Row(_("Collected"), _sum(step.receivable.allocated for step in steps), _sum(step.allocated for step in steps)),
        Row(
            _("Still to collect"), _sum(step.receivable.balance for step in steps if not step.is_new),
            _sum(step.balance for step in steps),
        ),
    ]  # fmt: skip
    kept = (
        _sum(outcome.freed.values()) - _sum(a for _r, _s, a in outcome.offsets) - _sum(a for _r, a in outcome.refunds)
    )
    if outcome.refunds:
        account = change.refund_account or _("the payer's own account")
        rows.append(Row(_("To be refunded"), ZERO, _sum(a for _r, a in outcome.refunds), account))
    if outcome.offsets:
        rows.append(Row(_("Used for other receivables"), ZERO, _sum(a for _r, _s, a in outcome.offsets)))
    if kept:
        rows.append(Row(_("Kept as the customer's credit"), ZERO, kept))
    return rows if steps else []


def _sum(amounts) -> Decimal:
    return sum(amounts, ZERO)


def _reds(step: Step) -> list[Row]:
    """Red invoices to be asked for, net and tax by the blue's rate when it has one."""
    return [
        Row(
            _("Red invoice for %(receivable)s, to invoice %(number)s")
            % {"receivable": _label(step.receivable), "number": blue.number},
            None, -amount, _taxes(blue, amount),
        )
        for blue, amount in step.reds
    ]  # fmt: skip


def _taxes(blue: Invoice, amount: Decimal) -> str:
    rates = {line.rate for line in blue.lines.all()}
    if len(rates) != 1:
        return ""
    taxed = from_gross(amount, rates.pop())
    return _("net %(net)s, tax %(tax)s") % {"net": f"{taxed.net:,.2f}", "tax": f"{taxed.tax:,.2f}"}
