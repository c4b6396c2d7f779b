"""manage.py import_records: a file into a company, without the pages."""

import shutil
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from crm.core.company.actions import system_member
from crm.core.errors import Refused
from crm.core.imports import registry
from crm.core.imports.models import Import
from crm.core.imports.rows import OUTCOMES
from crm.core.imports.straight import import_file
from crm.core.people.models import Member
from crm.core.tenancy.models import Tenant
from crm.core.tenancy.state import enter


class Command(BaseCommand):
    help = "Imports a CSV or Excel file: members, products, accounts, contacts, leads or opportunities."

    def add_arguments(self, parser):
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--object", required=True, choices=[one.key for one in registry.all_importers()])
        parser.add_argument("--file", required=True, type=Path)
        parser.add_argument("--as", dest="email", metavar="E-MAIL", help="the member who imports (default: the system)")
        parser.add_argument("--map", action="append", default=[], metavar="HEADER=FIELD", help="FIELD empty: leave out")
        parser.add_argument("--value", action="append", default=[], metavar="FIELD:TEXT=MEANT")
        parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
        parser.add_argument("--policy", choices=["skip", "update", "create"], default="skip")
        parser.add_argument("--create", action="append", default=[], metavar="FIELD", help="create missing ones")
        parser.add_argument("--errors", type=Path, metavar="FILE", help="where to put the rows in error")
        parser.add_argument("--dry-run", action="store_true", help="count only, write nothing")

    def handle(self, *args, **given):
        by = self._member(given["tenant"], given["email"])
        options = {**dict(map(_pair, given["option"])), "policy": given["policy"]}
        if given["create"]:
            options["create"] = given["create"]
        try:
            batch = import_file(
                Path(given["file"]), by=by, object=given["object"], dry=given["dry_run"], options=options,
                mapping={field: header for header, field in map(_pair, given["map"]) if field},
                values=_words(given["value"]),
            )  # fmt: skip
        except (Refused, ValidationError, OSError) as refused:
            raise CommandError(" ".join(getattr(refused, "messages", [str(refused)]))) from refused
        self._tell(batch, given)

    def _member(self, slug: str, email: str | None) -> Member:
        tenant = Tenant.objects.filter(slug=slug, status=Tenant.Status.ACTIVE).first()
        if tenant is None:
            raise CommandError(f"There is no open company “{slug}”.")
        with enter(tenant), transaction.atomic():
            members = Member.objects.of(tenant).filter(is_active=True, email=(email or "").lower())
            by = members.first() if email else system_member(tenant)
        if by is None:
            raise CommandError(f"“{email}” is no member of {tenant}.")
        by.tenant = tenant
        return by

    def _tell(self, batch: Import, given: dict) -> None:
        tell(batch, self.stdout)
        if batch.status == Import.Status.FAILED:
            raise CommandError(batch.message)
        if batch.error_file and given["errors"]:
            with batch.error_file.open("rb") as stored, open(given["errors"], "wb") as file:
                shutil.copyfileobj(stored, file)
            self.stdout.write(f"Rows in error: {given['errors']}")


def tell(batch: Import, out) -> None:
    """Counts and reasons of the last step."""
    report = batch.result if batch.started_at else batch.check_report
    named = [(outcome, report.get("counts", {}).get(outcome, 0)) for outcome in OUTCOMES]
    out.write(f"{batch.object}: " + ", ".join(f"{count} {outcome}" for outcome, count in named))
    for key, count in report.get("creates", {}).items():
        out.write(f"  {count} × {key} created")
    for text, count in report.get("notes", {}).items():
        out.write(f"  {count} × {text}")
    for entry in report.get("reasons", []):
        out.write(f"  {entry['count']} × {entry['text']} (rows {', '.join(map(str, entry['rows'][:5]))} …)")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise CommandError(f"Write NAME=VALUE, not “{text}”.")
    return name.strip(), value.strip()


def _words(given: list[str]) -> dict[str, dict[str, str]]:
    words: dict[str, dict[str, str]] = {}
    for text, meant in map(_pair, given):
        field, _colon, word = text.partition(":")
        words.setdefault(field, {})[word] = meant
    return words
