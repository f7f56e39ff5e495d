"""Python as it is displayed, back to Python: what pages, notebooks and listings put among the lines of a program."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Callable

from mucode_core.answers.programs import parse
from mucode_core.answers.wrapping import strip_ends

_INVISIBLE = str.maketrans({"\u00a0": " ", "\u202f": " ", **dict.fromkeys("\ufeff\u200b\u200c\u200d\u2060", None)})
_COMMAND = re.compile(r"(?:[!%]|\$ |(?:pip3?|conda) install\b|python3? -m pip\b)")
_NUMBER = re.compile(r" *(?:L(?P<L>\d+): ?|\[(?P<bracketed>\d+)\] ?|(?P<bare>\d+)(?: ?[:.|\u2502] ?|  ?|\t|$))")
_BREAK = re.compile(r"<br\s*/?>\n?", re.IGNORECASE)
_DIFF_HEAD = re.compile(r"(?:@@|--- |\+\+\+ |\*\*\* |diff |index |\\ No newline)")
_REPLACED = re.compile(r"\s*<{5,}[^\n]*\n(?:.*\n)?={5,}\n(?P<new>.*\n)>{5,}[^\n]*\s*", re.DOTALL)
"""A block that says what replaces what."""
_CDATA = re.compile(r"\s*<!\[CDATA\[(.*)\]\]>\s*\Z", re.DOTALL)


def tidy(source: str) -> str:
    """`source` itself where it is Python, or where no removal of what display adds makes it so.

    Removed, until it is Python: end tokens and invisible characters; shell and notebook commands; numbers of lines;
    entities and line breaks of HTML; escapes of line breaks; common indentation. Mistakes of the program, such as
    typographic quotes, stay.
    """
    if parse(source) is not None:
        return source
    tidied = source
    for remove in _STEPS:
        tidied = remove(tidied)
        if tidied.strip() and parse(tidied) is not None:
            return tidied
    return source


def new_side(diff: str) -> str | None:
    """What a diff makes of a file: its kept and added lines; None where the text is no diff."""
    if (replaced := _REPLACED.fullmatch(diff)) is not None:
        return replaced["new"]
    lines = [line for line in diff.splitlines() if not _DIFF_HEAD.match(line)]
    if not any(line[:1] in {"+", "-"} for line in lines) or any(line[:1] not in {"", " ", "+", "-"} for line in lines):
        return None
    return "\n".join(line[1:] for line in lines if line[:1] != "-")


def show(text: str) -> str:
    """Text with ordinary spaces for those that only look like it, without characters that have no width."""
    return text.translate(_INVISIBLE)


def without_breaks(text: str) -> str:
    """Text with the line breaks, entities and spaces that HTML shows; without a line break in HTML the text itself."""
    return show(html.unescape(_BREAK.sub("\n", text))) if _BREAK.search(text) else text


def _without_wrapping(source: str) -> str:
    content = _CDATA.match(source)
    return strip_ends(content[1] if content else source)


def _without_commands(source: str) -> str:
    lines = source.splitlines()
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    caption = lines[first].strip().lower() if lines else ""
    if caption in {"python", "py", "python3"} or caption.startswith(("```", "~~~")):  # of a block; opened twice
        lines[first] = ""
    return "\n".join("" if _COMMAND.match(line) else line for line in lines)


def _without_numbers(source: str) -> str:
    """Without the numbers of a listing, which count up by one from line to line."""
    lines = source.splitlines()
    numbers = [_NUMBER.match(line) for line in lines]
    values = [int(match[match.lastgroup or 0]) for match in numbers if match is not None]
    if len(values) != len(lines) or values != list(range(values[0], values[0] + len(values)) if values else ()):
        return source
    return "\n".join(line[match.end() :] for line, match in zip(lines, numbers, strict=True) if match is not None)


def _without_escapes(source: str) -> str:
    if "\n" in source.strip() or "\\n" not in source:
        return source
    return source.replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"')


_STEPS: tuple[Callable[[str], str], ...] = (
    _without_wrapping,
    show,
    _without_commands,
    _without_numbers,
    html.unescape,
    without_breaks,
    _without_escapes,
    textwrap.dedent,
)
