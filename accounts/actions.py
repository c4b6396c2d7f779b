"""What is done with customers and the people who work there."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.core import names, records
from crm.core.errors import Refused
from crm.core.identity import duplicates
from crm.core.people.models import Member
from crm.core.people.reach import may, require
from crm.core.people.roles import Role

from .models import Account, Collaboration, Contact

DEEPEST_GROUP = 20


def create_account(*, by: Member, name: str, owner: Member | None = None, at: datetime | None = None,
                   **values) -> Account:  # fmt: skip
    """A new customer of `owner` (default `by`). `at` is the true date of an imported one.

    A credit code whose check digit is wrong is kept and never compared; a right one may exist once (INV-L9).
    """
    owner = owner or (None if by.is_system else by)
    require(by, "account.create", owner)
    if owner and not owner.is_active:
        raise ValidationError({"owner": _("%(name)s has left. Choose somebody else.") % {"name": owner}})
    with _about_the_code():
        return records.create(Account, by=by, name=name.strip(), owner=owner, at=at, **normalised(values))


def enter_account(*, by: Member, decided: bool = False, **values) -> Account:
    """create_account for somebody who types: known firms are shown first (domain.md 6.4).

    Refused with `hits`: another customer with the same credit code, address or number and name is no new
    customer; a likely one needs `decided`, and so does an enquiry or contact. Managers decide without being asked.
    """
    require(by, "account.create")
    hits = [hit for hit in duplicates.find(_typed(values), by=by) if hit.tier >= names.Tier.REVIEW]
    if any(hit.tier == names.Tier.BLOCK and hit.subject_type == "accounts.account" for hit in hits):
        raise Known(_("This customer exists already. Open it, or ask its owner to add you."), code="KNOWN", hits=hits)
    if hits and not decided and not by.has_role(Role.MANAGER):
        raise Known(_("This customer may exist already. Look at the list and decide."), code="DUPLICATE", hits=hits)
    return create_account(by=by, **values)


class Known(Refused):
    """The firm is known, or may be; `hits` say from where."""

    def __init__(self, message, *, code: str, hits: list[duplicates.Hit]):
        super().__init__(message, code=code, hits=[_hint(hit) for hit in hits])
        self.hits = hits


def _hint(hit: duplicates.Hit) -> dict:
    return {"tier": hit.tier.name, "type": hit.subject_type, "id": hit.pk, "label": hit.label, "owner": hit.owner_name}


def _typed(values: dict) -> names.Identity:
    return names.Identity(
        name=values.get("name", ""), phones=(values["phone"],) if values.get("phone") else (),
        website=values.get("website", ""), uscc=values.get("uscc", ""),
    )  # fmt: skip


def update_account(account: Account, *, by: Member, expected: int | None = None, **values) -> Account:
    require(by, "account.update", account)
    if values.get("parent"):
        refuse_circle(account, values["parent"])
    with _about_the_code():
        return records.update(account, by=by, expected=expected, **normalised(values))


def normalised(values: dict) -> dict:
    if "uscc" not in values:
        return values
    code, valid = names.uscc(values["uscc"])
    return {**values, "uscc": code, "valid_uscc": code if valid else ""}


@contextmanager
def _about_the_code() -> Iterator[None]:
    """A duplicate code is an error of the field that the user filled in."""
    try:
        yield
    except ValidationError as error:
        if "valid_uscc" not in getattr(error, "error_dict", {}):
            raise
        raise ValidationError({"uscc": error.error_dict["valid_uscc"]}) from error


def refuse_circle(account: Account, parent: Account) -> None:
    above: Account | None = parent
    for _step in range(DEEPEST_GROUP):
        if above is None:
            return
        if above.pk == account.pk:
            break
        above = above.parent
    raise ValidationError({"parent": _("A company cannot belong to itself. Choose another parent company.")})


@transaction.atomic
def transfer_account(account: Account, to: Member, *, by: Member, reason: str = "",
                     expected: int | None = None) -> Account:  # fmt: skip
    """Hand a customer to another owner; the history keeps the old one (INV-A1)."""
    require(by, "account.transfer", account.owner or account)
    if not to.is_active or to.is_system or not may(to, "account.create"):
        raise ValidationError({"to": _("%(name)s cannot own customers. Choose a sales person.") % {"name": to}})
    records.unlink(_seats(account, to), about=account, by=by, verb="collaborator_removed", data=_named(to))
    return records.update(account, by=by, verb="transferred", reason=reason, expected=expected, owner=to)


@transaction.atomic
def add_collaborator(account: Account, member: Member, *, by: Member) -> None:
    """Let another member see and work on the account beside its owner."""
    require(by, "account.update", account)
    if not member.is_active:
        raise ValidationError({"member": _("%(name)s has left. Choose somebody else.") % {"name": member}})
    if member.pk == account.owner_id:
        raise Refused(_("%(name)s owns this customer already.") % {"name": member}, code="OWNS_IT")
    records.link(
        Collaboration, about=account, by=by, verb="collaborator_added", data=_named(member),
        account=account, member=member,
    )  # fmt: skip


@transaction.atomic
def remove_collaborator(account: Account, member: Member, *, by: Member) -> None:
    require(by, "account.update", account)
    records.unlink(_seats(account, member), about=account, by=by, verb="collaborator_removed", data=_named(member))


def _seats(account: Account, member: Member):
    return Collaboration.objects.of(account.tenant_id).filter(account=account, member=member)


def _named(member: Member) -> dict:
    return {"member": member.pk, "name": member.name}


def add_contact(account: Account, *, by: Member, name: str, at: datetime | None = None,
                **values) -> Contact:  # fmt: skip
    require(by, "contact.create", account)
    return records.create(Contact, by=by, account=account, name=name.strip(), at=at, **values)


def update_contact(contact: Contact, *, by: Member, expected: int | None = None, **values) -> Contact:
    require(by, "contact.update", contact)
    if values.get("account"):
        require(by, "contact.create", values["account"])
    return records.update(contact, by=by, expected=expected, **values)
