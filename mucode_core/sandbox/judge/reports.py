"""The program's reports of its exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from mucode_core.sandbox.containers import as_list

_MAX_FRAMES = 16


@dataclass(frozen=True, slots=True)
class ProgramError:
    """An exception of the program, as the program reported it."""

    name: str
    message: str
    frames: tuple[tuple[int, str], ...]
    """Line numbers and function names of the program's own code, outermost first; line 0 counts left-out ones."""


def checked(report: Any) -> tuple[list[str], list[Any], str, tuple[tuple[int, str], ...], Any]:
    """The parts of an error report.

    Raises:
        ValueError: It is none.
    """
    _, names, args, message, frames, *forms = as_list(report)
    lists = isinstance(names, list) and isinstance(args, list) and isinstance(frames, list)
    if not lists or not names or not isinstance(message, str) or len(frames) > _MAX_FRAMES or len(names) > 100:
        raise ValueError
    if not all(isinstance(name, str) for name in names):
        raise ValueError
    rows = [(row[0], row[1][:100]) for row in frames if isinstance(row, list) and len(cast("list[Any]", row)) == 2]
    if len(rows) != len(frames) or not all(type(line) is int and isinstance(name, str) for line, name in rows):
        raise ValueError
    return names, args, message, tuple(rows), forms[0] if forms else None


def is_exception(kind: Any) -> bool:
    """Whether a report may name this class."""
    # groups insist on nested exceptions as arguments; StopIteration out of a call would end a loop of the test in peace
    barred = (BaseExceptionGroup, StopIteration, StopAsyncIteration)
    return isinstance(kind, type) and issubclass(kind, (Exception, SystemExit)) and not issubclass(kind, barred)
