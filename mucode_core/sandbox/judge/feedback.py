"""The text a model reads about its failed program: deterministic, short, free of machine paths."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mucode_core.sandbox.base import FeedbackStyle
from mucode_core.sandbox.guest.scratch import PREFIX
from mucode_core.sandbox.judge.proxy_classes import is_proxy

_MAX_SHOWN = 100
_MAX_LEVELS = 20
_MOST_PARTS = 50_000
"""Of a value whose text is cut to a few hundred characters anyway."""
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{8,16}\b")
_PATH = re.compile(r"(?<![\w.])(?:/[^\s'\"/:(),]++){2,}+")
_SCRATCH = re.compile(rf"(?<![\w./-])([\w.-]*+(?:/(?=/))*+)(?:(?:/++(?!{PREFIX}\w)[\w.-]++)*+/++{PREFIX}\w++)++")
"""Up to the last directory that is a scratch one; begins only where a path does, or long ones take quadratic time."""
_FILE = re.compile(r"[^/]+\.(?:py|pyc|so)\b")
_BRIEF_VALUE, _BRIEF_MESSAGE, _FULL_VALUE, _FULL_TEXT = 40, 60, 400, 2000


def clip(text: str, budget: int) -> str:
    """`text` with its middle cut out where it is longer than `budget` characters."""
    if len(text) <= budget:
        return text
    head = (budget - 3) // 2
    return f"{text[:head]}...{text[len(text) - (budget - 3 - head) :]}"


def wrong_value(test: str, got: str, expected: str, style: FeedbackStyle) -> str:
    """A test that compares the result of a call with a value, and found another."""
    if style == "brief":
        return f"AssertionError: got {clip(got, _BRIEF_VALUE)}, expected {clip(expected, _BRIEF_VALUE)}"
    values = f"got {clip(got, _FULL_VALUE)}, expected {clip(expected, _FULL_VALUE)}"
    return f"{clip(test, _FULL_TEXT)}\nAssertionError: {values}"


def raised(test: str, error: str, message: str, frames: str, style: FeedbackStyle) -> str:
    """An exception out of the program or the test; `frames` are the program's own traceback lines."""
    if style == "brief":
        return f"{error}: {clip(message, _BRIEF_MESSAGE)}" if message else error
    last = f"{error}: {clip(message, _FULL_VALUE)}" if message else error
    return "\n".join(part for part in (clip(test, _FULL_TEXT), clip(frames, _FULL_TEXT), last) if part)


def tidy(text: str) -> str:
    """`text` without memory addresses, directories of files, or characters that cannot be stored."""
    text = _SCRATCH.sub(r"\1/tmp", _ADDRESS.sub("0x...", text))
    text = _PATH.sub(_without_directories, text)
    return text.encode("utf-8", "backslashreplace").decode()


def _without_directories(path: re.Match[str]) -> str:
    """A path from the name of its last source file on; each of its parts is looked at once."""
    parts = path[0].split("/")[1:]
    for place in range(len(parts) - 1, 0, -1):
        if _FILE.match(parts[place]):
            return "/".join(parts[place:])
    return path[0]


def show(value: Any) -> str:
    """`repr` of a judged value, the same in every run: sets in order, long collections cut, huge integers counted.

    What holds itself is shown as `repr` has it; of what refers to the same often, only the first part is shown.
    """
    return _Shower().show(value, 0)


class _Shower:
    """Shows one value."""

    def __init__(self) -> None:
        self._left = _MOST_PARTS
        self._around: set[int] = set()
        """Of the collections that the value in hand lies in."""

    def show(self, value: Any, depth: int) -> str:
        kind: type = type(value)
        self._left -= 1
        if kind is int and abs(value) >= 1 << 4096:
            return f"<integer of {value.bit_length()} bits>"
        if kind in _BRACKETS or kind is dict:
            if depth >= _MAX_LEVELS or self._left < 0:
                return "..."
            if id(value) in self._around:
                return "{...}" if kind is dict else "[...]"
            self._around.add(id(value))
            text = self._show_mapping(value, depth) if kind is dict else self._show_items(value, kind, depth)
            self._around.discard(id(value))
            return text
        if kind is str and len(value) > 2 * _FULL_TEXT:
            value = clip(value, 2 * _FULL_TEXT)
        return tidy(_repr(value)) if depth < _MAX_LEVELS else "..."

    def _show_mapping(self, value: dict[Any, Any], depth: int) -> str:
        rows = [f"{self.show(k, depth + 1)}: {self.show(v, depth + 1)}" for k, v in _ends(list(value.items()))]
        return "{" + ", ".join(_mark_cut(rows, len(value))) + "}"

    def _show_items(self, value: Any, kind: type, depth: int) -> str:
        items = list(value)
        if kind in (set, frozenset) and items:
            rows = _ends(sorted(self.show(item, depth + 1) for item in items))
        else:
            rows = [self.show(item, depth + 1) for item in _ends(items)]
        body = ", ".join(_mark_cut(rows, len(items)))
        if kind is tuple and len(items) == 1:
            body += ","
        opening, closing = _BRACKETS[kind]
        text = f"{opening}{body}{closing}"
        if kind is set:
            return text if items else "set()"
        return f"frozenset({text if items else ''})" if kind is frozenset else text


_BRACKETS = {list: "[]", tuple: "()", set: "{}", frozenset: "{}"}


def _repr(value: Any) -> str:
    if is_proxy(value):
        return f"<{type(value).__name__} object>"
    try:
        return repr(value)
    except (Exception, SystemExit):  # noqa: BLE001 - it may hold the program's objects, whose `__repr__` raises as it likes
        return f"<{type(value).__name__}>"


def message_of(error: BaseException) -> str:
    """`str` of an exception whose arguments may be the program's objects; empty where those refuse."""
    try:
        return str(error)
    except (Exception, SystemExit):  # noqa: BLE001 - see `_repr`
        return ""


def _ends(items: list[Any]) -> list[Any]:
    return items if len(items) <= 2 * _MAX_SHOWN else items[:_MAX_SHOWN] + items[-_MAX_SHOWN:]


def _mark_cut(rows: list[str], count: int) -> list[str]:
    return rows if len(rows) == count else [*rows[:_MAX_SHOWN], "...", *rows[_MAX_SHOWN:]]


def traceback_lines(code: str, frames: Sequence[tuple[int, str]]) -> str:
    """The program's own frames, each with its source line; the file is shown as solution.py."""
    source = code.splitlines()
    lines: list[str] = []
    for number, name in frames:
        if number < 1:
            lines.append(f"  [{tidy(name)} more frames]")
            continue
        lines.append(f'  File "solution.py", line {number}, in {tidy(name)}')
        if number <= len(source) and source[number - 1].strip():
            lines.append(f"    {tidy(source[number - 1].strip())}")
    return "\n".join(["Traceback (most recent call last):", *lines]) if lines else ""
