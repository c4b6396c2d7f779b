"""What this app tells the floor and the contracts when the product starts."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


def receivables() -> None:
    """Plans and receivables, and what contracts do to them."""
    from contracts import effects
    from crm.core.activities import timeline
    from crm.core.company import holdings
    from crm.core.identity import subjects
    from crm.core.web import navigation, panels

    from . import verifier  # noqa: F401  (registers the nightly check and its words)
    from .following import Receivables
    from .models import Receivable

    effects.register(Receivables())
    holdings.keep_money.append(lambda tenant: Receivable.objects.of(tenant).exists())
    subjects.register(Receivable, search=("number",), url_name="receivables:detail", icon="coin")
    timeline.verbs(
        {f"receivable.{verb}": words for verb, words in (
            ("opened", _("Receivable opened")), ("triggered", _("Falls due now")), ("invoiced", _("Invoiced")),
            ("red_requested", _("Red invoice asked for")), ("red_invoiced", _("Red invoice issued")),
            ("red_given_up", _("Red invoice given up")), ("invoice_voided", _("Invoice voided")),
            ("superseded", _("Plan given up")), ("allocated", _("Money allocated")),
            ("unallocated", _("Allocation taken back")),
        )}
    )  # fmt: skip
    for subject in ("contracts.contract", "accounts.account", "opportunities.opportunity"):
        url_name = f"receivables:{subject.split('.')[1]}_panel"
        panels.register(subject, panels.Panel("receivables", _("Receivables"), url_name, "receivable.read", order=20))
    label, group = _("Receivables"), navigation.Group.MONEY
    for entry in (
        navigation.Entry("receivables", label, "receivables:list", "calendar-due",
                         frozenset({"rep", "manager", "finance"}), order=61, group=group),
        navigation.Entry("receivables", label, "receivables:list", "calendar-due", frozenset({"finance"}),
                         place="bottom", order=15),
    ):  # fmt: skip
        navigation.register(entry)


def invoices() -> None:
    """Invoices and requests for them."""
    from crm.core.activities import timeline
    from crm.core.identity import subjects
    from crm.core.web import navigation, panels

    from .actions import reds  # noqa: F401  (registers the end of the 72 hours)
    from .models import Invoice, InvoiceRequest

    subjects.register(Invoice, search=("number",), url_name="invoices:detail", icon="file-text")
    timeline.verbs({"invoice.issued": _("Invoice issued"), "invoice.voided": _("Invoice voided")})
    panels.register(
        "contracts.contract",
        panels.Panel("invoices", _("Invoices"), "invoices:contract_panel", "invoice.read", order=30),
    )

    def waiting(member) -> int:
        return InvoiceRequest.objects.of(member.tenant_id).filter(status__in=InvoiceRequest.WAITING).count()

    people, money = frozenset({"rep", "manager", "finance"}), navigation.Group.MONEY
    navigation.register(
        navigation.Entry("invoices", _("Invoices"), "invoices:list", "file-text", people, order=62, group=money)
    )
    navigation.register(
        navigation.Entry("invoice_requests", _("To invoice"), "invoices:requests", "inbox", frozenset({"finance"}),
                         order=63, group=money, count=waiting)
    )  # fmt: skip


def desk() -> None:
    """Bank accounts, statements, receipts, the reconcile desk."""
    from crm.core.activities import timeline
    from crm.core.identity import subjects
    from crm.core.web.navigation import Entry, Group, register

    from . import desk_jobs  # noqa: F401  (registers what follows an import)
    from .actions import advances  # noqa: F401  (registers the job of advances)
    from .models import Receipt

    finance, readers = frozenset({"finance"}), frozenset({"rep", "manager", "finance"})
    entries = (
        Entry("reconcile", _("Reconcile"), "desk:desk", "arrows-exchange", finance, order=60, group=Group.MONEY),
        Entry("receipts", _("Receipts"), "desk:receipts", "coin", readers, order=64, group=Group.MONEY),
        Entry("bank", _("Bank accounts"), "desk:accounts", "building", finance, order=845, group=Group.SETTINGS),
    )
    for entry in entries:
        register(entry)
    register(Entry("reconcile", _("Reconcile"), "desk:desk", "arrows-exchange", finance, place="bottom", order=10))
    register(Entry("receipt", _("Receipt"), "desk:create_receipt", "inbox", finance, place="create", order=70))
    subjects.register(Receipt, url_name="desk:receipt", icon="inbox")
    timeline.verbs(
        {f"receipt.{verb}": words for verb, words in (
            ("posted", _("Receipt posted")), ("reversed", _("Receipt reversed")), ("allocated", _("Money allocated")),
            ("unallocated", _("Allocation taken back")), ("reserved", _("Reserved for refund")),
            ("released", _("Reserve released")), ("refunded", _("Refunded")),
        )}
        | {"receivable.rounded": _("Small difference dropped"), "statementfile.imported": _("Statement imported")}
    )  # fmt: skip


def closing() -> None:
    """Refunds, write-offs, periods, provisions."""
    from crm.core.approvals import subjects
    from crm.core.web import panels
    from crm.core.web.navigation import Entry, Group, register

    from .decisions import REFUND, WRITE_OFF

    subjects.register(REFUND)
    subjects.register(WRITE_OFF)
    closing, legal = Group.CLOSING, frozenset({"finance", "legal"})
    sales = frozenset({"rep", "manager"})
    for entry in (
        Entry("refunds", _("Refunds"), "closing:refunds", "arrow-back-up", legal | sales, order=70, group=closing),
        Entry("write_offs", _("Write-offs"), "closing:write_offs", "circle-x", legal, order=71, group=closing),
        Entry("periods", _("Accounting periods"), "closing:periods", "lock", legal | {"admin"}, order=72,
              group=closing),
        Entry("provisions", _("Provisions"), "closing:provisions", "adjustments-horizontal", legal, order=73,
              group=closing),
    ):  # fmt: skip
        register(entry)
    losses = panels.Panel("write_offs", _("Write-offs"), "closing:receivable_panel", "write_off.read", order=70)
    panels.register("receivables.receivable", losses)
    given_back = panels.Panel("refunds", _("Refunds"), "closing:receipt_panel", "refund.read", order=70)
    panels.register("receivables.receipt", given_back)
    credit = panels.Panel("credit", _("Credit"), "closing:credit_panel", "receivable.read", order=15)
    panels.register("accounts.account", credit)


def reports() -> None:
    """Ageing, DSO, collection rate, statements of account."""
    from crm.core.web.navigation import Entry, Group, register

    readers = frozenset({"rep", "manager", "finance", "legal"})
    money = Group.MONEY
    register(Entry("ageing", _("Ageing"), "ageing:table", "table", roles=readers, order=65, group=money))
    register(
        Entry("statements", _("Customer statements"), "ageing:statements", "send", roles=readers - {"legal"}, order=68,
              group=money)
    )  # fmt: skip


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
    money = navigation.Group.MONEY
    navigation.register(
        navigation.Entry("dunning", pgettext_lazy("dunning", "Reminders"), "dunning:preview", "bell", order=66,
                         group=money, roles=frozenset({"finance"}))
    )  # fmt: skip
    promises = navigation.Entry("promises", _("Promises to pay"), "dunning:promises", "calendar-event",
                                roles=frozenset({"rep", "manager"}), order=67, group=money)  # fmt: skip
    navigation.register(promises)
    panel = panels.Panel("dunning", _("Reminders and promises"), "dunning:panel", "receivable.read", order=60)
    panels.register("receivables.receivable", panel)


def cash() -> None:
    """The cash calendar."""
    from crm.core.web import navigation

    from . import cash_jobs  # noqa: F401  (registers the nightly job)

    navigation.register(
        navigation.Entry("cash", _("Cash calendar"), "cash:calendar", "calendar", order=69,
                         group=navigation.Group.MONEY, roles=frozenset({"rep", "manager", "finance"}))
    )  # fmt: skip
