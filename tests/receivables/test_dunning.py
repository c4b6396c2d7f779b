"""Reminders: WC-28 day by day, catching up, what stops them, and that each is given once (INV-R14)."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.core import mail
from django.utils import timezone

from accounts import actions as accounts
from crm.core import records
from crm.core.errors import Forbidden, ValidationError
from crm.core.notifications.models import Notification
from receivables import dunning_rules as rules
from receivables import dunning_selection as selection
from receivables.actions import allocation, disputes, dunning, letters, promises
from receivables.actions.receipts import post_receipt
from receivables.dunning_rules import DEFAULT_STEPS, Level, Step
from receivables.models import (
    CreditClass,
    CustomerHold,
    DunningLetter,
    DunningNotice,
    DunningPolicy,
    LegalStep,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
DUE = date(2024, 1, 31)
WC_28 = [
    (date(2024, 1, 24), Level.PRE_DUE), (date(2024, 1, 31), Level.DUE), (date(2024, 2, 1), Level.OVERDUE_1),
    (date(2024, 2, 15), Level.OVERDUE_2), (date(2024, 3, 1), Level.OVERDUE_3), (date(2024, 3, 31), Level.COLLECTION),
    (date(2024, 4, 30), Level.LEGAL),
]  # fmt: skip


@pytest.fixture
def one(acme, ledger):
    """A alone is owed; due 2024-01-31."""
    for row in (ledger.B, ledger.C, ledger.D):
        records.update(row, by=acme.finance, superseded=True)
    return ledger.A


@pytest.fixture
def run(acme):
    def on(day: date):
        return dunning.run(acme.tenant, by=acme.finance, today=day)

    return on


@pytest.fixture
def days(run):
    """`days(first, last)` runs once a day, both ends included."""

    def through(first: date, last: date) -> None:
        for n in range((last - first).days + 1):
            run(first + n * DAY)

    return through


def given(acme, receivable) -> list[tuple]:
    rows = DunningNotice.objects.of(acme.tenant).filter(receivable=receivable).order_by("pk")
    return [(row.day, row.level) for row in rows]


def pay(acme, ledger, amount: str):
    receipt = post_receipt(
        by=acme.finance, legal_entity=ledger.entity, amount=D(amount), received_on=date(2024, 1, 20),
        account=ledger.account, automatic=False,
    )  # fmt: skip
    return allocation.allocate(receipt, {ledger.A.pk: D(amount)}, by=acme.finance)[0]


def test_a_company_is_founded_with_the_ladder(acme):
    policy = DunningPolicy.objects.of(acme.tenant).get()
    assert policy.ladder == DEFAULT_STEPS
    assert [step.days for step in policy.ladder] == [-7, 0, 1, 15, 30, 60, 90]
    assert policy.min_gap_days == 3


def test_wc_28_day_by_day(acme, one, days):
    days(date(2024, 1, 20), date(2024, 5, 10))
    assert given(acme, one) == WC_28


def test_wc_28_after_a_standstill_one_step_at_a_time(acme, one, days):
    days(date(2024, 1, 20), date(2024, 1, 31))
    days(date(2024, 2, 17), date(2024, 5, 10))
    caught_up = [(date(2024, 2, 17), Level.OVERDUE_1), (date(2024, 2, 20), Level.OVERDUE_2)]
    assert given(acme, one) == [*WC_28[:2], *caught_up, *WC_28[4:]]


def test_a_long_standstill_neither_skips_nor_floods(acme, one, days):
    days(date(2024, 1, 20), date(2024, 1, 31))
    days(date(2024, 7, 1), date(2024, 7, 31))
    last = given(acme, one)[2:]
    assert [level for _day, level in last] == [2, 3, 4, 5, 6]
    assert [day for day, _level in last] == [date(2024, 7, 1) + 3 * n * DAY for n in range(5)]


def test_what_is_overdue_when_first_met_begins_at_overdue_1(acme, one, run):
    run(date(2024, 6, 1))
    assert given(acme, one) == [(date(2024, 6, 1), Level.OVERDUE_1)]


def test_partial_payment_keeps_the_level_and_settlement_stops(acme, ledger, one, days):
    days(date(2024, 1, 20), date(2024, 2, 1))
    pay(acme, ledger, "10000.00")
    days(date(2024, 2, 2), date(2024, 2, 15))
    assert given(acme, one)[-1] == (date(2024, 2, 15), Level.OVERDUE_2)
    assert DunningNotice.objects.of(acme.tenant).filter(level=Level.OVERDUE_2).get().balance == D("20000.00")
    pay(acme, ledger, "20000.00")
    days(date(2024, 2, 16), date(2024, 6, 1))
    assert given(acme, one) == WC_28[:4]


@pytest.mark.parametrize("a_run_between", [True, False])
def test_unallocation_restarts_at_overdue_1_in_a_new_cycle(acme, ledger, one, days, run, a_run_between):
    days(date(2024, 1, 20), date(2024, 2, 15))
    paid = pay(acme, ledger, "30000.00")
    if a_run_between:
        run(date(2024, 2, 19))
    allocation.unallocate(paid, by=acme.finance)
    days(date(2024, 2, 20), date(2024, 3, 20))
    second = DunningNotice.objects.of(acme.tenant).filter(receivable=one, cycle=2).order_by("pk")
    assert [(row.day, row.level) for row in second][:2] == [
        (date(2024, 2, 20), Level.OVERDUE_1), (date(2024, 2, 23), Level.OVERDUE_2),
    ]  # fmt: skip
    assert given(acme, one)[:4] == WC_28[:4]


def test_taking_back_a_part_payment_is_no_new_cycle(acme, ledger, one, days):
    days(date(2024, 1, 20), date(2024, 2, 1))
    allocation.unallocate(pay(acme, ledger, "10000.00"), by=acme.finance)
    days(date(2024, 2, 2), date(2024, 2, 15))
    assert given(acme, one) == WC_28[:4]


def test_running_twice_gives_each_notice_once(acme, one, run):
    for _ in range(3):
        run(date(2024, 2, 1))
    assert given(acme, one) == [(date(2024, 2, 1), Level.OVERDUE_1)]
    owner = Notification.objects.of(acme.tenant).filter(recipient=acme.rep, kind="dunning.reminded")
    assert owner.count() == 1


def stop_by_dispute(acme, one):
    disputes.raise_dispute(one, by=acme.rep, reason="wrong price")


def stop_by_complaint(acme, one):
    disputes.hold(one, by=acme.rep, reason="machine stands still")


def stop_by_promise(acme, one):
    promises.promise(one, by=acme.rep, promised_for=acme.tenant.today() + 10 * DAY)


@pytest.mark.parametrize("stop", [stop_by_dispute, stop_by_complaint, stop_by_promise])
def test_what_stops_the_clock(acme, one, run, stop):
    today = acme.tenant.today()
    stop(acme, one)
    started = run(today)
    assert given(acme, one) == []
    assert sum(started.left_out.values()) == 1
    assert letters.send_due(acme.tenant, by=acme.finance) == 0


def test_a_cleared_dispute_and_a_released_hold_go_on_where_they_stopped(acme, one, run):
    run(date(2024, 2, 1))
    disputes.raise_dispute(one, by=acme.rep, reason="price")
    disputes.hold(one, by=acme.rep, reason="complaint")
    run(date(2024, 2, 20))
    disputes.clear_dispute(one, by=acme.rep, reason="agreed")
    run(date(2024, 2, 21))
    disputes.release(one, by=acme.rep, reason="repaired")
    run(date(2024, 2, 22))
    assert given(acme, one) == [(date(2024, 2, 1), 2), (date(2024, 2, 22), 3)]


def test_late_fee_of_wc_28():
    assert rules.late_fee(D("47345.67"), D("0.0005"), 31) == D("733.86")
    assert rules.late_fee(D("47345.67"), D("0.0005"), -3) == 0


def test_the_fee_stands_on_the_notice_once_and_stays(acme, ledger, one, run, days):
    policy = DunningPolicy.objects.of(acme.tenant).get()
    dunning.save_policy(policy, by=acme.finance, steps=DEFAULT_STEPS, daily_rate=D("0.0005"))
    days(date(2024, 1, 31), date(2024, 2, 15))
    fees = list(DunningNotice.objects.of(acme.tenant).order_by("pk").values_list("fee", flat=True))
    assert fees == [D("0.00"), D("15.00"), D("225.00")]  # 0, 1, 15 days of 30,000.00
    pay(acme, ledger, "30000.00")
    run(date(2024, 2, 16))
    assert list(DunningNotice.objects.of(acme.tenant).order_by("pk").values_list("fee", flat=True)) == fees


def test_the_set_agrees_with_the_rule_for_one(acme, ledger, one):
    """Planted mistakes in either (a day, a gap, an entry) are seen here."""
    policy = DunningPolicy.objects.of(acme.tenant).get()
    for level in (rules.NONE, *Level.values):
        for last in (None, date(2024, 2, 1)):
            if last is None and level != rules.NONE:
                continue
            records.update(one, by=acme.finance, dunning_level=level, dunned_on=last)
            for offset in range(-10, 95):
                today = DUE + offset * DAY
                step = rules.next_step(
                    policy.ladder, level=level, due=DUE, last=last, today=today, min_gap=policy.min_gap_days
                )
                row = selection.due(policy, today).filter(pk=one.pk).first()
                assert (row.next_level if row else None) == (step.level if step else None), (level, last, today)


def test_each_credit_class_has_its_ladder(acme, ledger, one, run):
    dunning.save_policy(by=acme.finance, name="D", credit_class="D", steps=[Step(Level.OVERDUE_1, 5, ("owner",))])
    run(date(2024, 1, 31))
    assert given(acme, one) == [(date(2024, 1, 31), Level.DUE)]
    records.create(CreditClass, by=acme.finance, account=ledger.account, letter="D")
    run(date(2024, 2, 4))
    assert len(given(acme, one)) == 1
    run(date(2024, 2, 5))
    assert given(acme, one)[1:] == [(date(2024, 2, 5), Level.OVERDUE_1)]


def test_a_customer_without_a_class_is_of_the_default_class(acme, ledger, one, run):
    policy = dunning.save_policy(by=acme.finance, name="B", credit_class="B", steps=DEFAULT_STEPS[:1])
    records.update(policy, by=acme.finance, is_active=False)
    started = run(date(2024, 1, 31))
    assert given(acme, one) == []
    assert started.left_out == {"inactive": 1}


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [Step(Level.DUE, 0), Step(Level.OVERDUE_1, 0)],
        [Step(Level.OVERDUE_1, 5), Step(Level.OVERDUE_2, 3)],
        [Step(Level.PRE_DUE, 2)],
        [Step(Level.OVERDUE_1, -1)],
        [Step(Level.LEGAL, 90, ("customer",))],
    ],
)
def test_a_ladder_that_makes_no_sense_is_refused(acme, steps):
    with pytest.raises(ValidationError):
        dunning.save_policy(by=acme.finance, name="X", credit_class="C", steps=steps)


def test_only_finance_runs_and_sets_the_ladder(acme):
    for member in (acme.rep, acme.manager, acme.admin, acme.legal):
        with pytest.raises(Forbidden):
            dunning.run(acme.tenant, by=member)
        with pytest.raises(Forbidden):
            dunning.save_policy(by=member, name="X", steps=DEFAULT_STEPS)


def heard(acme, member) -> int:
    return Notification.objects.of(acme.tenant).filter(recipient=member, kind="dunning.reminded").count()


def test_who_hears_of_which_level(acme, one, days):
    days(date(2024, 1, 20), date(2024, 2, 14))
    assert (heard(acme, acme.rep), heard(acme, acme.manager), heard(acme, acme.finance)) == (3, 0, 0)
    days(date(2024, 2, 15), date(2024, 2, 29))
    assert (heard(acme, acme.rep), heard(acme, acme.manager), heard(acme, acme.finance)) == (4, 1, 0)
    days(date(2024, 3, 1), date(2024, 3, 1))
    assert (heard(acme, acme.manager), heard(acme, acme.finance)) == (2, 1)
    assert heard(acme, acme.peer) == heard(acme, acme.other_rep) == 0


def later(acme) -> None:
    """The owner's hours are over."""
    for letter in DunningLetter.objects.of(acme.tenant).filter(status="queued"):
        records.update(letter, by=acme.system, send_after=timezone.now())


