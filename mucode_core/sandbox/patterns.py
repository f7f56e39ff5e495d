"""Patterns on both sides, each compiled where it is used; and matches of the tests: the program matches again there."""

from __future__ import annotations

import re
from typing import Any

from mucode_core.sandbox.sharing import Codec
from mucode_core.sandbox.wire import ForeignValueError, WireError

MAX_PATTERN = 10_000
_FLAGS = re.IGNORECASE | re.MULTILINE | re.DOTALL | re.VERBOSE | re.ASCII | re.UNICODE
_compile = re.compile


def pattern_form(codec: Codec, value: re.Pattern[Any]) -> list[Any]:
    """How the program makes a pattern."""
    return ["made", ["function", "re", "compile"], [codec.encode(value.pattern), value.flags], [], []]


def is_passed(value: re.Pattern[Any]) -> bool:
    """Whether a pattern is made again from its text: of plain text, not too long, and by nothing around it."""
    return type(value.pattern) in (str, bytes) and len(value.pattern) <= MAX_PATTERN and not value.flags & ~_FLAGS


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


def decode_pattern(codec: Codec, parts: list[Any]) -> re.Pattern[Any]:
    """The pattern that a program answers with, equal to the tests' own.

    Raises:
        WireError: It is none, or longer than any is sent.
    """
    number, form, flags = parts
    source = codec.decode(form)
    if type(source) not in (str, bytes) or len(source) > MAX_PATTERN or type(flags) is not int or flags & ~_FLAGS:
        raise WireError("malformed pattern")
    try:
        made = _compile(source, flags)
    except (re.error, MemoryError) as error:
        raise WireError("malformed pattern") from error
    codec.adopt(number, made)
    return made
