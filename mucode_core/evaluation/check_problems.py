"""The command `mucode problems check`: a data set in, verdicts on its reference solutions and findings out."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from mucode_core.config import SandboxConfig
from mucode_core.errors import DataError, ExcludedError
from mucode_core.evaluation.grade_samples import CACHE, make_limits
from mucode_core.problems import find_data, resolve
from mucode_core.problems.budgets import REFERENCE_CPU_S
from mucode_core.problems.generated import SYNTHETIC, generate_named
from mucode_core.problems.leaks import LeakSearch
from mucode_core.problems.reading import ReadRow
from mucode_core.problems.remarks import Remarks
from mucode_core.problems.selection import Selection, choose_ids, select_problems
from mucode_core.problems.suite_checks import Finding, IdleOutcome, check_suite, idle_program
from mucode_core.progress import Progress
from mucode_core.sandbox import Sandbox, open_sandbox
from mucode_core.sandbox.base import Limits, Verdicts
from mucode_core.sandbox.grading import grade_programs
from mucode_core.types import Problem


@dataclass(frozen=True)
class FailedReference:
    """A reference solution that does not pass, or a problem whose tests cannot be run (`not_judged`)."""

    problem_id: str
    status: str
    feedback: str


@dataclass
class ProblemsCheck:
    """The results of running reference solutions."""

    num_checked: int = 0
    """Problems with a reference solution."""
    failures: list[FailedReference] = field(default_factory=list[FailedReference])
    without_reference: list[str] = field(default_factory=list[str])
    """Ids of problems that have none: nothing was run for them."""
    bad_rows: list[DataError] = field(default_factory=list[DataError])
    """Rows that are no problem, each with its location."""
    findings: list[Finding] = field(default_factory=list[Finding])
    """On weak tests; verdicts are possible all the same."""
    rate: float = 0.0
    """Reference solutions per second."""

    @property
    def bad_problems(self) -> list[str]:
        """Problems whose tests cannot be run."""
        return [failure.problem_id for failure in self.failures if failure.status == "not_judged"]


def check_problems(
    dataset: str,
    data: str,
    settings: SandboxConfig,
    selection: Selection,
    *,
    progress: Progress,
    say: Callable[[str], None],
) -> ProblemsCheck:
    """Runs every reference solution of the selected problems, as their rows are read.

    A row that is no problem is a finding. `progress` counts problems; `say` shows failures and remarks to the user as
    they come, but not the errors of rows (`bad_rows`).

    Raises:
        DataError: The file cannot be opened, or no row was read.
        ConfigError: There is no such data set.
        SandboxError: The sandbox's infrastructure failed.
    """
    rows = _open(dataset, data, selection, say)
    found, search = ProblemsCheck(), LeakSearch()
    with open_sandbox(settings) as sandbox:
        say(sandbox.isolation)
        started = time.monotonic()
        problems = _examine(rows, Remarks(settings.packages), search, found, say)
        for checked in _run(problems, sandbox, make_limits(settings)):
            _note(checked, found, say)
            progress(found.num_checked + len(found.without_reference), selection.limit or 0, "problems")
        found.rate = found.num_checked / max(time.monotonic() - started, 1e-9)
    if not found.num_checked and not found.without_reference and not found.bad_rows:
        hint = "name the file that holds the data set, or other conditions by --where"
        raise DataError("no rows", location=data or dataset, hint=hint)
    for leak in search.leaks():
        split, copy = leak.problem.split, leak.copy
        say(f"{leak.problem.problem_id} ({split}) is {copy.problem_id} ({copy.split}) too: {split} splits omit it")
    return found


def _examine(
    rows: Iterable[ReadRow | DataError],
    remarks: Remarks,
    search: LeakSearch,
    found: ProblemsCheck,
    say: Callable[[str], None],
) -> Iterator[Problem]:
    """The problems for which something runs; adds errors and findings to the results, and shows the findings."""
    for row in rows:
        if isinstance(row, ExcludedError):
            _add([Finding(row.location, f"excluded: {row.problem}")], found, say)
        elif isinstance(row, DataError):
            found.bad_rows.append(row)
        else:
            _add(remarks.on(row) if row.row else (), found, say)
            problem = row.problem
            search.add(problem)
            if problem.reference_solution is None:
                found.without_reference.append(problem.problem_id)
            if problem.reference_solution is not None or idle_program(problem) is not None:
                yield problem


def _add(findings: Iterable[Finding], found: ProblemsCheck, say: Callable[[str], None]) -> None:
    for finding in findings:
        found.findings.append(finding)
        say(f"{finding.problem_id}: {finding.text}")


def _open(dataset: str, data: str, selection: Selection, say: Callable[[str], None]) -> Iterator[ReadRow | DataError]:
    if dataset == SYNTHETIC:
        made = generate_named(data, say)
        chosen = set(choose_ids((problem.problem_id for problem in made), selection.limit, selection.seed))
        return (ReadRow(problem, {}) for problem in made if problem.problem_id in chosen)
    path = find_data(dataset, data, CACHE.expanduser())
    name, reason = resolve(dataset, path)
    if reason:
        say(f"{path} has the format of {name}: {reason}")
    return select_problems(dataset, path, selection)


@dataclass(frozen=True)
class _Checked:
    problem: Problem
    reference: Verdicts | None
    idle: IdleOutcome


def _run(problems: Iterator[Problem], sandbox: Sandbox, limits: Limits) -> Iterator[_Checked]:
    """The verdicts on each problem's reference and idle program; few problems are in memory at a time."""
    ahead: deque[tuple[Problem, bool]] = deque()
    """Problems taken, each with whether its idle program runs."""

    def programs() -> Iterator[tuple[Problem, str]]:
        for problem in problems:
            idle = idle_program(problem)
            ahead.append((problem, idle is not None))
            if problem.reference_solution is not None:
                yield replace(problem, time_limit_s=problem.time_limit_s or REFERENCE_CPU_S), problem.reference_solution
            if idle is not None:
                yield problem, idle

    verdicts = grade_programs(sandbox, programs(), limits=limits, feedback="full", on_bad_problem="skip")
    for first in verdicts:
        problem, has_idle = ahead.popleft()
        has_reference = problem.reference_solution is not None
        idle = (next(verdicts) if has_reference else first) if has_idle else None
        yield _Checked(problem, first if has_reference else None, _outcome_of(idle))


def _outcome_of(idle: Verdicts | None) -> IdleOutcome:
    if idle is None:
        return IdleOutcome()
    return IdleOutcome(idle[0].passed and idle[1].passed, "timeout" in (idle[0].status, idle[1].status))


def _note(checked: _Checked, found: ProblemsCheck, say: Callable[[str], None]) -> None:
    """Adds one problem's outcome to the results, and shows what is wrong with it."""
    problem = checked.problem
    if checked.reference is not None:
        found.num_checked += 1
        public, private = checked.reference
        if not (public.passed and private.passed):
            first = private if public.passed else public
            found.failures.append(FailedReference(problem.problem_id, first.status, first.feedback))
            said = f"{problem.problem_id}: {first.status}\n{first.feedback}".rstrip()
            say(said.replace("\n", "\n    "))
    _add(check_suite(problem, checked.idle), found, say)
