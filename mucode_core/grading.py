"""Programs and problems in, public and private verdicts out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mucode_core.sandbox.base import FeedbackStyle, Job, Limits, Sandbox
from mucode_core.types import Problem, Test, Verdict

NO_CODE_FEEDBACK = "No program found in the answer."


def grade_programs(
    sandbox: Sandbox,
    rows: Iterable[tuple[Problem, str | None]],
    *,
    limits: Limits,
    feedback: FeedbackStyle,
) -> Iterator[tuple[Verdict, Verdict]]:
    """Yields the (public, private) verdicts of each row, in order and streamed.

    A problem's own time limit replaces `limits.cpu_s`. Where there is no program the status is `no_code`. An empty set
    of tests is passed, 0 of 0, by any program: a problem without private tests is solved by passing the public ones.

    Args:
        sandbox: Where programs run.
        rows: Problems, each with a program or None.
        limits: Budgets of one run against one set of tests.
        feedback: Style of the verdicts' texts.

    Raises:
        SandboxError: The machinery failed; never because of a program.
    """
    graded: deque[list[Verdict | None]] = deque()

    def jobs() -> Iterator[Job]:
        for problem, code in rows:
            verdicts = [_verdict_without_run(code, tests) for tests in (problem.public_tests, problem.private_tests)]
            graded.append(verdicts)
            for tests, verdict in zip((problem.public_tests, problem.private_tests), verdicts, strict=True):
                if verdict is None and code is not None:
                    yield _make_job(problem, code, tests, limits, feedback)

    for verdict in sandbox.run(jobs()):
        yield from _take_ready(graded)
        graded[0][graded[0].index(None)] = verdict
    yield from _take_ready(graded)


def _take_ready(graded: deque[list[Verdict | None]]) -> Iterator[tuple[Verdict, Verdict]]:
    """Removes and yields the rows at the head that need no further run."""
    while graded:
        public, private = graded[0]
        if public is None or private is None:
            return
        graded.popleft()
        yield public, private


def _verdict_without_run(code: str | None, tests: tuple[Test, ...]) -> Verdict | None:
    if code is None:
        return Verdict("no_code", 0, len(tests), NO_CODE_FEEDBACK, 0.0)
    return None if tests else Verdict("passed", 0, 0, "", 0.0)


def _make_job(problem: Problem, code: str, tests: tuple[Test, ...], limits: Limits, feedback: FeedbackStyle) -> Job:
    if problem.time_limit_s is not None:
        limits = replace(limits, cpu_s=problem.time_limit_s)
    return Job(code, tests, problem.kind, problem.setup, problem.entry_point, limits, feedback)
