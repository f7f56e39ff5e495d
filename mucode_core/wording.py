"""Words of messages that depend on a number."""

from __future__ import annotations


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 row", "2,000 rows"; `many` is the plural, by default with an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
