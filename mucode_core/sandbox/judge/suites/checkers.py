"""Checkers: a problem's own programs that decide whether an output is right, where several are.

A checker runs in a zygote of its own, whose directory and user no program ever had, once the program has ended. It is
locked down as programs are: what an output makes of it can harm nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Literal

from mucode_core.errors import ProblemError
from mucode_core.sandbox.base import Limits
from mucode_core.sandbox.judge.feedback import message_of, tidy
from mucode_core.sandbox.judge.stops import Stop
from mucode_core.sandbox.judge.zygote_client import Zygotes
from mucode_core.types import StdinTest

CHECKER_LIMITS = Limits(cpu_s=10.0, memory_mb=1024, output_mb=32)
_ROOM = 24 << 20
"""Bytes of all three files: what fits into a scratch directory."""
_RIGHT, _WRONG = 0, (1, 2, 4, 8)
"""Exit codes as in testlib: right; wrong, malformed, more or less output than there should be."""
_SCORE = re.compile(r"\s*(0|1|0\.\d+|1\.0+)\s*", re.ASCII)
"""Instead of an exit code: all of what a checker prints."""
_MAX_COMMENT = 400

Ruling = Literal["right", "wrong", "unreadable", "too much"]


@dataclass(frozen=True, slots=True)
class Check:
    """What came of one run of a checker."""

    ruling: Ruling | None
    """None where the checker itself failed."""
    comment: str
    """What it printed, or how it failed."""
    took_too_much: bool = False
    """It failed by a limit."""


def check_output(zygotes: Zygotes, checker: str, test: StdinTest, printed: str) -> Check:
    """Has the checker judge an output.

    A checker that fails on an output, but takes the expected one for right, has met one that it cannot read.

    Raises:
        ProblemError: The checker fails on what is expected, too; or the files are too large for any checker.
    """
    fixed = sum(len(text.encode("utf-8", "surrogatepass")) for text in (test.input, test.output))
    if 2 * len(test.output) + len(test.input) > _ROOM or fixed > _ROOM:
        raise ProblemError("input and expected output are too large", location="checker", hint="exclude the test")
    if fixed + len(printed.encode("utf-8", "surrogatepass")) > _ROOM:
        return Check("too much", "")
    found = _run(zygotes, checker, test, printed)
    if found.ruling is not None:
        return found
    if _run(zygotes, checker, test, test.output).ruling != "right":
        raise ProblemError(f"the checker failed: {found.comment}", location="checker", hint="fix the problem's checker")
    return Check("too much" if found.took_too_much else "unreadable", "")


def _run(zygotes: Zygotes, checker: str, test: StdinTest, printed: str) -> Check:
    texts = {"input.txt": test.input, "output.txt": printed, "answer.txt": test.output}
    failure = ""
    with TemporaryFile() as given, TemporaryFile() as taken:
        run = zygotes.start_checker(CHECKER_LIMITS, [given.fileno(), taken.fileno()])
        try:
            run.channel.send({"source": checker, "names": None, "files": texts})
            run.channel.receive()
        except Stop:
            pass  # its exit code says how it ended
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the exception that the checker reports
            reported = run.channel.report_of(error)
            failure = tidy(f"{reported.name}: {reported.message}" if reported else message_of(error))
        finally:
            run.finish()
        taken.seek(0)
        comment = tidy(taken.read(_MAX_COMMENT).decode("utf-8", "replace").strip())
    if failure or run.exit_status is None or run.timed_out:
        too_much = run.timed_out or failure.startswith("MemoryError")
        return Check(None, failure or ("it took too long" if run.timed_out else "it was ended"), too_much)
    if run.exit_status in _WRONG:
        return Check("wrong", comment)
    if run.exit_status != _RIGHT:
        return Check(None, f"exit code {run.exit_status}")
    if score := _SCORE.fullmatch(comment):
        return Check("right" if float(score[1]) >= 1 else "wrong", "")
    return Check("right", comment)
