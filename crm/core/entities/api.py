def register(router) -> None:
    """Add this part of the REST face."""
