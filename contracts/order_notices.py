"""What people are told about handovers and renewals, and in which words."""

from datetime import date

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.core.events.models import Event
from crm.core.events.outbox import on
from crm.core.notifications.actions import notify
from crm.core.notifications.texts import Text, kind

from .models import Contract
from .renewal_jobs import KIND as RENEWAL_DUE


@on("contract.offered")
def tell_delivery(event: Event) -> None:
    """Who shall deliver it hears that it waits for him."""
    contract = _contract(event)
    if contract and contract.delivery_manager_id != event.actor_id:
        _tell(contract.delivery_manager, contract, event)


@on("contract.taken_over", "contract.given_back")
def tell_sales(event: Event) -> None:
    """The owner hears what delivery decided."""
    contract = _contract(event)
    if contract and contract.owner_id != event.actor_id:
        _tell(contract.owner, contract, event)


def _contract(event: Event) -> Contract | None:
    rows = Contract.objects.of(event.tenant_id).select_related("owner", "delivery_manager")
    return rows.filter(pk=event.subject_id).first()


def _tell(recipient, contract: Contract, event: Event) -> None:
    key = f"{event.kind}:{event.pk}"
    by = event.actor.name if event.actor else ""
    notify(recipient, event.kind, subject=contract, dedupe_key=key, contract=str(contract), by=by, reason=event.reason)


def _page(notice) -> str:
    return reverse("contracts:detail", kwargs={"tenant": notice.tenant.slug, "pk": notice.subject_id})


@kind("contract.offered")
def offered(notice) -> Text:
    url = reverse("orders:handovers", kwargs={"tenant": notice.tenant.slug})
    return Text(_("%(by)s offers you “%(contract)s” for delivery") % notice.params, url=url)


@kind("contract.taken_over")
def taken_over(notice) -> Text:
    return Text(_("%(by)s took “%(contract)s” over for delivery") % notice.params, url=_page(notice))


@kind("contract.given_back")
def given_back(notice) -> Text:
    return Text(_("%(by)s gave “%(contract)s” back") % notice.params, notice.params["reason"], _page(notice))


@kind(RENEWAL_DUE)
def renewal_due(notice) -> Text:
    end = date_format(date.fromisoformat(notice.params["end"]), "SHORT_DATE_FORMAT")
    days = notice.params["days"]
    left = ngettext("%(days)d day left", "%(days)d days left", days) % {"days": days}
    url = reverse("orders:renewals", kwargs={"tenant": notice.tenant.slug})
    return Text(
        _("“%(contract)s” of %(customer)s ends on %(end)s") % {**notice.params, "end": end},
        _("%(left)s. Renew it, or say why it is lost.") % {"left": left}, url,
    )  # fmt: skip
