"""The verbs of contracts and changes as pages offer them: who may, when, with which questions."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contracts.actions import changes, contracts
from contracts.forms.contracts import ContractVerbForm, GroundsForm, HandToForm, SignForm, WhyForm
from contracts.models import ChangeOrder, Contract
from crm.core.people.models import Member
from crm.core.people.reach import may

Status, Changing = Contract.Status, ChangeOrder.Status


@dataclass(frozen=True)
class Verb:
    key: str
    label: str | Promise
    icon: str
    act: Callable
    permission: str
    states: tuple[str, ...]
    form: type[ContractVerbForm] = ContractVerbForm
    kind: str = ""
    explains: str | Promise = ""

    def fits(self, record, member: Member) -> bool:
        if self.key == "perform" and record.handover != Contract.Handover.ACCEPTED:
            return False
        return record.status in self.states and may(member, self.permission, record)


def _again(change: ChangeOrder, *, by: Member, expected: int | None = None) -> ChangeOrder:
    return changes.draft_again(change, by=by)


def _transfer(contract: Contract, *, by: Member, expected: int | None = None, **values) -> Contract:
    return contracts.transfer_contract(contract, by=by, **values)


CONTRACT = {
    verb.key: verb
    for verb in (
        Verb("submit", _("Send for approval"), "send", contracts.submit_contract, "contract.update", (Status.DRAFT,),
             GroundsForm, "primary", _("The contract is locked until people have decided.")),
        Verb("sign", _("Mark as signed"), "pencil", contracts.sign_contract, "contract.sign", (Status.APPROVED,),
             SignForm, "primary", _("Both sides have signed. The file is kept with its fingerprint.")),
        Verb("activate", _("Bring into force"), "check", contracts.activate, "contract.sign", (Status.SIGNED,),
             kind="primary", explains=_("Version 1 is kept for good. The deal is won and the customer is active.")),
        Verb("perform", _("Begin work"), "player-play", contracts.start_performing, "batch.record",
             (Status.EFFECTIVE,), kind="primary", explains=_("Delivery has accepted the handover.")),
        Verb("complete", _("Complete"), "check", contracts.complete, "contract.complete", (Status.PERFORMING,),
             explains=_("Everything is delivered. A fixed amount must have been ordered in full.")),
        Verb("close", _("Close"), "lock", contracts.close, "contract.complete",
             (Status.COMPLETED, Status.EXPIRED, Status.TERMINATED), explains=_("Nothing is left to do or to collect.")),
        Verb("take-back", _("Take back"), "arrow-back-up", contracts.take_back, "contract.update", (Status.APPROVED,),
             WhyForm, "", _("It becomes a draft again and must be approved anew.")),
        Verb("transfer", _("Hand over"), "arrows-exchange", _transfer, "contract.update",
             tuple(state for state in Status.values if state not in (Status.IN_APPROVAL, Status.CLOSED)), HandToForm),
    )
}  # fmt: skip

CHANGE = {
    verb.key: verb
    for verb in (
        Verb("submit", _("Send for approval"), "send", changes.submit_change, "change.create", (Changing.DRAFT,),
             kind="primary", explains=_("One decision applies the change to the contract, the receivables and the "
                                        "invoices at once.")),
        Verb("discard", _("Discard"), "trash", changes.discard, "change.create", (Changing.DRAFT,),
             explains=_("The draft is put away. Nothing else changes.")),
        Verb("again", _("Draft again"), "rotate", _again, "change.create", (Changing.VOID,),
             kind="primary", explains=_("The same differences, on the contract as it stands now.")),
    )
}  # fmt: skip


def offered(verbs: dict[str, Verb], record, member: Member) -> list[Verb]:
    return [verb for verb in verbs.values() if verb.fits(record, member)]