@pytest.fixture
def payer(acme, ledger):
    accounts.add_contact(ledger.account, by=acme.rep, name="Boss", email="boss@buyer.example")
    return accounts.add_contact(
        ledger.account, by=acme.rep, name="Pay", email="pay@buyer.example", title="Accounts payable"
    )


def test_one_mail_for_each_customer_after_the_owners_hours(acme, ledger, payer, run):
    run(acme.tenant.today())
    assert heard(acme, acme.rep) == 1
    assert letters.send_due(acme.tenant, by=acme.system) == 0
    later(acme)
    assert letters.send_due(acme.tenant, by=acme.system) == 1
    assert letters.send_due(acme.tenant, by=acme.system) == 0
    [message] = mail.outbox
    assert message.to == ["pay@buyer.example"]
    assert all(f"- {name} " in message.body for name in "ABCD")
    assert "122,345.67 CNY" in message.body


@pytest.mark.parametrize(("locale", "words"), [("en", "Payment overdue"), ("zh-hans", "款项已逾期")])
def test_letters_are_in_the_companys_language(acme, one, payer, run, locale, words):
    acme.tenant.locale = locale
    run(acme.tenant.today())
    letter = DunningLetter.objects.of(acme.tenant).get()
    letter.tenant = acme.tenant
    subject, body = letters.write(letter, letters.owed(letter))
    assert words in subject
    assert "30,000.00" in body


