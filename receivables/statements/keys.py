"""By what a bank line is known again when statements overlap (domain.md 6.21b, INV-R10)."""

import hashlib
from collections import Counter
from collections.abc import Iterable

from .reading import Row


def keyed(rows: Iterable[Row]) -> list[tuple[str, Row]]:
    """Each row with its key. Rows that look the same on one day are told apart by their count, so all survive."""
    seen: Counter = Counter()
    pairs = []
    for row in rows:
        said = _said(row)
        seen[said] += 1
        pairs.append((_digest(*said, "" if row.txn_no else str(seen[said])), row))
    return pairs


def _said(row: Row) -> tuple[str, ...]:
    """The bank's number with what it moved: some banks number a transfer and its fee alike, or anew each day."""
    moved = (row.day.isoformat(), f"{row.credit}", f"{row.debit}", row.counterparty_account)
    if row.txn_no:
        return ("no", row.txn_no, *moved)
    return ("row", *moved, row.time, "" if row.balance is None else f"{row.balance}", "".join(row.memo.split()))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
