"""What is owed, billed, received and chased: a row behind every address from the plan to the cash calendar."""

from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace

from crm.core import records
from crm.core.approvals import actions as approvals
from receivables.actions import (
    allocation,
    credit,
    disputes,
    invoices,
    payers,
    plans,
    promises,
    receipts,
    reds,
    refunds,
    statements,
    write_offs,
)  # fmt: skip
from receivables.models import (
    Assessment,
    CashForecast,
    CashSnapshot,
    CustomerHold,
    DunningLetter,
    DunningNotice,
    DunningPolicy,
    DunningRun,
    LegalStep,
    PaymentDelay,
    Period,
    ProvisionLine,
    ProvisionMatrix,
    ProvisionRun,
    UsualTerm,
)  # fmt: skip
from tests.receivables.invoicing import USCC
from tests.receivables.statements import csv, movement, upload

MONTH = date(2024, 1, 1)
RATES = {letter: ["0.00", "0.05", "0.20", "0.50", "1.00"] for letter in "ABCD"}


def build_money(hands, canary: str, papers) -> SimpleNamespace:
    """Four receivables of 25.00 of the first contract, overdue since January 2024, and what happened to them."""
    owed = owe(hands, canary, papers)
    received = receive(hands, canary, papers, owed)
    return SimpleNamespace(
        **vars(owed), **vars(received), **vars(chase(hands, canary, owed)), **vars(close(hands, papers, owed)),
        **vars(forecast(hands, owed.receivable)),
    )  # fmt: skip


def owe(hands, canary: str, papers) -> SimpleNamespace:
    """A confirmed plan and a draft; an invoice, one asked for, and a red one asked for."""
    parts = [{"percent": "25", "trigger": "sign", "n": 7} for _ in range(4)]
    plan = plans.draft_plan(papers.contract, by=hands.seller, mode="percent", lines=parts)
    receivable, second, third, last = plans.confirm_plan(plan, by=hands.finance)
    draft_plan = plans.draft_plan(papers.drafted, by=hands.seller, mode="percent", lines=parts)
    buyer = {"name": f"{canary} buyer", "uscc": USCC}
    [first] = invoices.request_invoice(papers.contract, {receivable.pk: Decimal(25)}, by=hands.seller, buyer=buyer)
    number = f"2431{first.pk:016d}"
    invoice = invoices.issue_invoice(first, by=hands.finance, number=number, date=hands.admin.tenant.today())
    [request] = invoices.request_invoice(
        papers.contract, {second.pk: Decimal(25)}, by=hands.seller, buyer=buyer, note=f"{canary} note"
    )
    [red] = reds.request_red(invoice, {receivable.pk: Decimal(10)}, by=hands.finance, reason_code="01")
    return SimpleNamespace(
        plan=plan, receivable=receivable, second=second, third=third, last=last, draft_plan=draft_plan,
        invoice=invoice, request=request, red=red,
    )  # fmt: skip


def receive(hands, canary: str, papers, owed) -> SimpleNamespace:
    """A statement with one payment at the desk, and one still to be imported; a receipt used, given back, lost."""
    bank = statements.create_bank_account(
        by=hands.finance, legal_entity=papers.entity, name=f"{canary} bank", number=f"{canary} 6222"
    )

    def brought(amount: str, name: str):
        rows = csv([movement(hands.admin.tenant.today(), amount, f"{canary} payer", "622200001")])
        return statements.upload_statement(bank, by=hands.finance, file=upload(rows, f"{canary} {name}.csv"))

    statement = statements.import_statement(brought("70.00", "bank"), by=hands.finance)
    waiting = brought("71.00", "new")
    line = statement.lines.get()
    receipt = receipts.post_receipt(
        by=hands.finance, legal_entity=papers.entity, amount=Decimal("50.00"), account=papers.contract.account,
        received_on=hands.admin.tenant.today(), payer=f"{canary} customer", note=f"{canary} receipt", automatic=False,
    )  # fmt: skip
    [used] = allocation.allocate(receipt, {owed.receivable.pk: Decimal("20.00")}, by=hands.finance)
    payer = payers.approve_payer(receipt.account, f"{canary} payer", by=hands.finance)
    refund = refunds.request_refund(
        receipt, by=hands.seller, amount=Decimal("5.00"), reason=f"{canary} refund", payee_account="6222000011112222"
    )
    loss = write_offs.request_write_off(
        owed.last, by=hands.finance, amount=Decimal("1.00"), reason=f"{canary} bankruptcy"
    )
    instance = approvals.latest(papers.asked)
    return SimpleNamespace(
        bank=bank, statement=statement, waiting=waiting, line=line, receipt=receipt, used=used, payer=payer,
        refund=refund, loss=loss, instance=instance, decision=instance.tasks.first(),
    )  # fmt: skip


