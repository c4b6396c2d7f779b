"""The sub-ledger on one page, in cents: what must come of any order of acts, without a line of the product's code.

A refused act raises `No` with the code the product must give and changes nothing.
"""

from dataclasses import dataclass


class No(Exception):
    def __init__(self, code: str):
        self.code = code


def unless(fine: bool, code: str) -> None:
    if not fine:
        raise No(code)


@dataclass
class Due:
    current: int
    written: int = 0
    billed: int = 0
    red_pending: int = 0


@dataclass
class Paid:
    amount: int
    reserved: int = 0
    refunded: int = 0
    reversed: bool = False


@dataclass
class Use:
    """Money of one receipt used for one receivable."""

    paid: int
    due: int
    left: int


class Book:
    def __init__(self, parts: list[int]):
        self.dues = [Due(part) for part in parts]
        self.receipts: list[Paid] = []
        self.uses: list[Use] = []

    # --- sums -----------------------------------------------------------------------------------

    def allocated(self, due: int) -> int:
        return sum(use.left for use in self.uses if use.due == due)

    def balance(self, due: int) -> int:
        return self.dues[due].current - self.allocated(due) - self.dues[due].written

    def used(self, paid: int) -> int:
        return sum(use.left for use in self.uses if use.paid == paid)

    def free(self, paid: int) -> int:
        one = self.receipts[paid]
        return 0 if one.reversed else one.amount - self.used(paid) - one.reserved - one.refunded

    def opened(self) -> list[int]:
        return [due for due in range(len(self.dues)) if self.balance(due) > 0]

    # --- money in and out -----------------------------------------------------------------------

    def receive(self, amount: int, automatic: bool) -> None:
        self.receipts.append(Paid(amount))
        paid = len(self.receipts) - 1
        exact = [due for due in self.opened() if self.balance(due) == amount]
        for due in (exact[:1] or self.opened()) if automatic else ():
            if share := min(self.free(paid), self.balance(due)):
                self.uses.append(Use(paid, due, share))

    def allocate(self, paid: int, shares: dict[int, int]) -> None:
        unless(not self.receipts[paid].reversed, "NOT_POSTED")
        unless(all(amount <= self.balance(due) for due, amount in shares.items()), "INSUFFICIENT_BALANCE")
        unless(sum(shares.values()) <= self.free(paid), "INSUFFICIENT_UNALLOCATED")
        self.uses += [Use(paid, due, amount) for due, amount in shares.items()]

    def take_back(self, use: int, amount: int) -> None:
        unless(0 < amount <= self.uses[use].left, "REVERSAL_TOO_LARGE")
        self.uses[use].left -= amount

    def reverse(self, paid: int) -> None:
        one = self.receipts[paid]
        unless(not self.used(paid) and not one.reserved and not one.refunded, "RECEIPT_IN_USE")
        one.reversed = True

    def reserve(self, paid: int, amount: int) -> None:
        unless(not self.receipts[paid].reversed, "NOT_POSTED")
        unless(amount <= self.free(paid), "INSUFFICIENT_UNALLOCATED")
        self.receipts[paid].reserved += amount

    def release(self, paid: int, amount: int, *, refunded: bool) -> None:
        self.receipts[paid].reserved -= amount
        self.receipts[paid].refunded += amount if refunded else 0

    def write_off(self, due: int, amount: int) -> None:
        unless(amount <= self.balance(due), "INSUFFICIENT_BALANCE")
        self.dues[due].written += amount

    def recover(self, due: int, paid: int, amount: int, unrecovered: int) -> None:
        unless(amount <= unrecovered, "RECOVERY_TOO_LARGE")
        unless(not self.receipts[paid].reversed, "NOT_POSTED")
        unless(amount <= self.free(paid), "INSUFFICIENT_UNALLOCATED")
        self.dues[due].written -= amount
        self.uses.append(Use(paid, due, amount))

    # --- invoices -------------------------------------------------------------------------------

    def bill(self, due: int, amount: int) -> None:
        one = self.dues[due]
        unless(amount <= max(one.current - one.billed, 0), "OVER_INVOICED")
        unless(not one.red_pending, "RED_PENDING")
        one.billed += amount

    def ask_red(self, due: int, amount: int, left: int) -> None:
        unless(amount <= left, "RED_TOO_LARGE")
        self.dues[due].red_pending += amount

    def issue_red(self, due: int, amount: int) -> None:
        self.dues[due].red_pending -= amount
        self.dues[due].billed -= amount

    # --- a change of the contract ---------------------------------------------------------------

    def change(self, deltas: dict[int, int], excess: str) -> list[tuple[int, int]]:
        """Returns the refunds it orders: (receipt, amount)."""
        after = {due: self.dues[due].current + delta for due, delta in deltas.items()}
        unless(all(amount >= 0 for amount in after.values()), "REFUSED")
        unless(all(amount >= self.dues[due].written for due, amount in after.items()), "REFUSED")
        for due, amount in after.items():
            self.dues[due].current = amount
        freed = self._free(sorted(deltas))
        for due, delta in deltas.items():
            one = self.dues[due]
            if delta < 0:
                one.red_pending += max(one.billed - one.red_pending - one.current, 0)
        if excess == "OFFSET_SAME_CONTRACT":
            self._offset(freed)
        if excess != "REFUND":
            return []
        for paid, amount in freed.items():
            self.receipts[paid].reserved += amount
        return list(freed.items())

    def _free(self, dues: list[int]) -> dict[int, int]:
        """Newest allocations first, until nothing is paid beyond the new amount."""
        freed: dict[int, int] = {}
        for due in dues:
            for use in reversed([use for use in self.uses if use.due == due]):
                back = min(use.left, max(-self.balance(due), 0))
                use.left -= back
                if back:
                    freed[use.paid] = freed.get(use.paid, 0) + back
        return freed

    def _offset(self, freed: dict[int, int]) -> None:
        for paid, amount in freed.items():
            for due in self.opened():
                if share := min(amount, self.balance(due)):
                    self.uses.append(Use(paid, due, share))
                    amount -= share
