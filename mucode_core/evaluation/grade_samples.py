"""The command `mucode grade`: files in, verdicts and counts out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mucode_core.config import SandboxConfig
from mucode_core.errors import DataError, ExcludedError, PathError
from mucode_core.evaluation.regrading import Regrading, compare_verdicts, require_verdicts, write_changes
from mucode_core.evaluation.result_files.forms import open_result_file
from mucode_core.evaluation.result_files.rows import ResultFile
from mucode_core.evaluation.sample_files import GradeSummary, SampleFile, grade_samples, open_samples
from mucode_core.problems import find_data, resolve
from mucode_core.problems.budgets import describe_missing, set_time_limits
from mucode_core.problems.generated import SYNTHETIC, generate_named
from mucode_core.problems.reading import is_member, read_with_rows
from mucode_core.problems.registry import find_dataset
from mucode_core.problems.selection import no_match
from mucode_core.problems.stored import StoredProblems
from mucode_core.problems.where import Condition, holds
from mucode_core.progress import Progress
from mucode_core.sandbox import Limits, Sandbox, open_sandbox
from mucode_core.types import Problem

CACHE = Path("~/.cache/mucode/datasets")
"""Copies of the hub's data sets."""


@dataclass(frozen=True)
class Grading:
    """The results of grading a file."""

    summary: GradeSummary
    rate: float
    """Programs per second."""
    regrading: Regrading | None
    """Compared with the file's own verdicts, where that was asked for."""
    samples: SampleFile
    """What was graded, and the rows that were not."""
    bad_problem_rows: Sequence[DataError] = ()
    """Rows of the data set that are no problem."""


def grade(
    dataset: str,
    data: str,
    samples: Path,
    out: Path,
    settings: SandboxConfig,
    *,
    progress: Progress,
    say: Callable[[str], None],
    limit: int | None = None,
    metric: str | None = None,
    regrade: bool = False,
    extract: bool = False,
    keep_going: bool = True,
    where: Sequence[Condition] = (),
) -> Grading:
    """Grades a result file into `out`.

    Each problem's time limit follows from its reference solution, run first.

    Args:
        dataset: Name of the data set.
        data: Its file, or empty for the hub's; of synthetic problems the run's configuration, or empty for seed 0.
        samples: The result file; see `result_files.forms`.
        out: Parquet file to write.
        settings: Of the sandbox.
        progress: Counts time limits, then programs.
        say: Shows remarks to the user.
        limit: Grade only the first samples; None grades all.
        metric: Which of the file's verdicts is its own; see `open_result_file`.
        regrade: Compare with the file's own verdicts; what differs is written beside `out`, see `changes_path`.
        extract: Take the file's texts as answers of a model, and programs from them (`mucode_core.answers`).
        keep_going: Rows of either file that are no problem and no sample are findings, and the others are graded.
        where: Conditions on the problems whose samples are graded; other samples are skipped.

    Raises:
        DataError: Data, samples or `out` are invalid; without `keep_going` also a single row of them.
        SandboxError: The sandbox's infrastructure failed.
    """
    _require_files(samples, data)
    _check_out(out)
    source, loaded = _open(samples, metric, say), _load(dataset, data, out.parent, say, keep_going, where)
    checked = open_samples(
        source, loaded.problems, loaded.declarations, limit,
        are_answers=extract, keep_going=keep_going, omitted=loaded.omitted, is_partial=loaded.is_partial,
    )  # fmt: skip
    if regrade:
        require_verdicts(checked)
    summary, rate = _run(checked, out, settings, progress, say)
    return Grading(summary, rate, _regrade(checked, out) if regrade else None, checked, loaded.bad_rows)


def _run(
    checked: SampleFile, out: Path, settings: SandboxConfig, progress: Progress, say: Callable[[str], None]
) -> tuple[GradeSummary, float]:
    """Grades the samples, each problem within its limits; also returns how many programs ran per second."""
    with open_sandbox(settings) as sandbox:
        say(sandbox.isolation)
        limits = make_limits(settings)
        _limit_times(checked, sandbox, limits, progress, say)
        started = time.monotonic()
        omit = settings.on_bad_problem == "skip"
        summary = grade_samples(checked, sandbox, limits, out, leave_out_bad=omit, progress=progress)
        return summary, summary.num_samples / max(time.monotonic() - started, 1e-9)


