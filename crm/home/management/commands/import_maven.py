"""manage.py import_maven: a real export (Maven Analytics, “CRM Sales Opportunities”) as a company of its own."""

import secrets
from decimal import Decimal
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from crm.core.company.actions import found_company, system_member
from crm.core.errors import Refused
from crm.core.imports.management.commands.import_records import tell
from crm.core.imports.models import Import
from crm.core.imports.straight import import_file
from crm.core.people.models import Member, User
from crm.core.tenancy.models import Tenant
from crm.core.tenancy.state import enter
from opportunities.actions import create_pipeline
from opportunities.models import Category, Pipeline

KEY = "hardware"
STAGES = (
    {"key": "prospecting", "name": "Prospecting", "probability": Decimal("0.2"), "category": Category.PIPELINE},
    {"key": "engaging", "name": "Engaging", "probability": Decimal("0.6"), "category": Category.BEST_CASE},
    {"key": "won", "name": "Won", "probability": Decimal(1), "category": Category.CLOSED},
)
# The file was drawn on this day: deals without any date are counted as opened then.
LAST_DAY = "2017-12-31"
# Object, file, what the file means beyond its headers.
FILES: tuple[tuple[str, str, dict], ...] = (
    ("members", "sales_teams.csv", {}),
    ("products", "products.csv", {}),
    (
        "accounts", "accounts.csv",
        {"options": {"units": {"annual_revenue": 1_000_000}}, "values": {"industry": {"technolgy": "technology"}}},
    ),
    (
        "opportunities", "sales_pipeline.csv",
        {"options": {"undated": LAST_DAY}, "values": {"product": {"GTXPro": "GTX Pro"}}},
    ),
)  # fmt: skip


class Command(BaseCommand):
    help = "Imports the four files of the Maven “CRM Sales Opportunities” data set as a company; safe to repeat."

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, help="where accounts.csv, products.csv, sales_*.csv are")
        parser.add_argument("--slug", default="maven")
        parser.add_argument("--admin-email", default="admin@maven.example")
        parser.add_argument("--password", default="", help="of a new administrator; made up and printed when left out")
        parser.add_argument(
            "--without-account", choices=["unknown", "error"], default="unknown",
            help="deals that name no customer: to a marked “unknown customer”, or to the error file",
        )  # fmt: skip
        parser.add_argument(
            "--open-amount", choices=["none", "list-price"], default="none",
            help="open deals, which have no amount: shown without one, or at the product's list price",
        )  # fmt: skip

    def handle(self, *args, **given):
        missing = [name for _object, name, _how in FILES if not (given["folder"] / name).is_file()]
        if missing:
            raise CommandError(f"{given['folder']} has no {', '.join(missing)}.")
        try:
            by = self._company(given)
            for object, name, how in FILES:
                self._file(given, by, object, name, how)
        except (Refused, ValidationError) as refused:
            raise CommandError(" ".join(getattr(refused, "messages", [str(refused)]))) from refused
        self.stdout.write(f"Open /{given['slug']}/ and sign in as {given['admin_email']}.")

    def _company(self, given: dict) -> Member:
        """The system member of the company, which is founded the first time."""
        tenant = Tenant.objects.filter(slug=given["slug"]).first() or self._found(given)
        with enter(tenant), transaction.atomic():
            by = system_member(tenant)
            if not Pipeline.objects.of(tenant).filter(key=KEY).exists():
                create_pipeline(by=by, key=KEY, name="Hardware sales", stages=STAGES, is_default=True)
        by.tenant = tenant
        return by

    @transaction.atomic
    def _found(self, given: dict) -> Tenant:
        email = given["admin_email"].lower()
        founder = User.objects.filter(email=email).first()
        if founder is None:
            password = given["password"] or secrets.token_urlsafe(9)
            founder = User.objects.create_user(email, password, name="Maven administrator", language="en")
            self.stdout.write(f"Administrator {email}, password {password}")
        tenant, _admin = found_company(
            name="Maven Hardware", slug=given["slug"], founder=founder, base_currency="USD", tz="America/New_York",
            locale="en",
        )  # fmt: skip
        return tenant

    def _file(self, given: dict, by: Member, object: str, name: str, how: dict) -> None:
        options = dict(how.get("options", {}))
        if object == "opportunities":
            options |= {"without_account": given["without_account"], "open_amount": given["open_amount"]}
            options |= self._pipeline(by)
        batch = import_file(given["folder"] / name, by=by, object=object, options=options, values=how.get("values"))
        tell(batch, self.stdout)
        if batch.status == Import.Status.FAILED:
            raise CommandError(batch.message)

    @staticmethod
    def _pipeline(by: Member) -> dict[str, str]:
        """Won and lost deals were engaged with on their first date; the file says so of its column."""
        with enter(by.tenant), transaction.atomic():
            pipeline = Pipeline.objects.of(by.tenant_id).get(key=KEY, is_current=True)
            engaging = pipeline.stages.get(key="engaging")
        return {"pipeline": str(pipeline.pk), "closed_from": str(engaging.pk)}
