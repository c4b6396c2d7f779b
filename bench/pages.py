"""Reading what `bench/imports.py` left: each answer beside a minimal request and beside its raw SQL.

Prints median and 95th percentile in milliseconds, and how often the minimal request plus twice the
raw SQL fits into the answer (the aim is 1 or less).
"""

import os
import sys
import time
from pathlib import Path
from statistics import median, quantiles

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

ROUNDS = 30
FUNNEL = """
    SELECT stage_id, count(*), sum(amount), sum(round(amount * probability, 2)) FROM opportunities_opportunity
    WHERE tenant_id = %s AND status IN ('open', 'won') GROUP BY stage_id
"""
LIST = "SELECT * FROM opportunities_opportunity WHERE tenant_id = %s AND status = 'open' ORDER BY id DESC LIMIT 51"


def times(act, rounds: int = ROUNDS) -> list[float]:
    """Milliseconds of each round, after three that are not counted."""
    found = []
    for _ in range(rounds + 3):
        started = time.perf_counter()
        act()
        found.append((time.perf_counter() - started) * 1000)
    return found[3:]


def report(name: str, found: list[float], floor: float = 0.0) -> None:
    fits = f"   ratio to the aim {median(found) / floor:4.2f}" if floor else ""
    print(f"{name:34} median {median(found):7.1f} ms   p95 {quantiles(found, n=20)[-1]:7.1f} ms{fits}")


def raw(tenant, sql: str):
    """The statement alone, through the app role and its policy."""
    from django.db import connection, transaction

    from crm.core.tenancy.state import enter

    def act():
        with enter(tenant), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, [tenant.pk])
            cursor.fetchall()

    return act


def main() -> None:
    import django

    django.setup()
    from django.db import transaction
    from django.test import Client

    from crm.core.company.actions import create_token
    from crm.core.people.models import Member
    from crm.core.tenancy.models import Tenant
    from crm.core.tenancy.state import enter

    tenant = Tenant.objects.latest("pk")
    with enter(tenant), transaction.atomic():
        admin = Member.objects.of(tenant).get(user__isnull=False)
        _, secret = create_token(admin, by=admin, name="bench")
    client = Client(headers={"Authorization": f"Token {secret}"})

    def get(path: str):
        answer = client.get(f"/{tenant.slug}/api/v1/{path}")
        assert answer.status_code == 200, answer.content[:300]
        return answer

    minimal = times(lambda: get("me/"))
    report("minimal request (me)", minimal)
    for name, path, sql in (
        ("funnel, all periods", "funnel/?period=all", FUNNEL),
        ("open deals, first page", "opportunities/?status=open", LIST),
    ):
        alone = times(raw(tenant, sql))
        report(f"  raw SQL: {name}", alone)
        report(name, times(lambda path=path: get(path)), median(minimal) + 2 * median(alone))


if __name__ == "__main__":
    main()
