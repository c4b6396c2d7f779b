"""The menus of orders, handovers and renewals, and the words their history uses."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.core.web.navigation import Entry, Group, register

from .actions.handover import waiting

WORDS = {
    "contract.offered": _("Handed over to delivery"),
    "contract.taken_over": _("Taken over by delivery"),
    "contract.given_back": _("Given back by delivery"),
    "contract.renewal_begun": _("Renewal drafted"),
    "order.cancelled": _("Cancelled"),
    "order.completed": _("Completed"),
    "batch.shipped": _("Shipped"),
    "batch.delivered": _("Delivered"),
    "batch.accepted": pgettext_lazy("delivery", "Accepted"),
    "batch.rejected": pgettext_lazy("delivery", "Rejected"),
    "batch.reworked": _("Planned again"),
    "renewal.assessed": _("Assessed"),
    "renewal.lost": pgettext_lazy("renewal", "Lost"),
    "renewal.reopened": _("Taken up again"),
}
READERS = frozenset({"rep", "manager", "presales", "finance", "legal", "admin"})


def register_menus() -> None:
    group = Group.CONTRACTS
    register(Entry("orders", _("Orders"), "orders:list", "package", READERS, order=56, group=group))
    register(
        Entry("handovers", _("Handovers"), "orders:handovers", "inbox", frozenset({"presales", "manager"}), order=57,
              count=waiting, group=group)
    )  # fmt: skip
    register(
        Entry("renewals", _("Renewals"), "orders:renewals", "rotate", frozenset({"rep", "manager"}), order=58,
              group=group)
    )  # fmt: skip
