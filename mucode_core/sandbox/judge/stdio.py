"""Comparison of printed output with what is expected, by the problem's rule (docs/problems.md)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from mucode_core.types import Comparison, StdinTest

_DECIMAL = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)\.\d+(?:[eE][+-]\d{2,})?|[1-9][eE][+-]\d{2,})", re.ASCII)
"""A number that is no integer, as programs print one: "0e1" or "00.5" are mere strings."""
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?(?:0|[1-9]\d*)", re.ASCII)
_YES_NO = ("yes", "no")
_RTOL, _LARGEST_ATOL = 1e-6, 1e-6
"""Of `tokens`."""
_LONGEST_NUMBER = 400
_WINDOW = 1 << 20
_BLANK = re.compile(r"\s")


def is_right(printed: str, test: StdinTest, compare: Comparison) -> bool:
    """Whether a program printed what is expected, or an alternative to it."""
    return any(outputs_match(printed, output, compare) for output in (test.output, *test.alternatives))


def outputs_match(printed: str, expected: str, compare: Comparison) -> bool:
    """Whether two outputs are the same by a rule; stops at the first difference."""
    if compare.rule == "exact":
        return printed.removesuffix("\n") == expected.removesuffix("\n")
    if compare.rule == "lines":
        return _lines(printed) == _lines(expected)
    if compare.rule == "unordered":
        return Counter(_lines(printed)) == Counter(_lines(expected))
    return printed == expected or _tokens_match(printed, expected, compare)


def _lines(text: str) -> list[str]:
    """Lines without blanks at their ends, and without empty lines at the end."""
    return [line.rstrip() for line in text.rstrip().split("\n")]


def _tokens_match(printed: str, expected: str, compare: Comparison) -> bool:
    """Compares a window at a time: a flood of output must not become a list of tens of millions of strings."""
    ours, theirs = split_windows(printed), split_windows(expected)
    got: list[str] = []
    wanted: list[str] = []
    while True:
        got, wanted = got or next(ours, []), wanted or next(theirs, [])
        count = min(len(got), len(wanted))
        if not count:
            return not got and not wanted
        if got[:count] != wanted[:count] and not all(
            map(_token_matches, got[:count], wanted[:count], [compare] * count)
        ):
            return False
        got, wanted = got[count:], wanted[count:]


def split_windows(text: str) -> Iterator[list[str]]:
    """The tokens of a text, a list of some at a time; no list is empty."""
    start = 0
    while start < len(text):
        blank = _BLANK.search(text, start + _WINDOW)
        end = blank.start() if blank else len(text)
        if tokens := text[start:end].split():
            yield tokens
        start = end


def _token_matches(got: str, wanted: str, compare: Comparison) -> bool:
    if got == wanted:
        return True
    if wanted.lower() in _YES_NO:
        return got.lower() == wanted.lower()
    if max(len(got), len(wanted)) > _LONGEST_NUMBER:
        return False
    if _INTEGER.fullmatch(wanted):
        whole, _, zeros = got.partition(".")
        return whole == wanted and bool(zeros) and not zeros.strip("0")
    if not _DECIMAL.fullmatch(wanted) or not _NUMBER.fullmatch(got):
        return False
    return _close(float(got), wanted, compare)


def _close(got: float, wanted: str, compare: Comparison) -> bool:
    """Whether a number is near enough to a decimal one."""
    value = float(wanted)
    if not math.isfinite(value) or not math.isfinite(got):
        return False
    if compare.rule == "floats":
        rtol, atol = compare.rtol, compare.atol
    else:  # what rounds to the digits there are is right, if it is near
        rtol, atol = _RTOL, min(_LARGEST_ATOL, _half_unit(wanted))
    return abs(got - value) <= max(rtol * abs(value), atol) + math.ulp(value)


def _half_unit(decimal: str) -> float:
    """Half of what the last digit of a decimal number counts."""
    mantissa, _, exponent = decimal.lower().partition("e")
    return 0.5 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
