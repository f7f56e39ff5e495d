"""What is noted of a program that raised, or that stopped before its tests did."""

from __future__ import annotations

import re
import sys

from mucode_core.errors import ProblemError
from mucode_core.sandbox.base import Limits
from mucode_core.sandbox.judge import feedback as text
from mucode_core.sandbox.judge.cpu_limit import Stalled
from mucode_core.sandbox.judge.scores import Score
from mucode_core.sandbox.judge.stops import Misbehaved, OutputExceeded, Stop
from mucode_core.sandbox.judge.suites.outcomes import Failed
from mucode_core.sandbox.judge.zygote_client import Run
from mucode_core.sandbox.protocol import NO_MEMORY
from mucode_core.types import VerdictStatus

_NO_MODULE = re.compile(r"No module named '(\w+)'")


def fail_raised(score: Score, test: str, error: BaseException, run: Run) -> None:
    """Notes an exception of the program, or of the test, if it is the first failure, or outputs are recorded."""
    if score.failure is not None and score.recorder is None:
        return
    reported = run.channel.report_of(error)
    if reported is not None:
        frames = text.traceback_lines(score.code, reported.frames)
        status: VerdictStatus = "memory_exceeded" if reported.name == "MemoryError" else "error"
        if reported.name == "ModuleNotFoundError" and _is_missing(reported.message):
            status = "missing_module"
        score.fail_raised(test, reported.name, reported.message, frames, status)
    elif isinstance(error, MemoryError):
        score.fail_raised(test, "MemoryError", "the answer is too large", "", "memory_exceeded")
    else:
        is_assert = isinstance(error, (AssertionError, Failed))
        score.fail_raised(test, type(error).__name__, text.message_of(error), "", "failed" if is_assert else "error")


def require_imports(test: str, error: BaseException, run: Run) -> None:
    """Blames the problem where its tests import a module that there is not here.

    Raises:
        ProblemError: They do, and no program is at fault.
    """
    if type(error) is not ModuleNotFoundError or run.channel.report_of(error) is not None:
        return
    name = str(error.name).partition(".")[0]
    if name not in sys.stdlib_module_names and re.search(
        rf"^\s*(?:import|from)\b.*\b{re.escape(name)}\b", test, re.MULTILINE
    ):
        hint = "use tests that need the standard library, numpy and pytest only"
        raise ProblemError(f"the tests import {name!r}, which is not available here", location="test", hint=hint)


def _is_missing(message: str) -> bool:
    """Whether a whole third-party module is what was not found."""
    named = _NO_MODULE.fullmatch(message)
    return named is not None and named[1] not in sys.stdlib_module_names


def fail_stopped(score: Score, test: str, stop: Stop, run: Run, limits: Limits) -> None:
    """Notes what ended a program's run."""
    if isinstance(stop, Stalled):
        score.fail_raised(test, "TimeoutError", "checking the answer took too long", "", "timeout")
    elif isinstance(stop, OutputExceeded):
        score.fail_raised(test, "RuntimeError", "the answer is too large", "", "output_exceeded")
    elif isinstance(stop, Misbehaved):
        score.fail_raised(test, "RuntimeError", "the answer is not a value", "")
    elif run.timed_out:
        score.fail_raised(test, "TimeoutError", f"the program took longer than {limits.cpu_s:g} s", "", "timeout")
    elif run.exit_status == NO_MEMORY:
        score.fail_raised(test, "MemoryError", "the answer is too large", "", "memory_exceeded")
    else:
        score.fail_raised(test, "RuntimeError", "the program ended before its tests did", "")
