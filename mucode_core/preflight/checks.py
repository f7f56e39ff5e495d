"""What a look at one thing found."""

from __future__ import annotations

from collections.abc import Callable

from mucode_core.doctor import Check
from mucode_core.errors import MucodeError


def tell(name: str, describe: Callable[[], str]) -> Check:
    """A required check: it passes with a description, or fails with the error's place, problem and cure in one line."""
    try:
        return Check(name, ok=True, detail=describe(), required=True)
    except MucodeError as error:
        return Check(name, ok=False, detail=f"{error.place}: {error.problem}; {error.cure}", required=True)
