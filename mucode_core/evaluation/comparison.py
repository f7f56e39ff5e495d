"""Compares runs and result files on the same problems, paired by problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from mucode_core.errors import DataError
from mucode_core.evaluation.metrics import Interval, Resampling, holm, mcnemar, paired, problems_needed
from mucode_core.evaluation.outcomes import FINAL, Decoding, OutcomeTable, tabulate
from mucode_core.evaluation.result_json import dump, rounded
from mucode_core.types import ProblemOutcome
from mucode_core.wording import count

RESAMPLING = Resampling(num_resamples=5000, seed=0)
"""The default of a comparison of two runs: one pair of runs has one interval wherever it is shown."""


@dataclass(frozen=True)
class Comparison:
    """Two runs' final generators under one decoding strategy, after the last turn."""

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
    p_adjusted: float | None = None
    """The same after Holm's correction, where more than two were compared under this decoding strategy."""
    num_needed: int | None = None
    """Problems that a difference of the asked size would need; see `metrics.problems_needed`."""

    def to_json(self) -> dict[str, Any]:
        return dump(self) | {"first": rounded(self.first), "second": rounded(self.second)}


Tables = Mapping[Decoding, OutcomeTable]
"""What is compared of one run or file, by decoding strategy."""


@dataclass(frozen=True)
class Pair:
    """Two of the runs or files that were compared."""

    first: str
    second: str
    comparison: Comparison

    def to_json(self) -> dict[str, Any]:
        return {**self.comparison.to_json(), "names": [self.first, self.second]}


def final_tables(rows: Sequence[ProblemOutcome]) -> dict[Decoding, OutcomeTable]:
    """The outcomes of a run's final generator."""
    return {key: table for key, table in tabulate(rows).items() if key.generator == FINAL}


def compare_runs(
    first: Sequence[ProblemOutcome], second: Sequence[ProblemOutcome], how: Resampling
) -> list[Comparison]:
    """One comparison of the final generators for each decoding strategy that both runs used.

    Raises:
        DataError: They share no decoding strategy, or have different problems or numbers of turns.
    """
    pairs = compare_all({"first": final_tables(first), "second": final_tables(second)}, how)
    return [pair.comparison for pair in pairs]


def compare_all(sides: Mapping[str, Tables], how: Resampling, points: float | None = None) -> list[Pair]:
    """Every pair, under each decoding strategy that all have in common.

    Args:
        sides: Two or more runs or files, by name.
        how: Draws the resamples of problems.
        points: Size of the difference for which the number of problems is computed; None omits it.

    Raises:
        DataError: They share no decoding strategy, or have different problems or numbers of turns.
    """
    one, *others = sides.values()
    shared = [key for key in one if all(key in other for other in others)]
    if not shared:
        names = " | ".join(f"{name}: {'; '.join(map(str, tables)) or 'nothing'}" for name, tables in sides.items())
        hint = "evaluate both with the same N and selection strategies"
        raise DataError(f"no decoding strategy in common ({names})", location="comparison", hint=hint)
    return [pair for key in shared for pair in _compare_pairs(key, sides, how, points)]


def _compare_pairs(key: Decoding, sides: Mapping[str, Tables], how: Resampling, points: float | None) -> list[Pair]:
    """All pairs under one decoding strategy: the family over which Holm corrects."""
    names = list(combinations(sides, 2))
    found = [Pair(a, b, _compare(key, sides[a][key], sides[b][key], how, points)) for a, b in names]
    values = [pair.comparison.p_value for pair in found]
    known = [value for value in values if value is not None]
    if len(found) < 2 or len(known) < len(values):
        return found
    return [replace(p, comparison=replace(p.comparison, p_adjusted=v)) for p, v in zip(found, holm(known), strict=True)]


def restrict_to_common(sides: Mapping[str, Tables]) -> dict[str, Tables]:
    """The same, without problems that one of them lacks."""
    ids = [set(table.problem_ids) for tables in sides.values() for table in tables.values()]
    common = set[str].intersection(*ids) if ids else set[str]()
    return {name: {key: t.only(common) for key, t in tables.items()} for name, tables in sides.items()}


def _compare(
    key: Decoding, first: OutcomeTable, second: OutcomeTable, how: Resampling, points: float | None
) -> Comparison:
    if not first.problem_ids or not second.problem_ids:
        hint = "compare results of the same data set"
        raise DataError("no problems in common", location=str(key), hint=hint)
    if set(first.problem_ids) != set(second.problem_ids):
        odd = sorted(set(first.problem_ids) ^ set(second.problem_ids))
        hint = "evaluate both on the same data set, split and seed, or compare what both have by --common"
        verb = "problem is" if len(odd) == 1 else "problems are"
        raise DataError(f"{len(odd)} {verb} in one run only, {odd[0]!r} first", location=str(key), hint=hint)
    if first.accuracy.shape != second.accuracy.shape:
        turns = f"{count(first.accuracy.shape[1], 'turn')} against {second.accuracy.shape[1]}"
        raise DataError(turns, location=str(key), hint="evaluate both with the same --turns")
    location = {problem_id: i for i, problem_id in enumerate(second.problem_ids)}
    after = second.accuracy[[location[problem_id] for problem_id in first.problem_ids], -1]
    before = first.accuracy[:, -1]
    binary = bool((first.searches == 1).all() and (second.searches == 1).all())
    binary = binary and bool(np.isin(before, (0, 100)).all() and np.isin(after, (0, 100)).all())
    only_first, only_second = int((before > after).sum()), int((after > before).sum())
    return Comparison(
        decoding=str(key),
        num_problems=len(before),
        first=float(before.mean()),
        second=float(after.mean()),
        difference=paired(after, before, how),
        only_first=only_first if binary else None,
        only_second=only_second if binary else None,
        p_value=mcnemar(only_first, only_second) if binary else None,
        num_needed=problems_needed((after - before) / 100, points / 100) if points else None,
    )


def comparisons_to_json(comparisons: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Plain data without NaN."""
    return [one.to_json() for one in comparisons]
