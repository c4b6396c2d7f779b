"""The first steps of an empty company: shown until each is done."""

from dataclasses import dataclass

from django.db.models import Exists, Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from crm.core.people.models import Member
from crm.core.people.reach import may
from crm.core.tenancy.models import Tenant
from leads.models import Lead
from opportunities.models import Opportunity


@dataclass(frozen=True)
class Step:
    """One thing to do first, the page where it is done, and whether it is done."""

    key: str
    title: str | Promise
    why: str | Promise
    url: str
    icon: str
    done: bool


def is_in_use(member: Member) -> bool:
    """Whether the member's funnel has something to show."""
    return Opportunity.objects.visible_to(member).exists()


def steps(member: Member) -> list[Step]:
    """What is left to do in a company that just began; empty for everybody else, and when all is done."""
    if not may(member, "member.manage"):
        return []
    found = _all(member)
    return [] if all(step.done for step in found) else found


def _page(member: Member, name: str) -> str:
    return reverse(name, kwargs={"tenant": member.tenant.slug})


def _all(member: Member) -> list[Step]:
    done = _done(member)
    return [
        Step(
            "invite", _("Invite your colleagues"), _("Each gets a link by mail and sees what their role allows."),
            _page(member, "settings:invite"), "user-plus", done["colleagues"],
        ),
        Step(
            "import", _("Bring your customers"), _("From a spreadsheet, with a dry run before anything is saved."),
            _page(member, "imports:upload"), "file-import", done["accounts"],
        ),
        Step(
            "lead", _("Add the first lead"), _("An enquiry that nobody has checked yet."),
            _page(member, "leads:create"), "user-search", done["leads"],
        ),
        Step(
            "opportunity", _("Open the first opportunity"), _("It moves through the stages and feeds the funnel."),
            _page(member, "opportunities:create"), "briefcase", done["opportunities"],
        ),
    ]  # fmt: skip


def _done(member: Member) -> dict[str, bool]:
    """In one statement."""
    of = {
        "colleagues": Member.objects.of(member.tenant_id).filter(~Q(pk=member.pk), is_system=False),
        "accounts": Account.objects.of(member.tenant_id),
        "leads": Lead.objects.of(member.tenant_id),
        "opportunities": Opportunity.objects.of(member.tenant_id),
    }
    row = Tenant.objects.filter(pk=member.tenant_id).values(**{name: Exists(rows) for name, rows in of.items()})
    return row.get()
