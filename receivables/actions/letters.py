"""The customer's mail: everything of a run in one letter, after the owner had his hours (domain.md 6.20, D10).

What was paid, disputed, promised or held in between is left out when the letter is written; when nothing is
left, nothing is sent.
"""

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import Contact
from crm.core import records
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables import dunning_selection as selection
from receivables.dunning_rules import Level
from receivables.models import DunningLetter, DunningNotice

log = logging.getLogger(__name__)
Status = DunningLetter.Status
# A mail server that was down for longer gets no old letters.
TRIED_FOR = timedelta(days=3)
PAYS = "财务|会计|出纳|应付|financ|account|payable|treasur"


def send_due(tenant, *, by: Member) -> int:
    """Send what waits and whose hours are over; returns how many left. One address that fails stops no other."""
    require(by, "dunning.manage")
    sent = 0
    for pk in _waiting(tenant):
        try:
            with transaction.atomic():
                sent += _send(tenant, pk, by)
        except Exception:
            log.exception("dunning letter %s of tenant %s failed, it is tried again", pk, tenant.pk)
    return sent


@transaction.atomic
def _waiting(tenant) -> list[int]:
    due = DunningLetter.objects.of(tenant).filter(status=Status.QUEUED, send_after__lte=timezone.now())
    return list(due.order_by("pk").values_list("pk", flat=True))


def _send(tenant, pk: int, by: Member) -> bool:
    """Mark first, send last: a failed sending rolls the mark back; a second sender finds the row locked."""
    waits = DunningLetter.objects.of(tenant).filter(pk=pk, status=Status.QUEUED).select_related("account")
    letter = waits.select_for_update(of=("self",), skip_locked=True).first()
    if letter is None:
        return False
    notices, to = owed(letter), address_of(letter)
    if not notices or letter.day < tenant.today() - TRIED_FOR:
        records.move(letter, Status.STOPPED, by=by, verb="stopped")
        return False
    if not to:
        records.move(letter, Status.NO_ADDRESS, by=by, verb="not_addressed")
        return False
    subject, body = write(letter, notices)
    told: dict[str, Any] = {"address": to, "subject": subject, "body": body, "sent_at": timezone.now()}
    records.move(letter, Status.SENT, by=by, verb="sent", **told)
    send_mail(subject, body, settings.DEFAULT_FROM_EMAIL, [to])
    return True


def owed(letter: DunningLetter) -> list[DunningNotice]:
    """The notices of a letter that still stand, each with its receivable as it is now."""
    tenant, today = letter.tenant, letter.tenant.today()
    stands = selection.free(selection.open_rows(tenant), tenant, today)
    rows = DunningNotice.objects.of(tenant).filter(letter=letter, receivable__in=stands.values("pk"))
    return list(
        rows.select_related("receivable__contract", "receivable__legal_entity").order_by("receivable__due_date")
    )


def address_of(letter: DunningLetter) -> str:
    """Who pays at the customer: a contact whose title says so, else the first one with a mail address."""
    people = Contact.objects.of(letter.tenant_id).filter(account_id=letter.account_id, has_left=False)
    people = people.exclude(email="").order_by("pk")
    payer = people.filter(Q(title__iregex=PAYS)).first() or people.first()
    return payer.email if payer else ""


def write(letter: DunningLetter, notices: list[DunningNotice]) -> tuple[str, str]:
    """Subject and text in the company's language and zone; by the facts of the day, not by the level's name."""
    tenant, today = letter.tenant, letter.tenant.today()
    with translation.override(tenant.locale), timezone.override(tenant.zone):
        lines = [(notice, (today - notice.receivable.due_date).days) for notice in notices]
        level = max(notice.level for notice in notices)
        context = {"letter": letter, "lines": lines, "level": level, "sums": _sums(notices), "today": today,
                   "final": level >= Level.COLLECTION, "company": tenant}  # fmt: skip
        return _subject(tenant, level, lines), render_to_string("dunning/letter.txt", context)


def _subject(tenant, level: int, lines: list) -> str:
    if level >= Level.COLLECTION:
        title = _("Final notice: payment overdue")
    elif any(days > 0 for _notice, days in lines):
        title = _("Payment overdue")
    else:
        title = _("Payment reminder")
    return " ".join(f"[{tenant.name}] {title}".split())


def _sums(notices: list[DunningNotice]) -> dict[str, tuple]:
    """Per currency: what is owed, and the late fees noted."""
    sums: dict[str, tuple] = {}
    for notice in notices:
        owed_now, fee = sums.get(notice.receivable.currency, (0, 0))
        sums[notice.receivable.currency] = (owed_now + notice.receivable.balance, fee + notice.fee)
    return sums
