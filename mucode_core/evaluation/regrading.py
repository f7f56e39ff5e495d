"""The verdicts of a result file against ours: which differ, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from mucode_core.errors import DataError
from mucode_core.evaluation.graded_figures import read_graded
from mucode_core.evaluation.sample_files import SampleFile
from mucode_core.store.schemas import register, to_table
from mucode_core.system.atomic_files import replacing
from mucode_core.types import GradedSample


@register
@dataclass(frozen=True, slots=True)
class ChangedVerdict:
    """A sample on which the file's verdict and ours differ."""

    problem_id: str
    sample_index: int
    """Index among the samples of the problem, in the file's order."""
    location: str
    """Where the file has it."""
    passed_there: bool
    passed_here: bool
    remark: str
    """What the file says about its verdict."""
    status: str
    """Of our verdict."""
    num_passed: int
    num_tests: int
    reason: str
    """Why it fails where it fails: our feedback, or the file's remark."""


@dataclass(frozen=True)
class Regrading:
    """Counts over the samples of a file that have a verdict there and here."""

    agreeing: Counter[bool]
    """By verdict, the samples on which both agree."""
    changed: list[ChangedVerdict]
    num_without: int
    """Samples without a verdict in the file, or that were not judged here."""

    @property
    def num_compared(self) -> int:
        return self.agreeing.total() + len(self.changed)


def require_verdicts(samples: SampleFile) -> None:
    """Refuses a file without verdicts before anything is run.

    Raises:
        DataError: The file has none.
    """
    if all(row.passed is None for row in samples.rows()):
        hint = "name a file with results, such as *_eval_results.json, or omit --regrade"
        raise DataError(f"{samples.source.form} without verdicts", location=str(samples.source.path), hint=hint)


def compare_verdicts(samples: SampleFile, graded: Path) -> Regrading:
    """Compares the file's own verdicts with those that `grade_samples` wrote for it."""
    agreeing: Counter[bool] = Counter()
    changed: list[ChangedVerdict] = []
    num_without = 0
    ours = {(row.problem_id, row.sample_index): row for row in read_graded(graded)}
    for location, passed, remark, key in _verdicts_there(samples):
        row = ours.get(key)
        if passed is None or row is None or row.status == "not_judged":
            num_without += 1
        elif row.passed == passed:
            agreeing[passed] += 1
        else:
            changed.append(_changed(row, location, passed, remark))
    return Regrading(agreeing, changed, num_without)


def _verdicts_there(samples: SampleFile) -> Iterator[tuple[str, bool | None, str, tuple[str, int]]]:
    counts: Counter[str] = Counter()
    for row in samples.rows():
        problem_id = samples.names[row.key]
        yield row.location, row.passed, row.remark, (problem_id, counts[problem_id])
        counts[problem_id] += 1


def _changed(row: GradedSample, location: str, passed: bool, remark: str) -> ChangedVerdict:
    return ChangedVerdict(
        problem_id=row.problem_id,
        sample_index=row.sample_index,
        location=location,
        passed_there=passed,
        passed_here=row.passed,
        remark=remark,
        status=row.status,
        num_passed=row.num_passed,
        num_tests=row.num_tests,
        reason=remark if row.passed else row.feedback,
    )


def write_changes(changed: list[ChangedVerdict], out: Path) -> None:
    """Writes the rows as Parquet, whole or not at all.

    Raises:
        DataError: The file cannot be written.
    """
    with replacing(out) as partial:
        pq.write_table(to_table(changed, ChangedVerdict), partial, compression="zstd")
