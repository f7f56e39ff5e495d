"""What a program gives for the inputs of tests: collected here, whatever the tests expect."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from mucode_core.errors import ProblemError, SandboxError
from mucode_core.sandbox.judge.recording.canonical import NotComparableError, digest_of_value, digest_printed
from mucode_core.types import Comparison, VerdictStatus

_FAILURES = ("timeout", "memory_exceeded", "output_exceeded")
_Found = tuple[str, str]
"""Kind and digest; see `Output`."""


class Recorder:
    """Collects one output per test."""

    def __init__(self, num_tests: int) -> None:
        self._found: list[list[_Found]] = [[] for _ in range(num_tests)]
        self._current: int | None = None
        self._failure: str | None = None
        """Of the program as a whole or of its latest test: that of all tests that are never begun."""

    def begin(self, index: int) -> None:
        """The test of this index begins."""
        self._current = index

    def fail(self, status: VerdictStatus) -> None:
        """The program raised, or was stopped."""
        self._failure = status if status in _FAILURES else "error"
        if self._current is not None:
            self._found[self._current].append((self._failure, ""))

    def add(self, value: Any, is_ordered: bool = True) -> None:
        """A value that the program gave; no object of the program is asked for anything."""
        try:
            self._add(("value", digest_of_value(value, is_ordered)))
        except (NotComparableError, RecursionError):
            self._add(("object", ""))

    def add_printed(self, printed: str, compare: Comparison) -> None:
        """What the program printed, as the problem's rule reads it."""
        self._add(("value", digest_printed(printed, compare)))

    def ask(self, question: Callable[[], Any]) -> None:
        """Adds what a piece of a test evaluates to; what it raises is an output of its own kind."""
        try:
            value = question()
        except (ProblemError, SandboxError):
            raise
        except MemoryError:
            self._add(("memory_exceeded", ""))
        except (Exception, SystemExit):  # noqa: BLE001 - the program's exceptions, of any class
            self._add(("error", ""))
        else:
            self.add(value)

    def _add(self, found: _Found) -> None:
        assert self._current is not None
        self._found[self._current].append(found)

    def outputs(self) -> list[_Found]:
        """One output per test: the digest of all its values, or its first failure."""
        begun = -1 if self._current is None else self._current
        unasked = (self._failure or "nothing", "")
        return [_join(found) if index <= begun else unasked for index, found in enumerate(self._found)]


def _join(found: list[_Found]) -> _Found:
    if not found:
        return "nothing", ""
    failure = next((one for one in found if one[0] != "value"), None)
    if failure is not None or len(found) == 1:
        return failure or found[0]
    return "value", hashlib.blake2b("".join(digest for _, digest in found).encode(), digest_size=16).hexdigest()
