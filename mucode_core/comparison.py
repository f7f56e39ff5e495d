"""Comparing two runs on the same problems: paired, because their problems are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mucode_core.errors import DataError
from mucode_core.metrics import Interval, bootstrap, mcnemar
from mucode_core.outcomes import FINAL, Decoding, OutcomeTable, tabulate
from mucode_core.report import format_interval
from mucode_core.results import Resampling, rounded, without_nan
from mucode_core.types import ProblemOutcome


@dataclass(frozen=True)
class Comparison:
    """Two runs' final generators under one way of decoding, after the last turn."""

    decoding: str
    num_problems: int
    first: float
    """Accuracy of the first run, percent."""
    second: float
    difference: Interval
    """Second minus first, points; 95 % paired bootstrap over problems."""
    only_first: int | None
    """Problems that only the first run solves; None where a problem was searched more than once."""
    only_second: int | None
    p_value: float | None
    """Exact McNemar test; None as above: a share of searches is not solved or unsolved."""

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "first": rounded(self.first), "second": rounded(self.second)}


def compare_runs(
    first: Sequence[ProblemOutcome], second: Sequence[ProblemOutcome], how: Resampling
) -> list[Comparison]:
    """One comparison for each way of decoding that both runs took, of their final generators.

    Raises:
        DataError: They share no way of decoding, or searched other problems, or for other numbers of turns.
    """
    tables = [{k: t for k, t in tabulate(rows).items() if k.generator == FINAL} for rows in (first, second)]
    shared = [key for key in tables[0] if key in tables[1]]
    if not shared:
        names = [", ".join(map(str, table)) or "nothing" for table in tables]
        cure = "evaluate both with the same N and selections"
        raise DataError(f"no decoding in common ({names[0]}; {names[1]})", place="comparison", cure=cure)
    return [_compare(key, tables[0][key], tables[1][key], how) for key in shared]


def _compare(key: Decoding, first: OutcomeTable, second: OutcomeTable, how: Resampling) -> Comparison:
    if set(first.problem_ids) != set(second.problem_ids):
        odd = sorted(set(first.problem_ids) ^ set(second.problem_ids))
        cure = "evaluate both on the same data set, split and seed"
        raise DataError(f"{len(odd)} problems are in one run only, {odd[0]!r} first", place=str(key), cure=cure)
    if first.accuracy.shape != second.accuracy.shape:
        turns = f"{first.accuracy.shape[1]} turns against {second.accuracy.shape[1]}"
        raise DataError(turns, place=str(key), cure="evaluate both with the same --turns")
    place = {problem_id: i for i, problem_id in enumerate(second.problem_ids)}
    after = second.accuracy[[place[problem_id] for problem_id in first.problem_ids], -1]
    before = first.accuracy[:, -1]
    binary = bool((first.searches == 1).all() and (second.searches == 1).all())
    only_first, only_second = int((before > after).sum()), int((after > before).sum())
    return Comparison(
        decoding=str(key),
        num_problems=len(before),
        first=float(before.mean()),
        second=float(after.mean()),
        difference=bootstrap(after - before, num_resamples=how.num_resamples, seed=how.seed),
        only_first=only_first if binary else None,
        only_second=only_second if binary else None,
        p_value=mcnemar(only_first, only_second) if binary else None,
    )


def comparison_rows(comparisons: Sequence[Comparison], names: tuple[str, str]) -> list[list[str]]:
    """The table, header first."""
    header = ["decoding", f"{names[0]}, %", f"{names[1]}, %", "difference, points", "only one", "McNemar p"]
    rows = [header]
    for one in comparisons:
        binary = one.p_value is not None
        rows.append(
            [
                one.decoding,
                f"{one.first:.1f}",
                f"{one.second:.1f}",
                format_interval(one.difference),
                f"{one.only_first} / {one.only_second}" if binary else "-",
                f"{one.p_value:.2g}" if one.p_value is not None else "-",
            ]
        )
    return rows


def comparisons_to_json(comparisons: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Plain data without NaN."""
    return [without_nan(one.to_json()) for one in comparisons]
