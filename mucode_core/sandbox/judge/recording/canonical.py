"""Digests of what programs return and print: equal for what tests would call equal.

Values are untrusted: only exact types are read, and by the methods of their built-in bases. Numbers of different types
are equal as in Python, `1 == 1.0 == True`; other numbers with decimals are rounded, so that the order of a sum does not
count. Two numbers on both sides of a rounding boundary differ however close they are.
"""

from __future__ import annotations

import collections
import hashlib
import json
import math
import sys
from typing import Any

from mucode_core.sandbox.judge.stdio import split_windows
from mucode_core.sandbox.wire import TO_SCALAR
from mucode_core.types import Comparison

_SIZE = 16
_DIGITS, _PRINTED_DIGITS = ".9g", ".6g"
_MAPPINGS = (dict, collections.OrderedDict, collections.defaultdict, collections.Counter)
_LISTS: dict[type, str] = {list: "list", tuple: "tuple", collections.deque: "deque"}
_LONGEST_NUMBER = 400


class NotComparableError(Exception):
    """An object that only the program could compare."""


def digest_of_value(value: Any, is_ordered: bool = True) -> str:
    """The digest of a value that the judge decoded.

    Args:
        value: Any.
        is_ordered: Whether the order of a list's own items counts.

    Raises:
        NotComparableError: It is, or holds, an object that is no plain data.
        RecursionError: It is nested too deep, or holds itself.
    """
    form = _form(value)
    if not is_ordered and isinstance(form, list):
        form = sorted(map(json.dumps, form))
    return _digest(json.dumps(form).encode())


def digest_printed(printed: str, compare: Comparison) -> str:
    """The digest of what a program printed, by the problem's rule; tolerances are replaced by rounding."""
    if compare.rule == "exact":
        return _digest(printed.removesuffix("\n").encode("utf-8", "surrogatepass"))
    if compare.rule in ("lines", "unordered"):
        lines = [line.rstrip() for line in printed.rstrip().split("\n")]
        ordered = sorted(lines) if compare.rule == "unordered" else lines
        return _digest("\n".join(ordered).encode("utf-8", "surrogatepass"))
    hashed = hashlib.blake2b(digest_size=_SIZE)
    for tokens in split_windows(printed):
        hashed.update((" ".join(map(_token, tokens)) + " ").encode("utf-8", "surrogatepass"))
    return hashed.hexdigest()


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=_SIZE).hexdigest()


def _token(token: str) -> str:
    """A word, or a number with decimals as all numbers are written that are close to it."""
    if token.lower() in ("yes", "no"):
        return token.lower()
    if len(token) > _LONGEST_NUMBER or not token.isascii() or not any(mark in token for mark in ".eE"):
        return token
    whole, _, zeros = token.partition(".")
    if zeros and not zeros.strip("0") and whole.removeprefix("-").isdigit():
        return whole
    try:
        number = float(token)
    except ValueError:
        return token
    return format(number, _PRINTED_DIGITS) if math.isfinite(number) else token


def _form(value: Any) -> Any:  # noqa: PLR0911 - one for each kind
    """A JSON value that is equal for equal values."""
    kind: type = type(value)
    if value is None or kind is str:
        return value
    if kind in (int, bool):
        return ["number", hex(value)]
    if kind is float:
        return ["number", _real(value)]
    if kind in _LISTS:
        return [_LISTS[kind], *map(_form, value)]
    if kind in (set, frozenset):
        return ["set", *sorted(json.dumps(_form(item)) for item in value)]
    if kind in _MAPPINGS:
        return ["dict", *sorted(json.dumps([_form(key), _form(item)]) for key, item in dict[Any, Any].items(value))]
    if kind in (bytes, bytearray):
        return ["bytes", value.hex()]
    if kind in TO_SCALAR:
        return TO_SCALAR[kind](value)
    return _numpy_form(value, kind)


def _real(value: float) -> str:
    if not math.isfinite(value):
        return repr(value)
    rounded = value if value.is_integer() else float(format(value, _DIGITS))
    return hex(int(rounded)) if rounded.is_integer() else repr(rounded)


def _numpy_form(value: Any, kind: type) -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is not None and kind is numpy.ndarray:
        return ["array", _form(numpy.ndarray.tolist(value))]
    if numpy is not None and issubclass(kind, numpy.generic) and kind.__module__ == "numpy":
        return _form(value.item())
    raise NotComparableError
