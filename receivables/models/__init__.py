"""Money owed, billed, received and matched (domain.md 3.6)."""

from .bank import BankAccount, BankLine, PayerAlias, Receipt, StatementFile
from .collecting import DunningNotice, DunningPolicy, PromiseToPay
from .invoices import Invoice, InvoiceLine, InvoiceRequest, InvoiceShare
from .ledger import Adjustment, Allocation, ArEntry, CreditEntry, Plan, Receivable, Refund, WriteOff
from .periods import CreditClass, Period, ProvisionLine, ProvisionMatrix, ProvisionRun

__all__ = [
    "Adjustment", "Allocation", "ArEntry", "BankAccount", "BankLine", "CreditClass", "CreditEntry", "DunningNotice",
    "DunningPolicy", "Invoice", "InvoiceLine", "InvoiceRequest", "InvoiceShare", "PayerAlias", "Period", "Plan",
    "PromiseToPay", "ProvisionLine", "ProvisionMatrix", "ProvisionRun", "Receipt", "Receivable", "Refund",
    "StatementFile", "WriteOff",
]  # fmt: skip
