"""The REST face of receivables, invoices, receipts, the desk, closing, dunning and reports."""

from . import cash, closing, desk, dunning, invoices, receivables, reports


def register(router) -> None:
    for part in (receivables, invoices, desk, closing, reports, dunning, cash):
        part.register(router)