def test_what_is_settled_or_disputed_meanwhile_is_left_out(acme, ledger, payer, run):
    run(acme.tenant.today())
    pay(acme, ledger, "30000.00")
    disputes.raise_dispute(ledger.C, by=acme.rep, reason="price")
    later(acme)
    letters.send_due(acme.tenant, by=acme.system)
    body = mail.outbox[0].body
    assert "- B " in body
    assert "- A " not in body
    assert "- C " not in body


def test_nothing_left_sends_nothing(acme, one, ledger, payer, run):
    run(acme.tenant.today())
    disputes.raise_dispute(one, by=acme.rep, reason="price")
    later(acme)
    assert letters.send_due(acme.tenant, by=acme.system) == 0
    assert mail.outbox == []
    assert DunningLetter.objects.of(acme.tenant).get().status == "stopped"


def test_without_an_address_the_log_says_so(acme, one, run):
    run(acme.tenant.today())
    later(acme)
    letters.send_due(acme.tenant, by=acme.system)
    assert DunningLetter.objects.of(acme.tenant).get().status == "no_address"


def test_a_mail_server_that_fails_loses_no_letter(acme, one, payer, run, monkeypatch):
    run(acme.tenant.today())
    later(acme)
    with monkeypatch.context() as patch:
        patch.setattr(letters, "send_mail", lambda *args: 1 / 0)
        assert letters.send_due(acme.tenant, by=acme.system) == 0
    assert letters.send_due(acme.tenant, by=acme.system) == 1
    assert len(mail.outbox) == 1


def test_the_legal_step_waits_for_people_and_blocks_orders(acme, one, ledger, payer, days):
    days(date(2024, 4, 1), date(2024, 4, 29))
    sent = DunningLetter.objects.of(acme.tenant).count()
    assert LegalStep.objects.of(acme.tenant).count() == CustomerHold.objects.of(acme.tenant).count() == 0
    days(date(2024, 4, 30), date(2024, 5, 30))
    step = LegalStep.objects.of(acme.tenant).get()
    assert (step.status, step.balance) == ("proposed", D("30000.00"))
    assert CustomerHold.objects.of(acme.tenant).get().account == ledger.account
    assert DunningLetter.objects.of(acme.tenant).count() == sent
