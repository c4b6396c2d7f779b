"""Who paid and for what: evidence, ranking, and what is posted without asking (D4, domain.md 6.16, 6.21b)."""

import random
import time
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.actions import create_account
from contracts.models import Contract
from crm.core import records
from receivables.actions import payers, posting
from receivables.actions.receipts import post_receipt
from receivables.matching import proposals
from receivables.matching.sharing import subsets
from receivables.matching.signals import Owed, gather
from receivables.models import BankLine, Incoming, Receipt, Receivable

from .desk import ledger_of, make_bank, make_customer, make_line, make_lines, used

pytestmark = pytest.mark.django_db
DUE = date(2024, 1, 10)


@pytest.fixture
def bank(acme, ledger):
    return make_bank(acme, ledger.entity)


def ranked(acme, line, small=D(0)):
    payment = posting.payment_of(posting.hold_open([line.pk], acme.finance, lock=False))
    return proposals.propose(payment, gather([payment], acme.tenant), small)


def is_certain(acme, line) -> bool:
    payment = posting.payment_of(posting.hold_open([line.pk], acme.finance, lock=False))
    return proposals.certain(payment, gather([payment], acme.tenant)) is not None


def reasons(proposal) -> str:
    return " ".join(str(reason) for reason in proposal.reasons)


@pytest.fixture
def firm(acme, ledger):
    contracts = {
        "HT-AC-2024-0101": [("YS-1", "30000.00", DUE), ("YS-2", "20000.00", DUE + timedelta(30))],
        "HT-AC-2024-0102": [("YS-3", "7000.00", DUE + timedelta(60))],
    }
    account, rows = make_customer(acme, ledger.entity, "苏州精工机械有限公司", contracts)
    return account, rows


def test_exact_name_and_exact_amount(acme, bank, firm):
    best, *others = ranked(acme, make_line(acme, bank, "20000.00", "苏州精工机械有限公司"))
    assert [one.number for one, _amount in best.items] == ["YS-2"]
    assert best.certain
    assert best.score >= 95 > others[0].score
    assert "name is the customer's" in reasons(best)
    assert "what is open of YS-2" in reasons(best)


def test_the_memo_decides_the_contract_with_or_without_hyphens(acme, bank, firm):
    for memo in ("HT-AC-2024-0102货款", "付合同HTAC20240102款", "ys-3"):
        best = ranked(acme, make_line(acme, bank, "5000.00", "苏州精工机械有限公司", memo=memo))[0]
        assert [(one.number, amount) for one, amount in best.items] == [("YS-3", D("5000.00"))], memo


def test_receivables_that_add_up(acme, bank, firm):
    best = ranked(acme, make_line(acme, bank, "27000.00", "苏州精工机械有限公司"))[0]
    assert {one.number for one, _amount in best.items} == {"YS-2", "YS-3"}
    assert "2 receivables add up" in reasons(best)


def test_a_small_difference_within_the_tolerance(acme, bank, firm):
    line = make_line(acme, bank, "6999.99", "苏州精工机械有限公司")
    assert all(not one.short for one in ranked(acme, line))
    found = [one for one in ranked(acme, line, D("0.05")) if one.short]
    assert [(one.short, one.items[0][0].number) for one in found] == [(D("0.01"), "YS-3")]


def test_another_form_of_the_name_is_a_guess(acme, bank, firm):
    for who in ("苏州精工机械股份有限公司", "苏州精工机械有限公司上海分公司"):
        line = make_line(acme, bank, "7000.00", who)
        assert ranked(acme, line)[0].items[0][0].number == "YS-3"
        assert not is_certain(acme, line)
    assert is_certain(acme, make_line(acme, bank, "7000.00", "苏州精工机械有限公司 "))


def test_an_account_number_is_learned(acme, bank, firm):
    line = make_line(acme, bank, "7000.00", "苏州精工机械股份有限公司", "62170001")
    assert not is_certain(acme, line)
    payers.learn(firm[0], line.counterparty, line.counterparty_account, by=acme.finance)
    assert is_certain(acme, line)
    assert "paid for the customer before (1×)" in reasons(ranked(acme, line)[0])


def test_people_with_the_customer_s_name_are_not_certain(acme, bank, ledger):
    make_customer(acme, ledger.entity, "张伟", {"HT-AC-2024-0200": [("YS-9", "50.00", DUE)]})
    line = make_line(acme, bank, "50.00", "张伟")
    assert ranked(acme, line)[0].items[0][0].number == "YS-9"
    assert not is_certain(acme, line)


