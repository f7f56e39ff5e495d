"""How tests in the form of pytest end: what a test raises to end itself, and in which order ends are tidied up."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Iterable
from typing import Any

from mucode_core.errors import ProblemError
from mucode_core.sandbox.judge.stops import is_fault

_refused: list[ProblemError] = []


class Outcome(BaseException):
    """Ends a test; as in pytest, no `except Exception` of the test catches it."""


class Failed(Outcome):
    """`pytest.fail`, and what was to raise and did not."""


class Skipped(Outcome):
    """`pytest.skip`."""


class ExpectedFailure(Outcome):
    """`pytest.xfail`."""


def refuse(what: str) -> ProblemError:
    """What to raise where a test wants what there is not here; it counts, whatever the test does with it."""
    hint = "use another form of the test"
    error = ProblemError(f"{what} is not available here", location="test", hint=hint)
    _refused.append(error)
    return error


def forget_refused() -> None:
    """To be called before a file runs."""
    _refused.clear()


def raise_refused() -> None:
    """Raises what was refused since, if anything.

    Raises:
        ProblemError: Something was.
    """
    if _refused:
        raise _refused[0]


def is_skip(error: BaseException | None) -> bool:
    """Whether a test ended because it skipped itself."""
    return issubclass(type(error), (Skipped, ExpectedFailure, unittest.SkipTest))


def first_of(errors: Iterable[BaseException | None]) -> BaseException | None:
    """The one that counts: faults before failures, failures before skips."""
    found = [error for error in errors if error is not None]
    return min(found, key=lambda error: 0 if is_fault(error) else 2 if is_skip(error) else 1, default=None)


class Ending:
    """What is to be done at the end of a test, class or file: in reverse order, whatever fails. A context manager."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._steps: list[Callable[[], Any]] = []

    def add(self, step: Callable[[], Any]) -> None:
        """Has `step` be done before those that are added already."""
        self._steps.append(step)

    def close(self, error: BaseException | None = None) -> BaseException | None:
        """Does all of it; what to raise, given what was raised so far."""
        while self._steps:
            try:
                self._steps.pop()()
            except BaseException as raised:  # noqa: BLE001 - the rest is to be done all the same
                error = error if is_skip(raised) else first_of([error, raised])
        return error

    def __enter__(self) -> Ending:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        found = self.close(error)
        if found is not None and found is not error:
            raise found
