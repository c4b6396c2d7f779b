"""What this app tells the floor and the contracts when the product starts."""


def receivables() -> None:
    """Plans and receivables, and what contracts do to them."""


def invoices() -> None:
    """Invoices and requests for them."""


def desk() -> None:
    """Bank accounts, statements, receipts, the reconcile desk."""


def closing() -> None:
    """Refunds, write-offs, periods, provisions."""
    from crm.core.approvals import subjects

    from .decisions import REFUND, WRITE_OFF

    subjects.register(REFUND)
    subjects.register(WRITE_OFF)


def reports() -> None:
    """Ageing, DSO, collection rate, statements of account."""


def dunning() -> None:
    """Reminders, promises, disputes."""


def cash() -> None:
    """The cash calendar."""
