"""The verbs of orders, deliveries and handovers as pages offer them: who may, when, with which questions."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.core.people.models import Member
from crm.core.people.reach import may

from . import order_forms as forms
from .actions import batches, contracts, handover, orders
from .models import Batch, Contract, Order
from .order_forms import Asked

PLANNED, SHIPPED, DELIVERED, _ACCEPTED, REJECTED = Batch.Status.values
Handover = Contract.Handover


def _nothing(record) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Verb:
    """`start` gives the form its first values, `asked` the lines of which it asks quantities."""

    key: str
    label: str | Promise
    act: Callable
    form: type[forms.VerbForm]
    fits: Callable[[Any, Member], bool]
    icon: str
    kind: str = ""
    explains: str | Promise = ""
    start: Callable[[Any], dict] = _nothing
    asked: Callable[[Any], Iterable[Asked]] | None = None

    def bound(self, record, member: Member, data=None, files=None) -> forms.VerbForm:
        """The form of the verb for a record, empty or with what was typed."""
        more = {"asked": self.asked(record)} if self.asked else {}
        start = {"version": record.version, **self.start(record)}
        return self.form(data, files, member=member, initial=start, **more)


def offered(verbs: dict[str, Verb], record, member: Member) -> list[Verb]:
    """The verbs that fit the record now."""
    return [verb for verb in verbs.values() if verb.fits(record, member)]


def _batch(*states: str) -> Callable[[Batch, Member], bool]:
    return lambda batch, member: batch.status in states and may(member, "batch.record", batch)


def _today(batch: Batch) -> dict:
    return {"on": batch.tenant.today()}


def _accepting(batch: Batch) -> dict:
    """The last delivery of an order is its final acceptance, unless said otherwise."""
    left = any(batches.unplanned(batch.order).values())
    others = batch.order.batches.exclude(pk=batch.pk).exclude(status=Batch.Status.ACCEPTED).exists()
    return {**_today(batch), "is_final": batch.is_final or not (left or others)}


def _lines(column: str, limited: bool = True) -> Callable[[Batch], list[Asked]]:
    def asked(batch: Batch) -> list[Asked]:
        rows = batch.lines.select_related("order_line__contract_line__product").order_by("order_line_id")
        return [_asked(row, getattr(row, column), limited) for row in rows]

    return asked


def _asked(row, known, limited: bool) -> Asked:
    most = known if limited else row.order_line.room
    start = min(known, most)
    return Asked(row.order_line_id, str(row.order_line), start, _hint(most), most)


def _hint(most) -> str:
    return _now("up to %(quantity)s") % {"quantity": forms.plain(most)}


BATCH = {
    verb.key: verb
    for verb in (
        Verb("ship", _("Ship"), batches.ship, forms.ShipForm, _batch(PLANNED), "package", "primary",
             _("It has left for the customer."), lambda batch: {**_today(batch), "delivery_note": batch.delivery_note},
             _lines("quantity", limited=False)),
        Verb("deliver", _("Deliver"), batches.deliver, forms.DeliverForm, _batch(SHIPPED), "map-pin", "primary",
             _("It has arrived. What did not arrive may be shipped again."), _today, _lines("shipped")),
        Verb("accept", pgettext_lazy("delivery", "Accept"), batches.accept, forms.AcceptForm, _batch(DELIVERED),
             "check", "primary", _("The customer took it. What was not accepted goes back and may be shipped again."),
             _accepting, _lines("delivered")),
        Verb("reject", pgettext_lazy("delivery", "Reject"), batches.reject, forms.RejectForm, _batch(DELIVERED),
             "thumb-down", "", _("The customer took nothing of it."), _today),
        Verb("rework", _("Rework"), batches.rework, forms.ReworkForm, _batch(REJECTED), "rotate", "primary",
             _("Plan it again; it is shipped afresh.")),
    )
}  # fmt: skip


def _open(order: Order, member: Member) -> bool:
    return order.status == Order.Status.OPEN and may(member, "order.create", order.contract)


def _is_accepted(order: Order, member: Member) -> bool:
    done = all(line.accepted >= line.quantity for line in order.lines.all())
    return done and order.status == Order.Status.OPEN and may(member, "batch.record", order)


def _is_untouched(order: Order, member: Member) -> bool:
    return _open(order, member) and not any(line.shipped for line in order.lines.all())


ORDER = {
    verb.key: verb
    for verb in (
        Verb("complete", _("Complete"), orders.complete_order, forms.VerbForm, _is_accepted, "circle-check", "primary",
             _("Everything of this order has been accepted.")),
        Verb("cancel", _("Cancel the order"), orders.cancel_order, forms.ReasonForm, _is_untouched, "ban", "",
             _("Its quantities go back to the contract and can be ordered again.")),
    )
}  # fmt: skip


def _offers(contract: Contract, member: Member) -> bool:
    return (
        contract.status in handover.OFFERED_IN
        and contract.handover != Handover.ACCEPTED
        and may(member, "contract.update", contract)
    )


def _decides(contract: Contract, member: Member) -> bool:
    manager = contract.delivery_manager
    return contract.handover == Handover.PENDING and manager is not None and may(member, handover.DECIDES, manager)


def _starts(contract: Contract, member: Member) -> bool:
    ready = contract.status == Contract.Status.EFFECTIVE and contract.handover == Handover.ACCEPTED
    return ready and may(member, "batch.record", contract)


HANDOVER = {
    verb.key: verb
    for verb in (
        Verb("accept", _("Take over"), handover.accept, forms.VerbForm, _decides, "check", "primary",
             _("You take the contract over for delivery.")),
        Verb("give-back", _("Give back"), handover.give_back, forms.ReasonForm, _decides, "arrow-back-up", "",
             _("It goes back to sales with your reason.")),
        Verb("offer", _("Hand over to delivery"), handover.offer, forms.OfferForm, _offers, "send", "",
             _("Who is asked sees the contract, and accepts it or gives it back."),
             lambda contract: {"to": contract.delivery_manager_id}),
        Verb("start", _("Start the work"), contracts.start_performing, forms.VerbForm, _starts, "player-play",
             "primary", _("The contract is being performed from now on. The first shipment says so by itself.")),
    )
}  # fmt: skip
