"""Data sets: each file of this package reads one into `Problem` rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from mucode_core.config import ProblemsConfig
from mucode_core.errors import DataError
from mucode_core.fingerprint import derive_seed
from mucode_core.problems.mbpp import load_mbpp
from mucode_core.problems.synthetic import ProblemSplit, make_problems
from mucode_core.types import Problem

__all__ = ["load_mbpp", "load_split", "make_problems"]


def load_split(
    settings: ProblemsConfig, split: ProblemSplit, *, data: Path | None, keep: Collection[str] | None, seed: int
) -> list[Problem]:
    """The problems of one split ('train', 'validation' or 'test') of the configured data set.

    Args:
        settings: Which data set, and how large its splits are.
        split: The split.
        data: The data set's file; None for the synthetic set.
        keep: Problem ids that have recorded programs: only these, split anew by a hash of their id,
            because the recorded programs cover the published splits unevenly. None keeps the published splits.
        seed: Draws synthetic problems.

    Raises:
        DataError: The split is empty, or the file is not what it should be.
    """
    if settings.dataset == "synthetic":
        sizes = {"train": settings.num_train, "validation": settings.num_validation, "test": settings.num_test}
        return make_problems(split, sizes[split], derive_seed(seed, "problems", split))
    assert data is not None  # the configuration refuses a file-based data set without its file
    problems = load_mbpp(data)
    if keep is not None:
        problems = [replace(p, split=_hashed_split(p, settings)) for p in problems if p.problem_id in keep]
    chosen = [p for p in problems if p.split == split]
    if not chosen:
        raise DataError(f"no problem in split {split!r}", place=str(data), cure="use the whole data set's file")
    return chosen


def _hashed_split(problem: Problem, settings: ProblemsConfig) -> str:
    position = derive_seed(0, "split", problem.problem_id) / 2**63
    if position < settings.test_fraction:
        return "test"
    return "validation" if position < settings.test_fraction + settings.validation_fraction else "train"
