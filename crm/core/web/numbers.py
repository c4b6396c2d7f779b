"""Whole numbers that browsers send where a row, a version or a count is meant."""

from typing import Any

DIGITS = 18  # what fits a bigint


def is_whole(given: Any) -> bool:
    """Whether `given` reads as a whole number that the database can hold; “²” and a thousand nines do not."""
    text = str(given)
    return text.isascii() and text.isdigit() and len(text) <= DIGITS
