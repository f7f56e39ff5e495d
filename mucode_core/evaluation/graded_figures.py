"""Figures of graded samples: the gain of selection by public tests over random, without new samples."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mucode_core.errors import ArtifactError, DataError, PathError
from mucode_core.evaluation.metrics import Interval, Resampling, Values, bootstrap, pass_at_k
from mucode_core.evaluation.result_json import without_nan
from mucode_core.store import schemas
from mucode_core.types import GradedSample
from mucode_core.wording import count


@dataclass(frozen=True)
class GradedFigures:
    """The figures of one file's samples, in percent, with 95 % intervals over problems."""

    num_samples: int
    pool_size: tuple[int, int]
    """Fewest and most samples of a problem."""
    num_problems: dict[int, int]
    """By N, problems that have as many samples; the figures for this N are theirs."""
    random: dict[int, Interval]
    """By N, accuracy of one of N samples: the same for every N, but for the problems it is measured on."""
    public: dict[int, Interval]
    """By N, accuracy of selecting by public tests; pt of a search with one turn."""
    oracle: dict[int, Interval]
    """By N, pass@N: the bound of every selection."""
    gain: dict[int, Interval]
    """By N, public minus random, paired by problem, points."""
    public_only: Interval
    """Percent of the samples that pass public tests and fail private ones, problems weighted equally."""
    statuses: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        return without_nan(asdict(self))


def public_selection(num_samples: int, num_public_passed: int, num_correct: int, n: int) -> float:
    """Probability that selecting by public tests among n samples, drawn without replacement, finds a correct one.

    One of those that pass the public tests is taken at random, any where none passes. All samples that pass are alike
    to the draw, so this is P(one of n passes the public tests) * num_correct / num_public_passed, in the manner of
    Chen et al. 2021, section 2.1.

    Raises:
        DataError: There are fewer than n samples.
    """
    if num_public_passed == 0:
        return 0.0
    return pass_at_k(num_samples, num_public_passed, n) * num_correct / num_public_passed


def measure_graded(rows: Sequence[GradedSample], ns: Sequence[int], how: Resampling) -> GradedFigures:
    """Figures for each N, on the problems that have as many samples.

    Raises:
        DataError: There are no samples, or no problem has as many as the smallest N.
    """
    by_problem: dict[str, list[GradedSample]] = {}
    for row in rows:
        by_problem.setdefault(row.problem_id, []).append(row)
    sizes = [len(samples) for samples in by_problem.values()]
    if not sizes or max(sizes) < min(ns):
        problem = f"no problem has {count(min(ns), 'sample')}; the most is {max(sizes, default=0)}"
        raise DataError(problem, location="-n", hint="ask for a smaller N, or draw more samples")
    usable = {
        n: counts for n in ns if (counts := [_count(samples) for samples in by_problem.values() if len(samples) >= n])
    }

    def over_problems(value: Callable[[tuple[int, int, int], int], float]) -> dict[int, Interval]:
        return {n: _mean([value(c, n) for c in counts], how) for n, counts in usable.items()}

    return GradedFigures(
        num_samples=len(rows),
        pool_size=(min(sizes), max(sizes)),
        num_problems={n: len(counts) for n, counts in usable.items()},
        random=over_problems(lambda c, _: c[2] / c[0]),
        public=over_problems(lambda c, n: public_selection(*c, n)),
        oracle=over_problems(lambda c, n: pass_at_k(c[0], c[2], n)),
        gain=over_problems(lambda c, n: public_selection(*c, n) - c[2] / c[0]),
        public_only=_mean(
            [(public - correct) / size for size, public, correct in map(_count, by_problem.values())], how
        ),
        statuses=dict(sorted(Counter(row.status for row in rows).items())),
    )


def _count(samples: Sequence[GradedSample]) -> tuple[int, int, int]:
    """Samples; those that pass the public tests; those that pass all."""
    return len(samples), sum(row.public_passed for row in samples), sum(row.passed for row in samples)


def _mean(shares: Sequence[float] | Values, how: Resampling) -> Interval:
    return bootstrap([100 * share for share in shares], num_resamples=how.num_resamples, seed=how.seed)


def read_graded(path: Path) -> list[GradedSample]:
    """Reads what `mucode grade` wrote.

    Raises:
        DataError: There is no such file, or `mucode grade` has not written it.
    """
    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise PathError("no such file", location=str(path), hint="name a file that `mucode grade` wrote") from None
    except pa.ArrowInvalid as error:
        hint = "name a file that `mucode grade` wrote"
        raise DataError("is not a Parquet file", location=str(path), hint=hint) from error
    except OSError as error:
        raise DataError(f"cannot be read: {error}", location=str(path), hint="grade the samples again") from error
    try:
        return schemas.from_table(table, GradedSample)
    except ArtifactError as error:
        problem = "was not written by `mucode grade` of this version"
        raise DataError(problem, location=str(path), hint="grade the samples into a Parquet file first") from error


def default_ns(rows: Sequence[GradedSample]) -> list[int]:
    """1, 2, 5, 10, 20, ... up to the fewest samples of a problem, and that."""
    smallest = min(Counter(row.problem_id for row in rows).values(), default=1)
    steps = (base * 10**power for power in range(math.ceil(math.log10(smallest + 1)) + 1) for base in (1, 2, 5))
    return sorted({*(n for n in steps if n <= smallest), smallest})
