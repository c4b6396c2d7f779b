"""Quotes, contracts, their changes and their fulfilment (domain.md 3.5, 4.4)."""

from .contracts import ChangeOrder, Contract, ContractLine, ContractVersion
from .fulfilment import Batch, BatchLine, Order, OrderLine
from .prices import Price, PriceList, TaxCode
from .quotes import Quote, QuoteLine

__all__ = [
    "Batch",
    "BatchLine",
    "ChangeOrder",
    "Contract",
    "ContractLine",
    "ContractVersion",
    "Order",
    "OrderLine",
    "Price",
    "PriceList",
    "Quote",
    "QuoteLine",
    "TaxCode",
]
