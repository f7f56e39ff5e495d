"""Comparison of what a call returned with JSON values, by the problem's rule (docs/problems.md).

A returned value is untrusted: nothing here asks an object of the program for anything.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from mucode_core.types import Comparison

_PLAIN: dict[type, Callable[[Any], Any]] = {int: int.__int__, float: float.__float__, str: str.__str__}
"""Types of scalars, and what gives their own value, whatever methods a subclass has."""
_OTHER = object()
"""Stands for what no JSON holds: equal to nothing that is expected."""


def as_json(value: Any) -> Any:
    """A returned value as JSON has it: tuples are lists, integers as keys are strings, numpy's values are Python's.

    An instance of a subclass of these is what its base makes of it; for other objects there is no JSON.
    """
    kind: type = type(value)
    numpy = sys.modules.get("numpy")
    if numpy is not None and (kind is numpy.ndarray or issubclass(kind, numpy.generic)):
        value = value.tolist()
        kind = type(value)
    if value is None or kind is bool or kind in _PLAIN:
        return value
    if issubclass(kind, list):
        return [as_json(item) for item in list[Any].__iter__(value)]
    if issubclass(kind, tuple):
        return [as_json(item) for item in tuple[Any, ...].__iter__(value)]
    if issubclass(kind, dict):
        return {_key(key): as_json(item) for key, item in dict[Any, Any].items(value)}
    return next((plain(value) for base, plain in _PLAIN.items() if issubclass(kind, base)), _OTHER)


def _key(key: Any) -> Any:
    if type(key) is int:
        return str(key)
    return key if type(key) is str else _OTHER


def values_match(got: Any, wanted: Any, compare: Comparison) -> bool:
    """Whether a returned value is what is expected.

    Args:
        got: As the judge decoded it.
        wanted: A JSON value.
        compare: The rule; equality as in Python, `1 == 1.0 == True`, but for numbers under `floats`.
    """
    if compare.rule == "unordered" and isinstance(wanted, list):
        items = as_json(list(got) if type(got) in (set, frozenset) else got)
        return isinstance(items, list) and Counter(map(_frozen, items)) == Counter(map(_frozen, wanted))
    return _match(as_json(got), wanted, compare)


def _match(got: Any, wanted: Any, compare: Comparison) -> bool:
    if isinstance(wanted, list):
        return (
            isinstance(got, list)
            and len(got) == len(wanted)
            and all(_match(one, other, compare) for one, other in zip(got, wanted, strict=True))
        )
    if isinstance(wanted, dict):
        return (
            isinstance(got, dict)
            and got.keys() == wanted.keys()
            and all(_match(got[key], value, compare) for key, value in wanted.items())
        )
    if compare.rule == "floats" and isinstance(wanted, float) and isinstance(got, (int, float)):
        return _is_close(got, wanted, compare)
    return bool(got == wanted)


def _is_close(got: float, wanted: float, compare: Comparison) -> bool:
    try:
        number = float(got)
    except OverflowError:  # an integer beyond all floats
        return False
    return math.isfinite(number) and abs(number - wanted) <= max(compare.rtol * abs(wanted), compare.atol)


def _frozen(value: Any) -> Any:
    """A key that equal values share."""
    if isinstance(value, list):
        return ("list", *map(_frozen, value))
    if isinstance(value, dict):
        return frozenset((key, _frozen(item)) for key, item in value.items())
    return value
