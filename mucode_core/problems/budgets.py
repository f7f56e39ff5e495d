"""Time limits of problems, from what their reference solutions use (sandbox design: 50 times that, within bounds)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mucode_core.grading import grade_programs
from mucode_core.sandbox.base import Limits, Sandbox
from mucode_core.types import Problem, Verdict

_MULTIPLE, _SHORTEST_S, _LONGEST_S = 50.0, 1.0, 10.0
_LEAST_MULTIPLE = 4.0
"""Of a reference that is itself slow."""
_REFERENCE_CPU_S = 60.0


def check_references(
    problems: Iterable[Problem], sandbox: Sandbox, limits: Limits
) -> Iterator[tuple[Problem, Verdict, Verdict]]:
    """Runs every reference solution; yields problem, public and private verdict, in order.

    Each has its problem's own time limit, or ample time where there is none. Problems without a reference count as
    having no program.
    """
    rows = list(problems)
    ample = replace(limits, cpu_s=_REFERENCE_CPU_S)
    programs = ((problem, problem.reference_solution) for problem in rows)
    verdicts = grade_programs(sandbox, programs, limits=ample, feedback="full")
    for problem, (public, private) in zip(rows, verdicts, strict=True):
        yield problem, public, private


def time_limit(reference_s: float) -> float:
    """CPU seconds for programs of a problem whose reference takes `reference_s`.

    A power of four, so that measurements on another day or machine nearly always give the same limit.
    """
    wanted = max(_SHORTEST_S, min(_LONGEST_S, _MULTIPLE * reference_s), _LEAST_MULTIPLE * reference_s)
    return 4.0 ** math.ceil(math.log(wanted, 4))


def set_time_limits(problems: Iterable[Problem], sandbox: Sandbox, limits: Limits) -> Iterator[Problem]:
    """The problems with a time limit each; those that have one, or no reference that passes, stay as they are."""
    rows = list(problems)
    measured = check_references([p for p in rows if p.time_limit_s is None], sandbox, limits)
    for problem in rows:
        if problem.time_limit_s is not None:
            yield problem
            continue
        _, public, private = next(measured)
        passed = public.passed and private.passed
        yield replace(problem, time_limit_s=time_limit(public.cpu_s + private.cpu_s)) if passed else problem
