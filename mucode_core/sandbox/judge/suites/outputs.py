"""Judges what a program printed: by the problem's rule, or by its checker."""

from __future__ import annotations

from mucode_core.sandbox.base import Job
from mucode_core.sandbox.judge import feedback as text
from mucode_core.sandbox.judge.cpu_limit import CLOCK, Stalled
from mucode_core.sandbox.judge.recording.recorder import Recorder
from mucode_core.sandbox.judge.scores import Score
from mucode_core.sandbox.judge.stdio import is_right
from mucode_core.sandbox.judge.suites.checkers import check_output
from mucode_core.sandbox.judge.zygote_client import Zygotes
from mucode_core.types import StdinTest

STALLED = "checking the answer took too long"


def judge_output(zygotes: Zygotes, job: Job, test: StdinTest, printed: str, score: Score) -> None:
    """Notes in `score` whether the output is right, or the output itself where that is wanted.

    Raises:
        ProblemError: The problem's checker fails, whatever the output.
    """
    location = show_input(test)
    if score.recorder is not None:
        _record(score, score.recorder, job, printed)
        return
    if job.checker is not None:
        _note_check(zygotes, job, job.checker, test, printed, score)
        return
    try:
        with CLOCK.limiting(job.limits):
            matches = is_right(printed, test, job.compare)
    except Stalled:
        score.fail_raised(location, "TimeoutError", STALLED, "", "timeout")
        return
    if matches:
        score.num_passed += 1
    else:
        shown = text.wrong_value(location, printed.strip(), test.output.strip(), job.feedback)
        score.fail("failed", text.tidy(shown))


def _record(score: Score, recorder: Recorder, job: Job, printed: str) -> None:
    try:
        with CLOCK.limiting(job.limits):
            recorder.add_printed(printed, job.compare)
    except Stalled:
        score.fail_raised("", "TimeoutError", STALLED, "", "timeout")


def show_input(test: StdinTest) -> str:
    """The test in feedback."""
    return f"Input:\n{test.input.rstrip()}"


def _note_check(zygotes: Zygotes, job: Job, checker: str, test: StdinTest, printed: str, score: Score) -> None:
    check = check_output(zygotes, checker, test, printed)
    if check.ruling == "right":
        score.num_passed += 1
    elif check.ruling == "too much":
        message = "the output is more than the checker can read"
        score.fail_raised(show_input(test), "RuntimeError", message, "", "output_exceeded")
    else:
        expected = f"an answer such as {test.output.strip()}"
        shown = text.wrong_value(show_input(test), printed.strip(), expected, job.feedback)
        if check.comment and job.feedback == "full":
            shown += f"\nChecker: {check.comment}"
        score.fail("failed", text.tidy(shown))