def chase(hands, canary: str, owed) -> SimpleNamespace:
    """One notice by one mail, a promise, a dispute, and the last two steps of the ladder."""
    day, account = hands.admin.tenant.today(), owed.receivable.account
    run = records.create(DunningRun, by=hands.finance, day=day, left_out={"disputed": 1})
    letter = records.create(
        DunningLetter, by=hands.finance, run=run, account=account, day=day, send_after=run.created_at,
        address="buyer@example.com", subject=f"{canary} subject", body=f"{canary} body",
    )  # fmt: skip
    [reminder] = records.append(
        [DunningNotice(tenant_id=run.tenant_id, receivable=owed.receivable, run=run, letter=letter, cycle=1, level=2,
                       day=day, balance=owed.receivable.balance, recipients=[hands.seller.pk])]
    )  # fmt: skip
    records.update(owed.receivable, by=hands.finance, dunning_level=2, dunned_on=day)
    promise = promises.promise(
        owed.second, by=hands.seller, promised_for=day + timedelta(days=5), note=f"{canary} word"
    )
    disputed = disputes.raise_dispute(owed.third, by=hands.seller, reason=f"{canary} dispute")
    legal_step = records.create(
        LegalStep, by=hands.finance, receivable=owed.receivable, cycle=1, balance=Decimal("5.00"),
        grounds=f"{canary} sue",
    )  # fmt: skip
    policy = DunningPolicy.objects.of(run.tenant_id).first()
    return SimpleNamespace(
        run=run, letter=letter, reminder=reminder, promise=promise, disputed=disputed, legal_step=legal_step,
        policy=policy,
    )  # fmt: skip


def close(hands, papers, owed) -> SimpleNamespace:
    """A closed month, a class of credit, rates, a posted provision, a receivable judged on its own."""
    entity, nothing = papers.entity, Decimal("0.00")
    month = records.create(Period, by=hands.finance, legal_entity=entity, month=MONTH, status="soft_closed")
    matrix = records.create(
        ProvisionMatrix, by=hands.finance, legal_entity=entity, valid_from=MONTH, bounds=[0, 30, 60, 90], rates=RATES
    )
    provision = records.create(
        ProvisionRun, by=hands.finance, legal_entity=entity, month=MONTH, as_of=date(2024, 1, 31), matrix=matrix,
        opening=nothing, closing=Decimal("1.25"), written_off=nothing, recovered=nothing, charge=Decimal("1.25"),
        is_posted=True,
    )  # fmt: skip
    part = ProvisionLine(
        tenant_id=entity.tenant_id, run=provision, credit_class="B", bucket="1", balance=Decimal("25.00"),
        rate=Decimal("0.05"), amount=Decimal("1.25"),
    )  # fmt: skip
    records.append([part])
    judged = records.create(
        Assessment, by=hands.finance, receivable=owed.last, valid_from=MONTH, rate=Decimal("0.5"), grounds="Insolvent"
    )
    credit_class = credit.set_credit(owed.last.account, by=hands.finance, letter="A", limit=Decimal("1000.00"), days=30)
    return SimpleNamespace(month=month, matrix=matrix, provision=provision, judged=judged, credit_class=credit_class)


def forecast(hands, receivable) -> SimpleNamespace:
    tenant, day = receivable.tenant_id, hands.admin.tenant.today()
    snapshot = CashSnapshot(tenant_id=tenant, taken_on=day)
    records.append([snapshot])
    row = CashForecast(
        tenant_id=tenant, snapshot=snapshot, owner=hands.seller, source="receivable", slot=day, currency="CNY",
        amount=Decimal("25.00"), count=1,
    )  # fmt: skip
    records.append([row])
    delay = PaymentDelay(tenant_id=tenant, account=receivable.account, measured_on=day, days=12, sample=3)
    term = UsualTerm(
        tenant_id=tenant, kind="advance", measured_on=day, days=7, share_from=Decimal(0), share_to=Decimal(1), sample=3
    )
    PaymentDelay._base_manager.bulk_create([delay])
    UsualTerm._base_manager.bulk_create([term])
    return SimpleNamespace(snapshot=snapshot, cash=row)


def hold(hands, canary: str, account, receivable) -> CustomerHold:
    """No new orders for `account`: one that nothing else here is ordered by."""
    return records.create(
        CustomerHold, by=hands.finance, account=account, receivable=receivable, grounds=f"{canary} hold"
    )
