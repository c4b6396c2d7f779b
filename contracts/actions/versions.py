"""The contract as it was agreed at each step: never changed, hashed, reproducible (INV-C1)."""

import hashlib
import json
from typing import Any

from contracts.models import ChangeOrder, Contract, ContractLine, ContractVersion
from crm.core import clock, records
from crm.core.people.models import Member

TEXTS = ("payment_terms", "delivery_terms", "acceptance_terms", "warranty_terms", "penalty_terms")
FACTS = (
    "number", "title", "kind", "account_id", "legal_entity_id", "currency", "base_amount", "effective_amount",
    "sign_date", "start_date", "end_date", "nonstandard", *TEXTS,
)  # fmt: skip
LINE = (
    "id", "order", "product_id", "description", "quantity", "unit_price", "discount", "tax_code_id", "amount",
    "over_delivery",
)  # fmt: skip


def snapshot(contract: Contract) -> dict[str, Any]:
    """Everything that is agreed, as JSON-able values; equal contracts give equal snapshots."""
    rows = ContractLine.objects.of(contract.tenant_id).filter(contract=contract).order_by("order", "pk")
    return {
        **{name: _plain(contract, name) for name in FACTS},
        "clauses": contract.clauses,
        "lines": [{name: _plain(row, name) for name in LINE} for row in rows],
    }


def _plain(record, name: str):
    """A column's value as JSON keeps it: amounts and days as text, in the column's own places."""
    field = record._meta.get_field(name.removesuffix("_id") if name.endswith("_id") else name)
    value = getattr(record, name)
    if value is None or isinstance(value, (str, int, bool)):
        return value
    if field.get_internal_type() == "DecimalField":
        return f"{value:.{field.decimal_places}f}"
    return value.isoformat()


def digest(content: dict[str, Any]) -> str:
    """SHA-256 of the content in one canonical spelling."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def of(contract: Contract, *, by: Member, change: ChangeOrder | None = None) -> ContractVersion:
    """The contract as it stands now, as an unsaved version under its current revision."""
    content = snapshot(contract)
    return ContractVersion(
        tenant_id=by.tenant_id, contract=contract, number=contract.revision, snapshot=content, hash=digest(content),
        amount=contract.effective_amount, effective_at=clock.now(), change=change,
    )  # fmt: skip


def write(contract: Contract, *, by: Member, change: ChangeOrder | None = None) -> ContractVersion:
    """Keep the contract as it stands now."""
    return records.append([of(contract, by=by, change=change)])[0]


def is_intact(version: ContractVersion) -> bool:
    """Whether the version still has the content that was hashed."""
    return digest(version.snapshot) == version.hash
