"""`manage.py demo`: the demo company, and the file with its logins."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from crm.core.company.actions import create_token
from crm.core.people.models import Member
from crm.core.tenancy.models import Tenant
from crm.core.tenancy.state import enter
from crm.home.demo.load import PASSWORD, SLUG, load
from crm.home.demo.story import ZONE, tell


class Command(BaseCommand):
    help = "Founds the demo company once and writes demo-logins.json into RUN_DIR."

    def add_arguments(self, parser):
        parser.add_argument("--date", type=date.fromisoformat, help="tell the story as of this day (default: today)")
        parser.add_argument("--slug", default=SLUG)

    def handle(self, *args, **options):
        slug = options["slug"]
        if Tenant.objects.filter(slug=slug).exists():
            self.stdout.write(f"The demo company /{slug}/ exists already.")
            return
        today = options["date"] or datetime.now(ZONE).date()
        tenant = load(tell(today), slug=slug, say=lambda what: self.stdout.write(f"  demo company: {what}"))
        logins = self._logins(tenant)
        path = Path(settings.RUN_DIR) / "demo-logins.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(logins, ensure_ascii=False, indent=1), encoding="utf-8")
        path.chmod(0o600)
        self.stdout.write(f"The demo company is at /{slug}/, its logins in {path}")

    def _logins(self, tenant: Tenant) -> list[dict]:
        """Every member with the shared demo password and a token of a year."""
        with enter(tenant), transaction.atomic():
            members = Member.objects.of(tenant).filter(user__isnull=False).order_by("pk")
            return [self._login(tenant, member) for member in members]

    @staticmethod
    def _login(tenant: Tenant, member: Member) -> dict:
        _, secret = create_token(member, by=member, name="demo", expires_at=timezone.now() + timedelta(days=365))
        return {
            "tenant": tenant.slug, "name": member.name, "role": member.roles[0], "email": member.email,
            "password": PASSWORD, "token": secret,
        }  # fmt: skip
