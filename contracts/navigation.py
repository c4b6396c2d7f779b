"""The menus of contracts, and the words their history uses."""

from django.utils.translation import gettext_lazy as _

from crm.core.web import panels
from crm.core.web.navigation import Entry, Group, register

READERS = frozenset({"rep", "manager", "admin", "presales", "finance", "legal"})
KEEPERS = frozenset({"legal", "admin"})

WORDS = {
    f"contract.{verb}": words
    for verb, words in (
        ("priced", _("Lines changed")), ("lines_replaced", _("Lines replaced")), ("submitted", _("Sent for approval")),
        ("approved", _("Approved")), ("rejected", _("Rejected")), ("returned", _("Returned")),
        ("withdrawn", _("Withdrawn")), ("taken_back", _("Taken back to the draft")), ("signed", _("Signed")),
        ("activated", _("In force")), ("performing", _("Work began")), ("completed", _("Completed")),
        ("closed", _("Closed")), ("expired", _("Expired")), ("terminated", _("Terminated")),
        ("changed", _("Changed by a change order")), ("clauses_settled", _("Clauses settled")),
    )
}  # fmt: skip
WORDS |= {
    "opportunity.won_by_contract": _("Won by a contract"),
    "changeorder.submitted": _("Sent for approval"),
    "changeorder.applied": _("Applied"), "changeorder.approved": _("Approved"), "changeorder.voided": _("Void"),
    "changeorder.discarded": _("Discarded"), "changeorder.rejected": _("Rejected"),
    "changeorder.returned": _("Returned"), "changeorder.withdrawn": _("Withdrawn"),
}  # fmt: skip


def register_menus() -> None:
    register(
        Entry("contracts", _("Contracts"), "contracts:list", "file-text", READERS, order=55, group=Group.CONTRACTS)
    )
    register(Entry("contract_templates", _("Contract templates"), "contracts:templates", "file-text", roles=KEEPERS,
                   order=846, group=Group.SETTINGS))  # fmt: skip


def register_panels() -> None:
    """Contracts on the pages of their customer and their deal."""
    title = _("Contracts")
    panels.register("accounts.account", panels.Panel("contracts", title, "contracts:of_account", "contract.read", 10))
    panels.register(
        "opportunities.opportunity",
        panels.Panel("contracts", title, "contracts:of_opportunity", "contract.read", 15),
    )
