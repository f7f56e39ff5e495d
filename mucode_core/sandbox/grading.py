"""Programs and problems in, public and private verdicts out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from mucode_core.errors import ProblemError
from mucode_core.sandbox.base import FeedbackStyle, Job, Limits, Sandbox, Verdicts
from mucode_core.types import Problem, Test, Verdict

OnBadProblem = Literal["error", "skip"]
Delegated = Literal["trust", "distrust"]
NO_CODE_FEEDBACK = "No program found in the answer."


def grade_programs(
    sandbox: Sandbox,
    rows: Iterable[tuple[Problem, str | None]],
    *,
    limits: Limits,
    feedback: FeedbackStyle,
    on_bad_problem: OnBadProblem = "error",
    delegated: Delegated = "distrust",
) -> Iterator[Verdicts]:
    """Yields the (public, private) verdicts of each row, in order and streamed; one run gives both.

    A problem's own time limit replaces `limits.cpu_s`. Where there is no program the status is `no_code`. An empty set
    of tests is passed, 0 of 0, by any program: a problem without private tests is solved by passing the public ones.

    Args:
        sandbox: Where programs run.
        rows: Problems, each with a program or None.
        limits: Budgets of one program's run against all its tests.
        feedback: Style of the verdicts' texts.
        on_bad_problem: "error" stops at a problem whose tests cannot be run; "skip" yields `not_judged` for it.
        delegated: "trust" takes the word of the program's objects where tests rely on it: `num_delegated` is 0.

    Raises:
        ProblemError: The tests of a problem cannot be run, and that is an error.
        SandboxError: An infrastructure failure; never because of a program.
    """
    ungraded: deque[Problem | Verdicts] = deque()
    """Rows taken and not yet yielded: problems whose program runs, verdicts where it need not."""

    def jobs() -> Iterator[Job]:
        for problem, code in rows:
            if code is None:
                ungraded.append((_no_code(problem.public_tests), _no_code(problem.private_tests)))
            elif not problem.public_tests and not problem.private_tests:
                ungraded.append((_NO_TESTS, _NO_TESTS))
            else:
                ungraded.append(problem)
                yield _make_job(problem, code, limits, feedback)

    for first, second in sandbox.run(jobs()):
        yield from _take_ready(ungraded)
        problem = ungraded.popleft()
        assert isinstance(problem, Problem)
        if first.status == "not_judged" and on_bad_problem == "error":
            hint = "fix the problem, or skip it with `on_bad_problem: skip`"
            raise ProblemError(first.feedback, location=problem.problem_id, hint=hint)
        judged = (first, second) if problem.public_tests else (_NO_TESTS, first)
        yield judged if delegated == "distrust" else (_trusted(judged[0]), _trusted(judged[1]))
    yield from _take_ready(ungraded)


_NO_TESTS = Verdict("passed", 0, 0, "", 0.0)


def _trusted(verdict: Verdict) -> Verdict:
    return replace(verdict, num_delegated=0)


def _no_code(tests: tuple[Test, ...]) -> Verdict:
    return Verdict("no_code", 0, len(tests), NO_CODE_FEEDBACK, 0.0)


def _take_ready(ungraded: deque[Problem | Verdicts]) -> Iterator[Verdicts]:
    """Removes and yields the rows at the head that need no run."""
    while ungraded and not isinstance(ungraded[0], Problem):
        yield ungraded.popleft()  # pyright: ignore[reportReturnType]  # the loop's condition says what it is


def _make_job(problem: Problem, code: str, limits: Limits, feedback: FeedbackStyle) -> Job:
    if problem.time_limit_s is not None:
        limits = replace(limits, cpu_s=problem.time_limit_s)
    suites = [tests for tests in (problem.public_tests, problem.private_tests) if tests]
    tests, private_tests = suites[0], suites[1] if len(suites) > 1 else ()
    return Job(
        code.removeprefix("\ufeff"),  # Python skips it at the beginning of a file
        tests,
        problem.kind,
        problem.setup,
        problem.entry_point,
        limits,
        feedback,
        private_tests,
        problem.compare,
        problem.checker,
        problem.in_place,
        problem.prelude,
    )
