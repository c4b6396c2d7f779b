"""Money at scale: ageing, the reconcile desk, auto-match, receipts, reminders, each beside its raw SQL.

    python bench/cash.py [contracts]

Needs an empty, migrated database of its own in DATABASE_URL; fills it first (minutes). A page's aim is the minimal
request plus twice its raw SQL: the ratio printed is the answer's median over that sum.
"""

import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

from bench.pages import raw, report, times
from bench.serving import by_clients, call, web_server

CONTRACTS, LINES, RECEIPTS, CLIENTS = 50_000, 5_000, 1_000, 8
BUCKET = "width_bucket({day} - due_date, ARRAY[1, 31, 61, 91])"
AGEING_NOW = f"""
    SELECT account_id, {BUCKET.format(day="current_date")}, sum(balance) FROM receivables_receivable
    WHERE tenant_id = %s AND balance > 0 GROUP BY 1, 2
"""
AGEING_PAST = """
    SELECT r.account_id, width_bucket(date '{day}' - r.due_date, ARRAY[1, 31, 61, 91]), sum(e.sum)
    FROM receivables_receivable r JOIN (
        SELECT receivable_id, sum(amount) AS sum FROM receivables_arentry
        WHERE tenant_id = %s AND effective_date <= date '{day}' GROUP BY 1
    ) e ON e.receivable_id = r.id WHERE e.sum > 0 GROUP BY 1, 2
"""
DESK = """
    SELECT l.* FROM receivables_incoming i JOIN receivables_bankline l ON l.id = i.line_id AND l.tenant_id = i.tenant_id
    WHERE i.tenant_id = %s AND i.left > 0 AND NOT i.set_aside ORDER BY i.day, i.id LIMIT 51
"""
RECEIVABLES = """
    SELECT * FROM receivables_receivable WHERE tenant_id = %s AND NOT superseded ORDER BY due_date, id LIMIT 51
"""
REMINDED = """
    SELECT id FROM receivables_receivable
    WHERE tenant_id = %s AND balance > 0 AND NOT superseded AND due_date <= current_date + 7
"""
MATCH = """
    SELECT l.id, a.id, c.id FROM receivables_incoming i
    JOIN receivables_bankline l ON l.id = i.line_id AND l.tenant_id = i.tenant_id
    JOIN accounts_account a ON a.name = l.counterparty AND a.tenant_id = l.tenant_id
    LEFT JOIN contracts_contract c ON c.number = substring(l.memo FROM 'HT-C-[0-9]+') AND c.tenant_id = l.tenant_id
    WHERE i.tenant_id = %s AND i.left > 0
"""


def main(contracts: int) -> None:
    import django

    django.setup()
    from bench import cash_population as population

    started = time.monotonic()
    house = population.found()
    population.fill(house, contracts)
    print(f"filled with {contracts} contracts in {time.monotonic() - started:.0f} s")
    desk_lines = population.waiting_lines(house, LINES, contracts)
    client, secret = signed_in(house)
    minimal = times(lambda: answered(client, f"/{house.tenant.slug}/api/v1/me/"))
    report("minimal request (me)", minimal)
    page = times(lambda: answered(client, f"/{house.tenant.slug}/settings/tokens/"))
    report("minimal page (tokens, none yet)", page)
    pages(house, client, median(minimal), median(page))
    reminders(house, contracts)
    auto_match(house, desk_lines)
    receipts(house, secret, contracts)


def signed_in(house):
    """A client with the session of finance, and a token."""
    from django.contrib.auth import get_user_model
    from django.db import transaction
    from django.test import Client

    from crm.core.company.actions import create_token
    from crm.core.people.models import Member
    from crm.core.tenancy.state import enter

    user = get_user_model().objects.create_user("fin@cash.example", "x", name="Finance", language="en")
    with enter(house.tenant), transaction.atomic():
        Member.objects.of(house.tenant).filter(pk=house.finance.pk).update(user=user)
        house.finance.refresh_from_db()
        house.finance.tenant = house.tenant
        _, secret = create_token(house.finance, by=house.finance, name="bench")
    seat(user, house.tenant)
    client = Client(headers={"Authorization": f"Token {secret}"})
    client.force_login(user)
    return client, secret


def seat(user, tenant) -> None:
    from crm.core.people.models import Seat

    Seat.objects.get_or_create(user=user, tenant=tenant)


