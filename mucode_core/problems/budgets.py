"""Time limits of problems: 50 times the CPU time of their reference solution, within bounds."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from mucode_core.errors import ProblemError
from mucode_core.sandbox.base import Limits, Sandbox
from mucode_core.sandbox.grading import OnBadProblem, grade_programs
from mucode_core.types import Problem, Verdict
from mucode_core.wording import count

_MULTIPLE, _SHORTEST_S, _LONGEST_S = 50.0, 1.0, 10.0
_LEAST_MULTIPLE = 4.0
"""For a slow reference."""
REFERENCE_CPU_S = 60.0
"""CPU seconds of a reference solution whose problem has no limit."""
_SHOWN = 10


def check_references(
    problems: Iterable[Problem], sandbox: Sandbox, limits: Limits
) -> Iterator[tuple[Problem, Verdict, Verdict]]:
    """Runs every reference solution; yields problem, public and private verdict, in order.

    Problems are taken from the iterable as they are run, a bounded number ahead.

    Each runs under its problem's time limit, or else a generous one. Problems without a reference are graded as having
    no program; those whose tests cannot be run are `not_judged`.
    """
    ahead: deque[Problem] = deque()
    ample = replace(limits, cpu_s=REFERENCE_CPU_S)

    def programs() -> Iterator[tuple[Problem, str | None]]:
        for problem in problems:
            ahead.append(problem)
            yield problem, problem.reference_solution

    for public, private in grade_programs(sandbox, programs(), limits=ample, feedback="full", on_bad_problem="skip"):
        yield ahead.popleft(), public, private


def time_limit(reference_s: float) -> float:
    """CPU seconds for programs of a problem whose reference takes `reference_s`.

    A power of four, so that measurements at other times or on other machines nearly always give the same limit.
    """
    seconds = max(_SHORTEST_S, min(_LONGEST_S, _MULTIPLE * reference_s), _LEAST_MULTIPLE * reference_s)
    return 4.0 ** math.ceil(math.log(seconds, 4))


def set_time_limits(
    problems: Iterable[Problem], sandbox: Sandbox, limits: Limits, *, on_bad_problem: OnBadProblem = "error"
) -> Iterator[Problem]:
    """Sets missing time limits; problems that have one, or no passing reference, are unchanged.

    Problems are taken as they are run; those that have a limit wait for the next that has none.

    Args:
        problems: The problems.
        sandbox: Where their reference solutions run.
        limits: Budgets of a run; the CPU seconds are generous.
        on_bad_problem: "skip" omits those whose tests cannot be run.

    Raises:
        ProblemError: With all whose tests cannot be run, once every reference has run, unless they are skipped.
    """
    bad: list[str] = []
    ahead: deque[Problem] = deque()

    def unlimited() -> Iterator[Problem]:
        for problem in problems:
            ahead.append(problem)
            if problem.time_limit_s is None:
                yield problem

    for problem, public, private in check_references(unlimited(), sandbox, limits):
        while ahead[0] is not problem:
            yield ahead.popleft()
        ahead.popleft()
        if public.status == "not_judged":
            bad.append(f"{problem.problem_id}: {public.feedback}")
            continue
        passed = public.passed and private.passed
        yield replace(problem, time_limit_s=time_limit(public.cpu_s + private.cpu_s)) if passed else problem
    yield from ahead
    if bad and on_bad_problem == "error":
        shown = "; ".join(bad[:_SHOWN]) + ("; ..." if len(bad) > _SHOWN else "")
        hint = "fix the problems, or leave them out with `on_bad_problem: skip`"
        raise ProblemError(
            f"{count(len(bad), 'problem')} whose tests cannot be run: {shown}", location="problems", hint=hint
        )


def describe_missing(problem_ids: Sequence[str]) -> str:
    """What the lack of reference solutions means."""
    more = f" and {len(problem_ids) - _SHOWN} more" if len(problem_ids) > _SHOWN else ""
    named = ", ".join(problem_ids[:_SHOWN])
    return (
        f"{len(problem_ids)} problem{'' if len(problem_ids) == 1 else 's'} without a reference_solution "
        f"({named}{more}): tests are not checked, and sandbox.cpu_s limits programs if the row gives no time_limit_s"
    )
