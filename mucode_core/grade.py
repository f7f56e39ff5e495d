"""The commands `mucode grade` and `mucode problems check`: files in, verdicts and counts out."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from mucode_core.config import SandboxConfig
from mucode_core.console import counting
from mucode_core.errors import DataError
from mucode_core.problems import find_data, load_problems, read_declarations
from mucode_core.problems.budgets import check_references, set_time_limits
from mucode_core.problems.leaks import find_leaks
from mucode_core.samples import GradeSummary, grade_samples, open_samples
from mucode_core.sandbox import Limits, Sandbox, open_sandbox
from mucode_core.types import Problem

CACHE = Path("~/.cache/mucode/datasets")
"""Copies of the hub's data sets."""


@dataclass(frozen=True)
class Failure:
    """A reference solution that does not pass."""

    problem_id: str
    status: str
    feedback: str


def grade(
    dataset: str, data: str, samples: Path, out: Path, settings: SandboxConfig, console: Console
) -> tuple[GradeSummary, float]:
    """Grades a sample file into `out`; returns the counts and programs a second.

    Each problem's time limit follows from its reference solution, run first.

    Raises:
        DataError: Data, samples or `out` are not what they should be.
        SandboxError: The machinery failed.
    """
    path = find_data(dataset, data, CACHE.expanduser())
    _check_out(out)
    problems = load_problems(dataset, path)
    checked = open_samples(samples, problems, read_declarations(dataset, path, problems))
    with open_sandbox(settings) as sandbox:
        console.print(sandbox.isolation, markup=False)
        limits = _limits(settings)
        limited = _limit_times(list(checked.problems.values()), sandbox, limits, console)
        checked = checked.with_problems(limited)
        started = time.monotonic()
        with counting("grading", console) as progress:
            summary = grade_samples(checked, sandbox, limits, out, progress=progress)
        return summary, summary.num_samples / max(time.monotonic() - started, 1e-9)


def _check_out(out: Path) -> None:
    """Refuses before anything is run what could not be written after."""
    if out.is_dir():
        raise DataError("is a directory", place=str(out), cure="name a file by --out")
    if not out.parent.is_dir():
        raise DataError("no such directory", place=str(out.parent), cure="make it, or name another --out")
    if not os.access(out.parent, os.W_OK):
        raise DataError("cannot be written to", place=str(out.parent), cure="name another --out")


def check_problems(
    dataset: str, data: str, settings: SandboxConfig, console: Console
) -> tuple[int, list[Failure], float]:
    """Runs every reference solution; returns the number of problems, the failures and programs a second.

    Raises:
        DataError: The data set is not what it should be.
        SandboxError: The machinery failed.
    """
    problems = load_problems(dataset, find_data(dataset, data, CACHE.expanduser()))
    for leak in find_leaks(problems):
        console.print(
            f"{leak.problem.problem_id} ({leak.problem.split}) is {leak.copy.problem_id} ({leak.copy.split}) too: "
            f"{leak.problem.split} splits leave it out",
            markup=False,
            highlight=False,
        )
    failures: list[Failure] = []
    with open_sandbox(settings) as sandbox, counting("reference solutions", console) as progress:
        console.print(sandbox.isolation, markup=False)
        started = time.monotonic()
        for done, (problem, public, private) in enumerate(check_references(problems, sandbox, _limits(settings)), 1):
            if not (public.passed and private.passed):
                first = private if public.passed else public
                failures.append(Failure(problem.problem_id, first.status, first.feedback))
            progress(done, len(problems), "programs")
    return len(problems), failures, len(problems) / max(time.monotonic() - started, 1e-9)


def _limits(settings: SandboxConfig) -> Limits:
    return Limits(cpu_s=settings.cpu_s, memory_mb=settings.memory_mb)


def _limit_times(problems: Sequence[Problem], sandbox: Sandbox, limits: Limits, console: Console) -> dict[str, Problem]:
    """By id, the problems with their time limits."""
    unique = {problem.problem_id: problem for problem in problems}
    limited: dict[str, Problem] = {}
    with counting("time limits", console) as progress:
        for problem in set_time_limits(unique.values(), sandbox, limits):
            limited[problem.problem_id] = problem
            progress(len(limited), len(unique), "programs")
    return limited