def answered(client, path: str):
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code, answer.content[:300])
    return answer


def pages(house, client, minimal: float, page: float) -> None:
    """Answers in JSON beside the minimal request, pages beside the minimal page."""
    slug, past = house.tenant.slug, house.tenant.today().replace(day=1) - timedelta(days=1)
    past_sql = AGEING_PAST.format(day=past)
    for name, path, sql in (
        ("ageing today, REST", f"/{slug}/api/v1/ageing/", AGEING_NOW),
        ("ageing today, page", f"/{slug}/ageing/", AGEING_NOW),
        (f"ageing as of {past}, REST", f"/{slug}/api/v1/ageing/?as_of={past}", past_sql),
        (f"ageing as of {past}, page", f"/{slug}/ageing/?as_of={past}", past_sql),
        ("reconcile desk, page", f"/{slug}/reconcile/", DESK),
        ("receivables, first page", f"/{slug}/receivables/", RECEIVABLES),
    ):
        alone = times(raw(house.tenant, sql), rounds=7)
        report(f"  raw SQL: {name}", alone)
        floor = minimal if name.endswith("REST") else page
        report(name, times(lambda path=path: answered(client, path), rounds=7), floor + 2 * median(alone))


def reminders(house, contracts: int) -> None:
    """Who is reminded today, of all receivables; and a run that gives 2,000 notices."""
    from django.db import transaction

    from crm.core.company.actions import system_member
    from crm.core.tenancy.state import enter
    from receivables import dunning_selection as selection
    from receivables.actions import dunning
    from receivables.models import DunningPolicy

    def select():
        with enter(house.tenant), transaction.atomic():
            policy = DunningPolicy.objects.of(house.tenant).get()
            return len(selection.due(policy, house.tenant.today()).values_list("pk", "next_level"))

    report("  raw SQL: open and due rows", times(raw(house.tenant, REMINDED), rounds=5))
    found = times(select, rounds=5)
    report("reminder selection", found)
    print(f"  {contracts * 6 / median(found) * 1000:,.0f} receivables/s")
    with enter(house.tenant), transaction.atomic():
        system = system_member(house.tenant)
        system.tenant = house.tenant
    started = time.perf_counter()
    with enter(house.tenant):
        dunning.run(house.tenant, by=system, limit=2000)
    print(f"  2,000 notices with letters and history: {2000 / (time.perf_counter() - started):,.0f}/s")


def auto_match(house, ids: list[int]) -> None:
    from django.db import transaction

    from crm.core.tenancy.state import enter
    from receivables.actions import posting
    from receivables.models import BankLine

    report("  raw SQL: lines joined to customers", times(raw(house.tenant, MATCH), rounds=5))
    started = time.perf_counter()
    with enter(house.tenant), transaction.atomic():
        lines = list(BankLine.objects.of(house.tenant).filter(pk__in=ids))
        outcome = posting.post_lines(lines, by=house.finance)
    seconds = time.perf_counter() - started
    print(f"auto-match, {len(ids)} lines: {len(ids) / seconds:,.0f} lines/s matched, posted and allocated"
          f" ({len(outcome.posted)} posted, {outcome.waiting} wait)")  # fmt: skip


def receipts(house, secret: str, contracts: int) -> None:
    """Posted and allocated through the web server, one after another and by eight clients, beside a minimal request."""
    from bench.cash_population import FIRST

    base, today = f"/{house.tenant.slug}/api/v1", house.tenant.today().isoformat()

    def post(number: int) -> None:
        body = {"account": FIRST + number % (contracts // 5), "legal_entity": house.entity.pk, "amount": "10000.00",
                "received_on": today}  # fmt: skip
        status, answer = call(port, "POST", f"{base}/receipts/", secret, body)
        assert status == 201, answer[:300]

    with web_server() as port:
        minimal = lambda _number: call(port, "GET", f"{base}/me/", secret)  # noqa: E731
        for clients in (1, CLIENTS):
            floor, _seconds = by_clients(clients, range(200), minimal)
            found, seconds = by_clients(clients, range(RECEIPTS), post)
            report(f"receipt posted and allocated, {clients} at once", found, 4 * median(floor))
            print(f"  {RECEIPTS / seconds:,.0f} receipts/s; a minimal request takes {median(floor):.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else CONTRACTS)
