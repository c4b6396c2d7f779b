"""Quotes, contracts, their changes and their fulfilment (domain.md 3.5, 4.4)."""

from .contracts import ChangeOrder, Clause, Contract, ContractLine, ContractVersion
from .fulfilment import Batch, BatchLine, Order, OrderLine
from .prices import Price, PriceList, TaxCode
from .quotes import Quote, QuoteLine
from .renewals import Renewal
from .templates import ClauseTemplate, ContractTemplate

__all__ = [
    "Batch",
    "BatchLine",
    "ChangeOrder",
    "Clause",
    "ClauseTemplate",
    "Contract",
    "ContractLine",
    "ContractTemplate",
    "ContractVersion",
    "Order",
    "OrderLine",
    "Price",
    "PriceList",
    "Quote",
    "QuoteLine",
    "Renewal",
    "TaxCode",
]
