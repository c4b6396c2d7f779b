"""The REST face of quotes, prices, contracts, changes and orders."""

from . import contracts, orders, prices, quotes


def register(router) -> None:
    for part in (prices, quotes, contracts, orders):
        part.register(router)
