"""What people are told about their leads, and in which words."""

from datetime import date

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from crm.core.events.models import Event
from crm.core.events.outbox import on
from crm.core.notifications.actions import notify
from crm.core.notifications.texts import Text, kind
from crm.core.people.models import Member
from crm.core.pools.clock import RULES

from .models import Lead


@on("lead.assigned", "lead.transferred", "lead.touched")
def tell_owner(event: Event) -> None:
    """The owner hears of a lead that somebody gave him, and of a new enquiry about it."""
    lead = _lead(event)
    if lead and lead.owner and lead.owner_id != event.actor_id:
        verb = "touched" if event.kind == "lead.touched" else "assigned"
        _tell(lead.owner, f"lead.{verb}", lead, event)


@on("lead.reclaimed", "lead.transferred")
def tell_former_owner(event: Event) -> None:
    """Who held the lead hears that somebody else took it away."""
    lead, former = _lead(event), event.changes.get("owner", [None])[0]
    if lead and former and former != event.actor_id:
        _tell(Member.objects.of(event.tenant_id).get(pk=former), "lead.taken", lead, event)


def _lead(event: Event) -> Lead | None:
    return Lead.objects.of(event.tenant_id).select_related("owner").filter(pk=event.subject_id).first()


def _tell(recipient: Member, name: str, lead: Lead, event: Event) -> None:
    by = event.actor.name if event.actor else ""
    key = f"{name}:{event.pk}"
    notify(recipient, name, subject=lead, dedupe_key=key, lead=lead.name, by=by, reason=event.reason)


def _page(notice) -> str:
    return reverse("leads:detail", kwargs={"tenant": notice.tenant.slug, "pk": notice.subject_id})


def _rule(notice) -> dict:
    """The words of the rule that the notice names."""
    rule = next(rule for rule in RULES if rule.key == notice.params["rule"])
    return {**notice.params, "rule": rule.label, "resets": rule.resets}


@kind("lead.assigned")
def assigned(notice) -> Text:
    return Text(_("%(by)s gave you the lead “%(lead)s”") % notice.params, notice.params["reason"], _page(notice))


@kind("lead.touched")
def touched(notice) -> Text:
    return Text(
        _("“%(lead)s” has asked again") % notice.params,
        _("A new enquiry was added to your lead. Get in touch soon."),
        _page(notice),
    )


@kind("lead.taken")
def taken(notice) -> Text:
    return Text(_("%(by)s took over your lead “%(lead)s”") % notice.params, notice.params["reason"])


@kind("lead.reminder")
def reminder(notice) -> Text:
    day = date_format(date.fromisoformat(notice.params["day"]), "SHORT_DATE_FORMAT")
    return Text(
        _("“%(lead)s” goes back to the pool on %(day)s") % {**notice.params, "day": day},
        _("Reason: %(days)s %(rule)s. What keeps it: %(resets)s.") % _rule(notice),
        _page(notice),
    )


@kind("lead.recycled")
def recycled(notice) -> Text:
    return Text(
        _("“%(lead)s” went back to the pool “%(pool)s”") % notice.params,
        _("Reason: %(days)s %(rule)s.") % _rule(notice),
    )
