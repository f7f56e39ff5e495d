"""Comparison of printed output, as the checkers of contest data sets do it."""

from __future__ import annotations

import math
import re
from itertools import zip_longest

_TOKEN = re.compile(r"\S+")
_TOLERANCE = 1e-6


def outputs_match(printed: str, expected: str) -> bool:
    """Same tokens, upper or lower case; where one is a decimal number, within 1e-6 (absolute or relative)."""
    # token by token: a flood of output must not become a list of tens of millions of strings
    pairs = zip_longest(_TOKEN.finditer(printed), _TOKEN.finditer(expected))
    return all(got and wanted and _tokens_match(got[0], wanted[0]) for got, wanted in pairs)


def _tokens_match(got: str, wanted: str) -> bool:
    if got.casefold() == wanted.casefold():
        return True
    if not any(mark in got + wanted for mark in ".eE"):
        return False
    try:
        a, b = float(got), float(wanted)
    except ValueError:
        return False
    return math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
