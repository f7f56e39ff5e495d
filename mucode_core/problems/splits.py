"""The problems of one split of a run's data set."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from mucode_core.config import ProblemsConfig
from mucode_core.errors import ConfigError, DataError, ExcludedError
from mucode_core.fingerprint import derive_seed
from mucode_core.problems.leaks import LeakSearch
from mucode_core.problems.reading import read_problems, resolve
from mucode_core.problems.registry import find_dataset
from mucode_core.problems.selection import choose_ids
from mucode_core.problems.synthetic import ProblemSplit, make_problems
from mucode_core.problems.testless import hide_tests
from mucode_core.problems.where import parse_condition
from mucode_core.types import Problem

_log = logging.getLogger(__name__)
_LOOK_S = 3.0
"""A file of many gigabytes is not read to its end before a run starts."""
LoadedSplit = ProblemSplit | Literal["reserved", "warm_up"]
"""A problem's own split; 'reserved': the verifier-only split of training problems; 'warm_up': the base's, which nothing
else uses."""


def load_split(
    settings: ProblemsConfig,
    split: LoadedSplit,
    *,
    data: Path | None,
    keep: Collection[str] | None,
    seed: int,
    say: Callable[[str], None] = _log.warning,
) -> list[Problem]:
    """The problems of one split of the configured data set.

    Training problems that are also validation or test problems, and validation problems that are also test problems,
    are excluded; test splits stay whole. See `leaks`.

    Args:
        settings: The data set and the sizes of its splits.
        split: The split; 'reserved' problems follow the training problems in the same draw, so the two are disjoint.
            'warm_up' problems are synthetic ones of the skeletons that no split has, or else a sample of the training
            problems with a reference solution, which these exclude.
        data: The data set's file; None for the synthetic set.
        keep: Ids of the problems with recorded programs: only these, split by a hash of their id,
            because the recorded programs cover the published splits unevenly. None keeps the published splits.
        seed: Seed of synthetic problems.
        say: Reports rows that are excluded.

    Raises:
        ConfigError: The data set has no such split.
        DataError: The split is empty, or the file is invalid, or has too few reference solutions for the warm-up.
    """
    if settings.dataset == "synthetic":
        made = {problem.problem_id: problem for problem in _make_split(settings, split, seed)}
        ids = set(choose_ids(made, settings.limit, settings.seed))
        chosen = [problem for problem_id, problem in made.items() if problem_id in ids]
    else:
        assert data is not None  # the configuration refuses a file-based data set without its file
        chosen = _read_split(settings, split, data, keep, say)
    return chosen if settings.show_tests else [hide_tests(problem) for problem in chosen]


def _read_split(
    settings: ProblemsConfig, split: LoadedSplit, data: Path, keep: Collection[str] | None, say: Callable[[str], None]
) -> list[Problem]:
    """Reads the file twice, since a later row may be a duplicate, and holds only the chosen problems in memory."""
    named = "train" if split == "warm_up" else split
    if keep is None:
        _require_published(settings.dataset, data, named)
    search = LeakSearch()
    ids: list[str] = []
    known: set[str] = set()
    solved: set[str] = set()
    for problem in _read_kept(settings, data, keep, say):
        search.add(problem)
        known.add(problem.split)
        if problem.split == named:
            ids.append(problem.problem_id)
        if problem.reference_solution is not None:
            solved.add(problem.problem_id)
    leaked = search.leaked_ids()
    kept = [one for one in ids if one not in leaked]
    if named == "train" and settings.num_warm_up:
        shown = _choose_warm_up([one for one in kept if one in solved], settings.num_warm_up, data)
        if split == "warm_up":
            return [p for p in _read_kept(settings, data, keep, _ignore) if p.problem_id in shown]
        kept = [one for one in kept if one not in shown]
    if not kept:
        raise _empty_split(split, sorted(known), data, bool(settings.where))
    chosen = set(choose_ids(kept, settings.limit, settings.seed))
    return [p for p in _read_kept(settings, data, keep, _ignore) if p.problem_id in chosen]


def _require_published(dataset: str, data: Path, split: str) -> None:
    name, _ = resolve(dataset, data)
    splits = find_dataset(name).splits
    if splits is not None and split not in splits:
        problem = f"{name} has no {split} problems, only {' and '.join(sorted(splits))}"
        hint = "set problems.dataset=mbpp, which has all splits, or one with your own rows: custom"
        raise ConfigError(problem, location="problems.dataset", hint=hint)


def require_splits(settings: ProblemsConfig, splits: Collection[str], data: Path) -> None:
    """Refuses a file without problems of a split, as far as a few seconds of reading show it, before any condition.

    Raises:
        ConfigError: The data set has no such split.
        DataError: The split is empty, or no row is a problem.
    """
    for split in splits:
        _require_published(settings.dataset, data, split)
    known: set[str] = set()
    first_error: DataError | None = None
    deadline = time.monotonic() + _LOOK_S
    for found in read_problems(settings.dataset, data, tests=settings.split):
        if isinstance(found, Problem):
            known.add(found.split)
        else:
            first_error = first_error or found
        if known.issuperset(splits) or time.monotonic() > deadline:
            return
    if first_error is not None and not known:
        raise first_error
    for split in splits:
        if split not in known:
            raise _empty_split(split, sorted(known), data, is_part=False)


def _empty_split(split: str, known: Sequence[str], data: Path, is_part: bool) -> DataError:
    """The error of a split without problems: it names those that have some."""
    others = [name for name in known if name != split]
    there = f"; its problems are in: {', '.join(others)}" if others else ""
    hint = f"name another split, such as --split {others[0]} of `mucode evaluate`, or " if others else ""
    hint += "use the whole data set's file" + (", or other problems.where" if is_part else "")
    return DataError(f"no problem in split {split!r}{there}", location=str(data), hint=hint)


def _choose_warm_up(solved: list[str], count: int, data: Path) -> set[str]:
    """A sample of training problems that depends on nothing but their ids."""
    if len(solved) <= count:
        problem = f"{count} problems for the warm-up, of {len(solved)} with a reference solution"
        raise DataError(problem, location=str(data), hint="lower problems.num_warm_up, so that others are left")
    return set(choose_ids(solved, count, 0))


def _read_kept(
    settings: ProblemsConfig, data: Path, keep: Collection[str] | None, say: Callable[[str], None]
) -> Iterator[Problem]:
    where = [parse_condition(text) for text in settings.where]
    for found in read_problems(settings.dataset, data, tests=settings.split, where=where):
        if isinstance(found, DataError):
            if settings.on_bad_row == "error" and not isinstance(found, ExcludedError):
                raise found
            say(f"{found.location}: excluded: {found.problem}")
        elif keep is None:
            yield found
        elif found.problem_id in keep:
            yield replace(found, split=_hashed_split(found, settings))


def _ignore(text: str) -> None:
    """For the second reading, whose excluded rows are known."""


def _make_split(settings: ProblemsConfig, split: LoadedSplit, seed: int) -> list[Problem]:
    if split == "reserved":
        num_problems = settings.num_train + settings.num_reserved
        return make_problems("train", num_problems, derive_seed(seed, "problems", "train"))[settings.num_train :]
    if split == "warm_up":
        return make_problems("bootstrap", settings.num_warm_up, derive_seed(seed, "problems", split))
    sizes = {"train": settings.num_train, "validation": settings.num_validation, "test": settings.num_test}
    return make_problems(split, sizes[split], derive_seed(seed, "problems", split))


def _hashed_split(problem: Problem, settings: ProblemsConfig) -> str:
    position = derive_seed(0, "split", problem.problem_id) / 2**63
    if position < settings.test_fraction:
        return "test"
    return "validation" if position < settings.test_fraction + settings.validation_fraction else "train"
