"""Figures from pools of graded samples: what selection by public tests gains over random, without drawing again."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mucode_core import schemas
from mucode_core.errors import DataError
from mucode_core.metrics import Interval, Values, bootstrap, pass_at_k
from mucode_core.report import format_interval
from mucode_core.results import Resampling, without_nan
from mucode_core.types import GradedSample


@dataclass(frozen=True)
class PoolFigures:
    """What the samples of one file say, in percent, with 95 % intervals over problems."""

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


def measure_pools(rows: Sequence[GradedSample], ns: Sequence[int], how: Resampling) -> PoolFigures:
    """Figures for each N, on the problems that have as many samples.

    Raises:
        DataError: There are no samples, or no problem has as many as the smallest N.
    """
    pools: dict[str, list[GradedSample]] = {}
    for row in rows:
        pools.setdefault(row.problem_id, []).append(row)
    sizes = [len(pool) for pool in pools.values()]
    if not sizes or max(sizes) < min(ns):
        problem = f"no problem has {min(ns)} samples; the most is {max(sizes, default=0)}"
        raise DataError(problem, place="-n", cure="ask for a smaller N, or draw more samples")
    usable = {n: counts for n in ns if (counts := [_count(pool) for pool in pools.values() if len(pool) >= n])}

    def over_problems(value: Callable[[tuple[int, int, int], int], float]) -> dict[int, Interval]:
        return {n: _mean([value(c, n) for c in counts], how) for n, counts in usable.items()}

    return PoolFigures(
        num_samples=len(rows),
        pool_size=(min(sizes), max(sizes)),
        num_problems={n: len(counts) for n, counts in usable.items()},
        random=over_problems(lambda c, _: c[2] / c[0]),
        public=over_problems(lambda c, n: public_selection(*c, n)),
        oracle=over_problems(lambda c, n: pass_at_k(c[0], c[2], n)),
        gain=over_problems(lambda c, n: public_selection(*c, n) - c[2] / c[0]),
        public_only=_mean([(public - correct) / size for size, public, correct in map(_count, pools.values())], how),
        statuses=dict(sorted(Counter(row.status for row in rows).items())),
    )


def _count(pool: Sequence[GradedSample]) -> tuple[int, int, int]:
    """Samples; those that pass the public tests; those that pass all."""
    return len(pool), sum(row.public_passed for row in pool), sum(row.passed for row in pool)


def _mean(shares: Sequence[float] | Values, how: Resampling) -> Interval:
    return bootstrap([100 * share for share in shares], num_resamples=how.num_resamples, seed=how.seed)


def read_graded(path: Path) -> list[GradedSample]:
    """Reads what `mucode grade` wrote.

    Raises:
        DataError: There is no such file, or it is no Parquet.
        ArtifactError: Its schema is another one.
    """
    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise DataError("no such file", place=str(path), cure="name a file that `mucode grade` wrote") from None
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"cannot be read: {error}", place=str(path), cure="grade the samples again") from error
    return schemas.from_table(table, GradedSample)


def pool_rows(figures: PoolFigures) -> list[list[str]]:
    """The table, header first."""
    rows = [["N", "problems", "random, %", "pt, %", "pt - random, points", "oracle (pass@N), %"]]
    for n, count in figures.num_problems.items():
        intervals = (figures.random[n], figures.public[n], figures.gain[n], figures.oracle[n])
        rows.append([str(n), str(count), *map(format_interval, intervals)])
    return rows


def default_ns(rows: Sequence[GradedSample]) -> list[int]:
    """1, 2, 5, 10, 20, ... up to the smallest pool, and that."""
    pools = Counter(row.problem_id for row in rows)
    smallest = min(pools.values(), default=1)
    steps = (base * 10**power for power in range(math.ceil(math.log10(smallest + 1)) + 1) for base in (1, 2, 5))
    return sorted({*(n for n in steps if n <= smallest), smallest})
