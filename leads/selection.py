"""Which leads a member may try to claim, by the ids that a list sent."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from crm.core.people.reach import require
from crm.core.pools.models import Pool

from .models import Lead


def claimable(member):
    """Visible leads, and those of the member's pools that others hold by now: claiming these says who was faster."""
    require(member, "lead.claim")
    pools = list(Pool.objects.of(member.tenant_id).open_to(member).values_list("pk", flat=True))
    rows = Lead.objects.of(member.tenant_id).filter(Lead.visible_q(member)) | Lead.objects.of(member.tenant_id).filter(
        home_pool__in=pools
    )
    return rows.select_related("owner", "pool__tenant", "home_pool__tenant", "previous_owner")


def chosen_leads(ids: Iterable, member) -> list[Lead]:
    """The claimable leads with these ids, in their order. ValidationError for ids that are none."""
    wanted = [int(pk) for pk in ids if str(pk).isascii() and str(pk).isdigit() and len(str(pk)) <= 18]
    if len(wanted) != len(list(ids)):
        raise ValidationError({"ids": _("Choose leads from the list.")})
    found = {lead.pk: lead for lead in claimable(member).filter(pk__in=wanted)}
    if missing := set(wanted) - set(found):
        raise ValidationError(
            {"ids": _("These leads are not there any more: %(ids)s.") % {"ids": ", ".join(map(str, sorted(missing)))}}
        )
    return [found[pk] for pk in dict.fromkeys(wanted)]
