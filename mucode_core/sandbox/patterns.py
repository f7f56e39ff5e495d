"""Patterns and matches of the tests: the program compiles the same pattern, and matches again where the match was."""

from __future__ import annotations

import re
from typing import Any

from mucode_core.sandbox.sharing import Codec
from mucode_core.sandbox.wire import ForeignValueError


def pattern_form(codec: Codec, value: re.Pattern[Any]) -> list[Any]:
    """How the program makes a pattern."""
    return ["made", ["function", "re", "compile"], [codec.encode(value.pattern), value.flags], [], []]


def match_form(codec: Codec, value: re.Match[Any], depth: int) -> list[Any]:
    """How the program makes a match: a search that found it would find it first where it starts.

    Raises:
        ForeignValueError: It is found otherwise only.
    """
    span = value.string, value.start(), value.endpos
    for name in ("match", "fullmatch"):
        again = getattr(value.re, name)(*span)
        if again is not None and again.regs == value.regs:
            method = ["bound", codec.encode(value.re, depth), name]
            return ["made", method, codec.encode_items(span, depth), [], []]
    raise ForeignValueError("this match cannot be passed to the program")
