"""`manage.py rebuild_identity`: make keys and search grams anew from the records."""

from django.core.management.base import BaseCommand

from crm.core.identity.index import rebuild
from crm.core.identity.subjects import registered
from crm.core.tenancy.models import Tenant
from crm.core.tenancy.state import enter


class Command(BaseCommand):
    help = "Index the names, numbers and addresses of all records again (after a change of the rules)."

    def add_arguments(self, parser):
        parser.add_argument("--company", help="address (slug) of one company; all open companies without it")

    def handle(self, *args, company=None, **options):
        tenants = Tenant.objects.filter(status=Tenant.Status.ACTIVE, **({"slug": company} if company else {}))
        for tenant in tenants:
            with enter(tenant):
                for subject in registered():
                    count = rebuild(tenant, subject.model)
                    self.stdout.write(f"{tenant.slug} {subject.type}: {count}")
