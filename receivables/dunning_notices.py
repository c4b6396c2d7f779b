"""Who inside the company hears of a reminder, and in which words: one notice for each customer and reader."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from crm.core.notifications.actions import notice, notify_many
from crm.core.notifications.texts import Text, kind
from crm.core.people.models import Member
from crm.core.people.reach import owners_covered
from crm.core.people.roles import Role

from .dunning_rules import CUSTOMER, FINANCE, MANAGER, OWNER, Level, Step
from .models import Receivable


def tell_insiders(rows: Sequence[Any], steps: Mapping[int, Step], day: date) -> None:
    """Tell owner, manager and finance what their customers are reminded of; rows carry `next_level`."""
    if not rows:
        return
    tenant_id = rows[0].tenant_id
    managers = managers_of({row.owner_id for row in rows if MANAGER in steps[row.next_level].to}, tenant_id)
    finance = list(Member.objects.of(tenant_id).filter(is_active=True, roles__contains=[Role.FINANCE]))
    told: dict[tuple, list] = defaultdict(list)
    for row in rows:
        for reader in _readers(row, steps[row.next_level].to, managers, finance):
            told[reader, row.account].append(row)
    notify_many([_notice(reader, those, steps, day) for (reader, _account), those in told.items()])


def _readers(row: Any, to: Sequence[str], managers: Mapping[int, list[Member]], finance: list[Member]) -> set[Member]:
    readers = {row.owner} if OWNER in to else set()
    readers |= set(managers.get(row.owner_id, ())) if MANAGER in to else set()
    return readers | (set(finance) if FINANCE in to else set())


def managers_of(owners: Iterable[int], tenant_id: int) -> dict[int, list[Member]]:
    """Sales managers whose teams hold each owner; managers of the whole company only where there is none."""
    owners, found, general = set(owners), defaultdict(list), []
    if not owners:
        return {}
    for manager in Member.objects.of(tenant_id).filter(is_active=True, roles__contains=[Role.MANAGER]):
        covered = owners_covered(manager, "receivable.read")
        if covered is None:
            general.append(manager)
        for owner in owners & (covered or set()) - {manager.pk}:
            found[owner].append(manager)
    return {owner: found[owner] or general for owner in owners}


def _notice(reader: Member, rows: Sequence[Any], steps: Mapping[int, Step], day: date):
    """The highest level decides the words; the first receivable names the page."""
    rows = sorted(rows, key=lambda row: (-row.next_level, row.pk))
    first: Receivable = rows[0]
    return notice(
        reader, "dunning.reminded", subject=first, dedupe_key=f"dunning:{first.pk}:{first.dunning_cycle}:{day}",
        customer=first.account.name, count=len(rows), amount=_amount(rows), level=rows[0].next_level,
        days=max((day - row.due_date).days for row in rows),
        letter=any(CUSTOMER in steps[row.next_level].to for row in rows),
    )  # fmt: skip


def _amount(rows: Sequence[Any]) -> str:
    sums: dict[str, Any] = defaultdict(int)
    for row in rows:
        sums[row.currency] += row.balance
    return " + ".join(f"{amount:,.2f} {currency}" for currency, amount in sorted(sums.items()))


@kind("dunning.reminded")
def reminded(notice) -> Text:
    """The owner's warning before the customer hears of it, and the escalation to manager and finance."""
    level, says = notice.params["level"], {**notice.params, "level": Level(notice.params["level"]).label}
    if level == Level.LEGAL:
        title = _("%(customer)s: %(amount)s is %(days)s days overdue. A legal step waits for your decision") % says
    elif notice.params["days"] > 0:
        title = _("%(customer)s: %(amount)s is %(days)s days overdue (%(level)s)") % says
    elif notice.params["days"] == 0:
        title = _("%(customer)s: %(amount)s is due today") % says
    else:
        title = _("%(customer)s: %(amount)s is due in %(in)s days") % {**says, "in": -notice.params["days"]}
    body = _("The customer gets a mail in some hours. A promise or a dispute noted before then stops it.")
    return Text(title, body if notice.params["letter"] else "", _page(notice))


def _page(notice) -> str:
    return reverse("receivables:detail", kwargs={"tenant": notice.tenant.slug, "pk": notice.subject_id})
