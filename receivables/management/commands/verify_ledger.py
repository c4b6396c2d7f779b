"""manage.py verify_ledger: recompute every balance from the append-only rows and print what differs."""

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from crm.core.tenancy.models import Tenant
from crm.core.tenancy.state import enter
from receivables.verifier import CHECKS, differences


class Command(BaseCommand):
    help = "Recomputes all balances, invoices and sums from rows that cannot be changed; exit code 1 if any differ."

    def add_arguments(self, parser):
        parser.add_argument("--tenant", metavar="SLUG", help="one company; without it, all of them")

    def handle(self, *args, tenant=None, **options):
        companies = Tenant.objects.filter(slug=tenant) if tenant else Tenant.objects.order_by("pk")
        if tenant and not companies.exists():
            raise CommandError(f"There is no company “{tenant}”.")
        count = sum(self._verify(company) for company in companies)
        if count:
            raise CommandError(f"{count} differences.")
        self.stdout.write(f"{len(CHECKS)} checks, no difference.")

    def _verify(self, company) -> int:
        with enter(company), transaction.atomic():
            found = list(differences(company))
        for one in found:
            self.stdout.write(f"{company.slug}: {one}")
        return len(found)
