"""Scoring with the verifier loaded in worker processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from mucode_core.models.checkpoint_kind import read_members

Item = tuple[str, str]
"""A prompt and a program."""

_ITEMS_A_CALL = 2000
"""Programs scored per call: a constant, so that scores never depend on the number of workers."""


def score_programs(verifier_dir: Path, items: Sequence[Item]) -> list[float]:
    """R(x, y) for each item; see `score.score_programs`."""
    from mucode_core.verifier.score import score_programs as here

    return here(verifier_dir, items)


def score_distinct(
    items: Sequence[Item], verifier_dir: Path, run: Callable[[list[tuple[Any, ...]]], list[list[float]]]
) -> list[float]:
    """Scores each distinct item once, in order of length, by every verifier of an ensemble.

    Args:
        items: Prompts and programs.
        verifier_dir: Checkpoint of the verifier.
        run: Runs `score_programs` on each tuple of arguments.

    Returns:
        Scores in the order of the items.
    """
    distinct = sorted(set(items), key=lambda item: (len(item[0]) + len(item[1]), item))
    chunks = [distinct[i : i + _ITEMS_A_CALL] for i in range(0, len(distinct), _ITEMS_A_CALL)]
    members = read_members(verifier_dir)
    parts = run([(member, chunk) for member in members.paths for chunk in chunks])
    by_member = [
        [score for part in parts[start : start + len(chunks)] for score in part]
        for start in range(0, len(parts), len(chunks) or 1)
    ]
    table = dict(zip(distinct, combine(by_member, members.pessimism), strict=True)) if distinct else {}
    return [table[item] for item in items]


def combine(scores: Sequence[Sequence[float]], pessimism: float) -> list[float]:
    """An ensemble's scores: the mean of its members minus `pessimism` times their (population) standard deviation.

    What the members disagree on, they were not taught (arXiv 2604.04648 penalises what an error model cannot explain).

    Args:
        scores: Of each member, in the same order of items.
        pessimism: Standard deviations.
    """
    return [fmean(found) - pessimism * pstdev(found) for found in zip(*scores, strict=True)]
