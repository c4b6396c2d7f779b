"""What this app tells the floor when the product starts: menus, panels, approvals, holdings, timeline words."""


def prices() -> None:
    """Tax codes and price lists."""


def quotes() -> None:
    """Quotes."""


def contracts() -> None:
    """Contracts and their changes."""


def orders() -> None:
    """Orders, batches, handover, renewals."""