def test_two_customers_of_one_name_are_never_certain(acme, bank, firm):
    create_account(by=acme.rep, name="苏州精工机械有限公司")
    assert not is_certain(acme, make_line(acme, bank, "7000.00", "苏州精工机械有限公司"))


def test_a_memo_that_names_somebody_else_s_contract_is_doubt(acme, bank, firm, ledger):
    make_customer(acme, ledger.entity, "无锡动力设备有限公司", {"HT-AC-2024-0300": [("YS-30", "7000.00", DUE)]})
    line = make_line(acme, bank, "7000.00", "苏州精工机械有限公司", memo="HT-AC-2024-0300")
    assert not is_certain(acme, line)
    assert {one.account_name for one in ranked(acme, line)} == {"苏州精工机械有限公司", "无锡动力设备有限公司"}


def test_a_stranger_s_payment_is_proposed_by_its_amount_alone(acme, bank, firm):
    [best] = ranked(acme, make_line(acme, bank, "7000.00", "某某"))
    assert (best.items[0][0].number, best.third_party) == ("YS-3", True)
    assert best.score < 50


def test_subsets_are_bounded():
    many = [Owed(n, str(n), 1, "", 1, "", 1, "CNY", None, D(2**n)) for n in range(200)]
    started = time.perf_counter()
    assert subsets(D("0.5"), many) == []
    assert subsets(D(2**10 - 1), many)[0] == many[:10]
    assert time.perf_counter() - started < 1


def test_the_queries_do_not_grow_with_the_lines(acme, bank, firm):
    def statements(count: int) -> int:
        lines = make_lines(acme, bank, [(f"{n + 1}.00", f"Payer {n}", f"62{n}", f"X-100{n}") for n in range(count)])
        held = posting.hold_open([line.pk for line in lines], acme.finance, lock=False)
        with CaptureQueriesContext(connection) as queries:
            gather([posting.payment_of([one]) for one in held], acme.tenant)
        return len(queries)

    assert statements(1) == statements(40) <= 7


# Many at once


def crowd(acme, ledger, customers: int, seed: int = 7):
    """Customers with two contracts of three receivables each, all amounts different; [(n, account, receivables)]."""
    chance = random.Random(seed)
    amounts = chance.sample(range(10_000, 9_999_999), customers * 6)
    accounts = [
        create_account(by=acme.rep, name=f"{chance.choice('苏杭沪宁')}州第{n}精密机械有限公司")
        for n in range(customers)
    ]
    common = {"tenant": acme.tenant, "legal_entity": ledger.entity, "owner": acme.rep}
    contracts = records.create_many(
        (Contract(account=account, title="C", number=f"HT-AC-2024-{n:04d}{c}", status="effective", **common)
         for n, account in enumerate(accounts) for c in range(2)), by=acme.rep,
    )  # fmt: skip
    dues = {one.pk: date(2024, 1, 1) + timedelta(days=chance.randrange(300)) for one in contracts}
    receivables = records.create_many(
        (
            Receivable(
                contract=one, account=one.account, number=f"YS-{one.number[-5:]}{r}", original=D(amounts.pop()) / 100,
                due_date=dues[one.pk] + timedelta(30 * r), **common,
            )
            for one in contracts
            for r in range(3)
        ),
        by=acme.system,
    )  # fmt: skip
    return chance, [(n, account, receivables[n * 6 : n * 6 + 6]) for n, account in enumerate(accounts)]


def payments_of(chance, world, total: int):
    """(amount, payer, account, memo) with the receivables that are meant, of which each is paid once."""
    rows, answers, turn = [], [], 0
    while len(rows) < total:
        turn += 1
        n, account, receivables = world[turn % len(world)]
        unpaid = [one for one in receivables if not getattr(one, "paid", False)]
        if not unpaid:
            continue
        kind = chance.choices(["exact", "memo", "several", "branch", "number", "amount"], [45, 20, 10, 10, 10, 5])[0]
        meant = chance.sample(unpaid, min(2, len(unpaid))) if kind == "several" else [chance.choice(unpaid)]
        who = {"branch": f"{account.name}上海分公司", "amount": f"代付{turn}"}.get(kind, account.name)
        number = f"6217{n:06d}" if kind == "number" else ""
        memo = f"合同{meant[0].contract.number}货款" if kind == "memo" else "货款"
        for one in meant:
            one.paid = True
        rows.append((sum(one.original for one in meant), who, number, memo))
        answers.append((account.pk, {one.number for one in meant}))
    return rows, answers


