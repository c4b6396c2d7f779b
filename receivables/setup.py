"""What this app tells the floor and the contracts when the product starts."""

from django.utils.translation import gettext_lazy as _


def receivables() -> None:
    """Plans and receivables, and what contracts do to them."""
    from contracts import effects

    from .following import Receivables

    effects.register(Receivables())


def invoices() -> None:
    """Invoices and requests for them."""


def desk() -> None:
    """Bank accounts, statements, receipts, the reconcile desk."""


def closing() -> None:
    """Refunds, write-offs, periods, provisions."""
    from crm.core.approvals import subjects

    from .decisions import REFUND, WRITE_OFF

    subjects.register(REFUND)
    subjects.register(WRITE_OFF)


def reports() -> None:
    """Ageing, DSO, collection rate, statements of account."""


def dunning() -> None:
    """Reminders, promises, disputes."""
    from contracts import effects
    from crm.core.approvals import subjects
    from crm.core.company import holdings
    from crm.core.web import navigation, panels

    from . import dunning_jobs, dunning_notices  # noqa: F401  (register the jobs and the words)
    from .actions.dunning import found_policy
    from .actions.holds import HoldFollower
    from .dunning_decisions import LEGAL_STEP, RELEASE

    holdings.on_founding.append(found_policy)
    effects.register(HoldFollower())
    subjects.register(RELEASE)
    subjects.register(LEGAL_STEP)
    money = _("Money")
    navigation.register(
        navigation.Entry("dunning", _("Reminders"), "dunning:preview", "bell", roles=frozenset({"finance"}), order=66,
                         group=money)
    )  # fmt: skip
    promises = navigation.Entry("promises", _("Promises to pay"), "dunning:promises", "calendar-event",
                                roles=frozenset({"rep", "manager"}), order=67, group=money)  # fmt: skip
    navigation.register(promises)
    panel = panels.Panel("dunning", _("Reminders and promises"), "dunning:panel", "receivable.read", order=60)
    panels.register("receivables.receivable", panel)


def cash() -> None:
    """The cash calendar."""