def changes_path(out: Path) -> Path:
    """Where the changed verdicts are written: `graded.parquet` has `graded.changes.parquet` beside it."""
    return out.with_name(f"{out.stem}.changes.parquet")


def _open(samples: Path, metric: str | None, say: Callable[[str], None]) -> ResultFile:
    """The result file, after remarks on its form."""
    source = open_result_file(samples, metric)
    for remark in (f"{samples}: {source.form}", *source.remarks):
        say(remark)
    return source


def _regrade(checked: SampleFile, out: Path) -> Regrading:
    """Compares with the file's own verdicts; writes those that change."""
    found = compare_verdicts(checked, out)
    write_changes(found.changed, changes_path(out))
    return found


@dataclass
class _Loaded:
    problems: StoredProblems
    declarations: dict[str, str] = field(default_factory=dict[str, str])
    """By problem id, what completions continue."""
    bad_rows: list[DataError] = field(default_factory=list[DataError])
    omitted: set[str] = field(default_factory=set[str])
    """Ids of problems that do not meet the conditions."""
    is_partial: bool = False
    """Whether rows are excluded or no problem."""


def _load(
    dataset: str,
    data: str,
    folder: Path,
    say: Callable[[str], None],
    keep_going: bool,
    where: Sequence[Condition],
) -> _Loaded:
    if dataset == SYNTHETIC:
        return _Loaded(StoredProblems(generate_named(data, say)))
    path = find_data(dataset, data, CACHE.expanduser())
    name, reason = resolve(dataset, path)
    if reason:
        say(f"{path} has the format of {name}: {reason}")
    loaded = _Loaded(StoredProblems(folder=folder))
    for row in read_with_rows(dataset, path):
        if isinstance(row, ExcludedError):
            loaded.is_partial = True
            say(f"{row.location}: excluded: {row.problem}")
        elif isinstance(row, DataError):
            if not keep_going:
                raise row
            loaded.is_partial = True
            loaded.bad_rows.append(row)
        elif is_member(dataset, row.problem):
            loaded.problems.add(row.problem)
            if not holds(where, find_dataset(name).facts(row.row)):
                loaded.omitted.add(row.problem.problem_id)
            if (declare := find_dataset(name).declaration) is not None:
                loaded.declarations[row.problem.problem_id] = declare(row.row)
    if not loaded.problems:
        hint = f"name the file that holds {name}"
        raise loaded.bad_rows[0] if loaded.bad_rows else DataError("no rows", location=str(path), hint=hint)
    if len(loaded.omitted) == len(loaded.problems) and (error := no_match(dataset, path, where)):
        raise error
    return loaded


def _check_out(out: Path) -> None:
    """Refuses, before anything runs, a path that could not be written at the end."""
    if out.is_dir():
        raise DataError("is a directory", location=str(out), hint="name a file by --out")
    if not out.parent.is_dir():
        raise DataError("no such directory", location=str(out.parent), hint="create it, or name another --out")
    if not os.access(out.parent, os.W_OK):
        raise DataError("cannot be written to", location=str(out.parent), hint="name another --out")


def _require_files(samples: Path, data: str) -> None:
    """Refuses all missing paths at once."""
    missing = [str(path) for path in (samples, *([Path(data)] if data else [])) if not path.exists()]
    if missing:
        raise PathError("no such file", location=", ".join(missing), hint="name files by --samples and --data")


def make_limits(settings: SandboxConfig) -> Limits:
    """The limits of a program that the settings of a command give."""
    return Limits(cpu_s=settings.cpu_s, memory_mb=settings.memory_mb)


def _limit_times(
    checked: SampleFile, sandbox: Sandbox, limits: Limits, progress: Progress, say: Callable[[str], None]
) -> None:
    """Sets the time limits of the problems that have samples; those whose tests cannot be run stay as they are."""
    ids = checked.problem_ids
    missing: list[str] = []

    def unlimited() -> Iterator[Problem]:
        for done, problem_id in enumerate(ids, 1):
            problem = checked.problems[problem_id]
            if problem.reference_solution is None:
                missing.append(problem_id)
            if problem.time_limit_s is None:
                yield problem
            progress(done, len(ids), "time limits")

    for problem in set_time_limits(unlimited(), sandbox, limits, on_bad_problem="skip"):
        checked.problems.limit_time(problem.problem_id, problem.time_limit_s)
    if missing:
        say(describe_missing(missing))
