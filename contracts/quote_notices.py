"""What people are told about quotes, and in which words."""

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from contracts.models import Quote
from crm.core import records
from crm.core.company.actions import system_member
from crm.core.events.models import Event
from crm.core.events.outbox import on
from crm.core.notifications.actions import notify
from crm.core.notifications.texts import Text, kind
from opportunities.models import Opportunity

# Verb of an Event → words of the timeline.
WORDS = {
    "quote.priced": gettext_lazy("Amounts worked out"),
    "quote.lines_replaced": gettext_lazy("Lines changed"),
    "quote.cleared": gettext_lazy("Ready: within the floors"),
    "quote.submitted": gettext_lazy("Submitted for approval"),
    "quote.approved": gettext_lazy("Approved"),
    "quote.rejected": gettext_lazy("Rejected"),
    "quote.returned": gettext_lazy("Returned"),
    "quote.withdrawn": gettext_lazy("Withdrawn"),
    "quote.reopened": gettext_lazy("Back to a draft"),
    "quote.sent": gettext_lazy("Sent to the customer"),
    "quote.accepted": pgettext_lazy("quote", "Accepted by the customer"),
    "quote.declined": pgettext_lazy("quote", "Declined by the customer"),
    "quote.superseded": gettext_lazy("Replaced by a new version"),
}


@on("opportunity.transferred")
def follow_the_deal(event: Event) -> None:
    """Quotes belong to whoever has the deal."""
    deal = Opportunity.objects.of(event.tenant_id).select_related("owner").get(pk=event.subject_id)
    system = system_member(event.tenant_id)
    for quote in Quote.objects.of(event.tenant_id).filter(opportunity=deal).order_by("pk"):
        records.update(quote, by=system, verb="carried", owner=deal.owner)


@on("quote.accepted", "quote.declined")
def tell_owner(event: Event) -> None:
    """The owner hears what the customer answered, unless he wrote it down himself."""
    quote = Quote.objects.of(event.tenant_id).select_related("owner", "account").get(pk=event.subject_id)
    if quote.owner_id != event.actor_id:
        notify(
            quote.owner, event.kind, subject=quote, dedupe_key=f"{event.kind}:{event.pk}", quote=str(quote),
            account=quote.account.name, name=quote.accepted_name, grounds=quote.declined_grounds,
        )  # fmt: skip


def _page(notice) -> str:
    return reverse("quotes:detail", kwargs={"tenant": notice.tenant.slug, "pk": notice.subject_id})


@kind("quote.accepted")
def accepted(notice) -> Text:
    title = _("%(account)s accepted the quote %(quote)s") % notice.params
    return Text(title, _("Accepted by %(name)s. Make the contract of it.") % notice.params, _page(notice))


@kind("quote.declined")
def declined(notice) -> Text:
    return Text(_("%(account)s declined the quote %(quote)s") % notice.params, notice.params["grounds"], _page(notice))
