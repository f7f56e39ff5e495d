"""Methods of `unittest.TestCase`, run one by one; the exceptions themselves come out."""

# ruff: noqa: N802 - unittest's names

from __future__ import annotations

import functools
import unittest
from typing import Any

from mucode_core.sandbox.judge.lent.logs import recording
from mucode_core.sandbox.judge.stops import is_fault
from mucode_core.sandbox.judge.suites.outcomes import first_of

_RECORDING = ("assertLogs", "assertNoLogs")
"""What waits for messages."""


class _Result(unittest.TestResult):
    """Keeps what the parts of a test raise."""

    def __init__(self) -> None:
        super().__init__()
        self.raised: list[BaseException] = []

    def addError(self, test: Any, err: Any) -> None:
        self.failfast = True  # a skip of a part does not end its test, but a failure does
        self.raised.append(err[1])

    def addFailure(self, test: Any, err: Any) -> None:
        self.addError(test, err)

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        if err is not None:
            self.addError(test, err)

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        if is_fault(err[1]):
            self.addError(test, err)

    def addSkip(self, test: Any, reason: str) -> None:
        """A test that skips itself, or a part of it, has not failed."""

    def addUnexpectedSuccess(self, test: Any) -> None:
        self.raised.append(AssertionError("unexpected success"))


def run_case(case: unittest.TestCase) -> None:
    """Runs one method, with `setUp`, `tearDown` and cleanups; raises what it raised first."""
    for name in _RECORDING:
        setattr(case, name, functools.partial(recording, getattr(case, name)))
    result = _Result()
    case.run(result)
    error = first_of(result.raised)
    if error is not None:
        raise error
