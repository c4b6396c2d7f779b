"""Money owed, billed, received and matched (domain.md 3.6)."""

from .bank import BankAccount, BankLine, DeskRules, Incoming, PayerAlias, Receipt, StatementFile
from .cash import CashForecast, CashSnapshot, PaymentDelay, UsualTerm
from .collecting import (
    CustomerHold,
    DunningLetter,
    DunningNotice,
    DunningPolicy,
    DunningRun,
    LegalStep,
    PromiseToPay,
)
from .invoices import Invoice, InvoiceLine, InvoiceRequest, InvoiceShare, InvoiceVoid
from .ledger import Adjustment, Allocation, ArEntry, CreditEntry, Plan, Receivable, Refund, WriteOff
from .periods import AgeingBuckets, Assessment, CreditClass, Period, ProvisionLine, ProvisionMatrix, ProvisionRun

__all__ = [
    "Adjustment", "AgeingBuckets", "Allocation", "ArEntry", "Assessment", "BankAccount", "BankLine", "CashForecast",
    "CashSnapshot", "CreditClass", "CreditEntry", "CustomerHold", "DeskRules", "DunningLetter", "DunningNotice",
    "DunningPolicy", "DunningRun", "Incoming", "Invoice", "InvoiceLine", "InvoiceRequest", "InvoiceShare",
    "InvoiceVoid", "LegalStep", "PayerAlias", "PaymentDelay", "Period", "Plan", "PromiseToPay", "ProvisionLine",
    "ProvisionMatrix", "ProvisionRun", "Receipt", "Receivable", "Refund", "StatementFile", "UsualTerm", "WriteOff",
]  # fmt: skip
