"""What this app tells the floor when the product starts: menus, panels, approvals, holdings, timeline words."""

from django.utils.translation import gettext_lazy as _


def prices() -> None:
    """Tax codes and price lists."""
    from crm.core.activities import timeline
    from crm.core.company import holdings
    from crm.core.web.navigation import Entry, Group, register

    from .actions import prices as actions

    holdings.on_founding += [actions.start_tax_codes, actions.start_price_list]
    timeline.verbs({"pricelist.price_removed": _("A product was taken off the list")})
    keepers, group = frozenset({"finance", "admin"}), Group.SETTINGS
    register(Entry("prices", _("Price lists"), "prices:lists", "tag", roles=keepers, order=842, group=group))
    register(Entry("tax_codes", _("Tax rates"), "prices:tax_codes", "coin", roles=keepers, order=844, group=group))


def quotes() -> None:
    """Quotes."""
    from crm.core.activities import timeline
    from crm.core.approvals import subjects as approvals
    from crm.core.identity import subjects as identity
    from crm.core.web import panels
    from crm.core.web.navigation import Entry, Group, register

    from . import quote_approval, quote_notices
    from .models import Quote

    approvals.register(quote_approval.subject())
    identity.register(Quote, search=("number", "title"), url_name="quotes:detail", icon="file-text")
    panels.register(
        "opportunities.opportunity", panels.Panel("quotes", _("Quotes"), "quotes:panel", "quote.read", order=10)
    )
    timeline.verbs(quote_notices.WORDS)
    readers = frozenset({"rep", "manager", "presales", "finance", "legal", "admin"})
    register(Entry("quotes", _("Quotes"), "quotes:list", "note", roles=readers, order=50, group=Group.CONTRACTS))


def contracts() -> None:
    """Contracts and their changes."""
    from crm.core.activities import timeline
    from crm.core.approvals import subjects as approvals
    from crm.core.company import holdings
    from crm.core.identity import subjects
    from opportunities import gates

    from . import jobs, navigation  # noqa: F401  (the daily job, the menus)
    from .decisions import CHANGE, CONTRACT
    from .models import Contract
    from .standing import holds_opportunity, live_contracts

    approvals.register(CONTRACT)
    approvals.register(CHANGE)
    holdings.register(live_contracts)
    holdings.keep_money.append(lambda tenant: Contract.objects.of(tenant).exists())
    gates.before_reopening(holds_opportunity)
    subjects.register(Contract, search=("number", "title"), url_name="contracts:detail", icon="file-text")
    timeline.verbs(navigation.WORDS)
    navigation.register_menus()
    navigation.register_panels()


def orders() -> None:
    """Orders, batches, handover, renewals."""
    from crm.core.activities import timeline
    from crm.core.identity import subjects
    from crm.core.web import panels

    from . import order_menus, order_notices, renewal_jobs  # noqa: F401  (they register themselves)
    from .models import Order

    subjects.register(Order, search=("number", "erp_ref"), url_name="orders:detail", icon="package")
    timeline.verbs(order_menus.WORDS)
    panels.register(
        "contracts.contract", panels.Panel("delivery", _("Delivery"), "orders:panel", "contract.read", order=20)
    )
    order_menus.register_menus()
