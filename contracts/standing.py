"""What contracts answer when others ask: what a member still holds, whether a won deal may be opened again."""

from django.utils.translation import gettext_lazy as _

from contracts.models import Contract
from crm.core.people.models import Member
from opportunities.models import Opportunity

Status = Contract.Status
OVER = (Status.CLOSED, Status.TERMINATED, Status.EXPIRED)
BEFORE = (Status.DRAFT, Status.IN_APPROVAL, Status.APPROVED, Status.SIGNED)


def live_contracts(member: Member):
    return _("contracts"), Contract.objects.of(member.tenant_id).filter(owner=member).exclude(status__in=OVER).count()


def holds_opportunity(opportunity: Opportunity) -> str:
    """A won deal stays won while a contract of it is, or was, in force (domain.md 4.4)."""
    in_force = opportunity.contracts.exclude(status__in=(*BEFORE, Status.TERMINATED)).first()
    return str(_("Contract %(number)s of this deal is in force.") % {"number": in_force.number}) if in_force else ""
