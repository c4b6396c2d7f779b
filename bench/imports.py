"""How long 8,800 deals take to come in, and how much memory: `python bench/imports.py [rows]`.

Needs an empty database of its own, migrated, in DATABASE_URL: the company it founds stays. Prints
seconds, seconds of this process alone, rows a second and the peak memory.
"""

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

HEADERS = "ref,customer,product,owner,stage,created,close date,amount\n"


def write_deals(path: Path, rows: int) -> None:
    """Deals of 85 customers over two years: half won, a quarter lost, the rest open."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(HEADERS)
        for n in range(rows):
            stage = ("Won", "Lost", "Won", "报价")[n % 4]
            month, day = n % 12 + 1, n % 28 + 1
            closed = f"2024-{month:02}-{day:02}" if n % 4 < 3 else ""
            amount = f"{n % 977}.50" if stage == "Won" else ""
            firm = f"客户{n % 85}机械有限公司,泵{n % 7},Seller"
            file.write(f"D{n},{firm},{stage},2023-{month:02}-01,{closed},{amount}\n")


def seller_of_new_company():
    from django.db import transaction

    from crm.core.company import actions as company
    from crm.core.people.models import User
    from crm.core.tenancy.state import enter

    slug = f"bench-{int(time.time())}"
    founder = User.objects.create_user(f"{slug}@example.com", "x", name="Founder")
    tenant, _admin = company.found_company(name="Bench", slug=slug, founder=founder)
    with enter(tenant), transaction.atomic():
        by = company.system_member(tenant)
        company.add_member(by=by, name="Seller")
    by.tenant = tenant
    return by


def main(rows: int) -> None:
    import django

    django.setup()
    from crm.core.imports.straight import import_file

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deals.csv"
        write_deals(path, rows)
        by = seller_of_new_company()
        started, before = time.monotonic(), time.process_time()
        batch = import_file(path, by=by, object="opportunities", options={"create": ["account", "product"]})
    seconds, alone = time.monotonic() - started, time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{batch.result['counts']}")
    print(f"{seconds:.1f} s ({alone:.1f} s of this process), {rows / seconds:.0f} rows/s, peak {peak:.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8_800)
