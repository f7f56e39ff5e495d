"""Programs in JSON, or in a Python literal that looks like it: the texts of an object that may hold one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

from mucode_core.answers.syntax import read_literal

_FIELDS = ("code", "solution", "program", "python", "answer", "completion", "implementation", "final_code")
_MAX_ATTEMPTS = 20
_MAX_DEPTH = 5
_DECODER = json.JSONDecoder(strict=False)


def find_texts(text: str) -> list[tuple[bool, str]]:
    """The texts in the first object with a field named for code, else in the first that has any text.

    Returns:
        Whether the field is named for code, and the text.
    """
    objects = [texts for value in _values(text) if (texts := list(_texts(value, named=False, depth=0)))]
    named = [texts for texts in objects if any(is_named for is_named, _ in texts)]
    return sorted((named or objects or [[]])[0], key=lambda item: not item[0])


def _values(text: str) -> Iterator[object]:
    if text.lstrip()[:1] == '"':
        try:
            yield _DECODER.decode(text.strip())
        except ValueError:
            pass
        else:
            return
    start = text.find("{")
    for _ in range(_MAX_ATTEMPTS):
        if start < 0:
            break
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
        else:
            yield value
            start = text.find("{", end)
    if text.strip()[:1] in {"{", "["} and len(text) < 100_000:
        try:
            yield read_literal(text.strip())
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            return


def _texts(value: object, *, named: bool, depth: int) -> Iterator[tuple[bool, str]]:
    if isinstance(value, str) and value.strip():
        yield named, value
    elif isinstance(value, dict) and depth < _MAX_DEPTH:
        fields = {str(key).lower(): content for key, content in cast("dict[Any, Any]", value).items()}
        for key in (*(name for name in _FIELDS if name in fields), *(k for k in fields if k not in _FIELDS)):
            yield from _texts(fields[key], named=key in _FIELDS, depth=depth + 1)
    elif isinstance(value, list) and depth < _MAX_DEPTH:
        items = cast("list[object]", value)
        lines = [item for item in items if isinstance(item, str)]
        if len(lines) == len(items) and any(line.endswith("\n") for line in lines[:-1]):  # as in notebooks
            yield named, "".join(lines)
            return
        for item in items:
            yield from _texts(item, named=named, depth=depth + 1)
