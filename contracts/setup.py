"""What this app tells the floor when the product starts: menus, panels, approvals, holdings, timeline words."""

from django.utils.translation import gettext_lazy as _


def prices() -> None:
    """Tax codes and price lists."""
    from crm.core.activities import timeline
    from crm.core.company import holdings
    from crm.core.web.navigation import Entry, register

    from .actions import prices as actions

    holdings.on_founding += [actions.start_tax_codes, actions.start_price_list]
    timeline.verbs({"pricelist.price_removed": _("A product was taken off the list")})
    keepers, group = frozenset({"finance", "admin"}), _("Settings")
    register(Entry("prices", _("Price lists"), "prices:lists", "tag", roles=keepers, order=842, group=group))
    register(Entry("tax_codes", _("Tax rates"), "prices:tax_codes", "coin", roles=keepers, order=844, group=group))


def quotes() -> None:
    """Quotes."""


def contracts() -> None:
    """Contracts and their changes."""


def orders() -> None:
    """Orders, batches, handover, renewals."""