def test_d4_a_thousand_lines(acme, bank, ledger):
    """At least 90 % of the right answers are ranked first; nothing wrong is posted without asking."""
    chance, world = crowd(acme, ledger, 230)
    rows, answers = payments_of(chance, world, 1000)
    assert len(rows) == 1000
    lines = make_lines(acme, bank, rows, day=date(2024, 12, 1))
    held = posting.hold_open([line.pk for line in lines], acme.finance, lock=False)
    payments = [posting.payment_of([one]) for one in held]
    evidence = gather(payments, acme.tenant)
    right = 0
    for payment, (account, numbers) in zip(payments, answers, strict=True):
        best = next(iter(proposals.propose(payment, evidence)), None)
        right += best is not None and best.account_id == account and {one.number for one, _ in best.items} == numbers
    assert right >= 0.9 * len(rows), right
    outcome = posting.post_lines(lines, by=acme.finance)
    assert len(outcome.posted) > 0.6 * len(rows)
    meant = dict(zip((line.pk for line in lines), answers, strict=True))
    wrong = [
        receipt for receipt in outcome.posted if (receipt.account_id, set(used(receipt))) != meant[receipt.bank_line_id]
    ]
    assert wrong == []


def test_five_hundred_lines_a_second(acme, bank, ledger):
    chance, world = crowd(acme, ledger, 100)
    rows, _answers = payments_of(chance, world, 500)
    lines = make_lines(acme, bank, rows, day=date(2024, 12, 1))
    started = time.perf_counter()
    outcome = posting.post_lines(lines, by=acme.finance)
    seconds = time.perf_counter() - started
    print(f"{len(rows) / seconds:.0f} lines/s, {len(outcome.posted)} posted")
    assert len(rows) / seconds > 50  # on a busy machine; the bench measures on a quiet one


def test_all_at_once_writes_the_ledger_of_one_by_one(acme, bank, ledger):
    chance, world = crowd(acme, ledger, 6)
    rows, _answers = payments_of(chance, world, 30)
    rows += [("123456.78", world[0][1].name, "", ""), ("0.50", world[1][1].name, "", "HT-AC-2024-00010")]
    lines = make_lines(acme, bank, rows, day=date(2024, 6, 1))
    written = []
    for post in (_one_by_one, lambda acme, lines: posting.post_lines(lines, by=acme.finance)):
        with transaction.atomic():
            post(acme, lines)
            caches = list(Receipt.objects.of(acme.tenant).order_by("bank_line").values_list("bank_line", "unallocated"))
            booked = list(Incoming.objects.of(acme.tenant).order_by("line").values_list("line", "booked"))
            numbers = list(Receipt.objects.of(acme.tenant).order_by("bank_line").values_list("number", flat=True))
            written.append((ledger_of(acme.tenant), caches, booked, [number[-4:] for number in numbers]))
            transaction.set_rollback(True)
    assert len(written[0][1]) > 15
    assert written[0] == written[1]


def _one_by_one(acme, lines):
    for one in posting.hold_open([line.pk for line in lines], acme.finance):
        payment = posting.payment_of([one])
        found = proposals.certain(payment, gather([payment], acme.tenant))
        if found:
            post_receipt(
                by=acme.finance, legal_entity=one.bank_account.legal_entity, amount=one.left, received_on=one.day,
                bank_line=one.line, account_id=found.account_id, contract_id=found.contract_id,
                payer=one.line.counterparty,
            )  # fmt: skip


def test_lines_of_a_flagged_statement_and_of_closed_months_wait(acme, bank, firm, ledger):
    from receivables.models import Period

    name = firm[0].name
    records.create(Period, by=acme.finance, legal_entity=ledger.entity, month=date(2023, 12, 1), status="closed")
    flagged = make_line(acme, bank, "7000.00", name, gaps=[{"row": 3}])
    closed = make_line(acme, bank, "20000.00", name, day=date(2023, 12, 9))
    outcome = posting.post_lines([flagged, closed], by=acme.finance)
    assert (outcome.posted, outcome.waiting) == ([], 2)
    assert len(posting.post_lines([flagged], by=acme.finance, flagged=True).posted) == 1
    assert posting.post_lines(BankLine.objects.of(acme.tenant), by=acme.finance).posted == []
