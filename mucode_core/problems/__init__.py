"""Data sets: each file of this package reads rows of one into `Problem`s."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mucode_core.config import ProblemsConfig
from mucode_core.errors import ConfigError, DataError
from mucode_core.fingerprint import derive_seed
from mucode_core.problems.code_contests import make_code_contests
from mucode_core.problems.custom import make_custom
from mucode_core.problems.humaneval import declaration_of, make_humanevalpack, make_humanevalplus
from mucode_core.problems.leaks import leave_out_leaks
from mucode_core.problems.mbpp import make_mbpp, make_mbpp_published, make_mbppplus
from mucode_core.problems.rows import Row, fetch, read_rows
from mucode_core.problems.synthetic import ProblemSplit, make_problems
from mucode_core.problems.testless import hide_tests
from mucode_core.types import Problem

__all__ = [
    "DATASETS",
    "Hub",
    "LoadedSplit",
    "find_data",
    "load_problems",
    "load_split",
    "make_problems",
    "read_declarations",
]

LoadedSplit = ProblemSplit | Literal["reserved"]
"""A problem's own split, or the training problems that the verifier alone sees."""


@dataclass(frozen=True)
class Hub:
    """Where the hub keeps a data set."""

    name: str
    config: str | None
    splits: tuple[str, ...]


@dataclass(frozen=True)
class Dataset:
    """How the rows of one data set are read."""

    make: Callable[[Row, str], Problem]
    hub: Hub | None = None
    make_published: Callable[[Row, str], Problem] | None = None
    """Public and private tests as in the published code, where that differs from the paper."""
    declaration: Callable[[Row], str] | None = None
    """What completions of a row go on from, where they are no whole programs."""
    splits: frozenset[str] | None = None
    """The only splits that belong to it; None where each row says."""
    aliases: tuple[str, ...] = ()
    """What sample files write before the slash of a task id, besides the data set's name; in any case."""


_MBPP_HUB = Hub("google-research-datasets/mbpp", "full", ("prompt", "test", "validation", "train"))
DATASETS: dict[str, Dataset] = {
    "mbpp": Dataset(make_mbpp, _MBPP_HUB, make_mbpp_published),
    "mbpp_train": Dataset(
        make_mbpp, _MBPP_HUB, make_mbpp_published, splits=frozenset({"train", "validation"}), aliases=("mbpp",)
    ),
    "mbppplus": Dataset(
        make_mbppplus, Hub("evalplus/mbppplus", None, ("test",)), splits=frozenset({"test"}), aliases=("mbpp",)
    ),
    "humanevalpack": Dataset(
        make_humanevalpack,
        Hub("bigcode/humanevalpack", "python", ("test",)),
        declaration=declaration_of,
        splits=frozenset({"test"}),
        aliases=("humaneval", "python"),
    ),
    "humanevalplus": Dataset(
        make_humanevalplus,
        Hub("evalplus/humanevalplus", None, ("test",)),
        declaration=declaration_of,
        splits=frozenset({"test"}),
        aliases=("humaneval",),
    ),
    "code_contests": Dataset(make_code_contests, Hub("deepmind/code_contests", None, ("train", "valid", "test"))),
    "custom": Dataset(make_custom),
}


def hub_name(name: str) -> str:
    """Where the hub has a data set.

    Raises:
        ConfigError: There is no such data set, or it is on no hub.
    """
    hub = _find(name).hub
    if hub is None:
        raise ConfigError(f"{name} is on no hub", place="problems.data", cure="name its file")
    return hub.name


def find_data(name: str, data: str, cache: Path) -> Path:
    """The file of a data set: the one given, else a copy of the hub's, made in `cache` once.

    Raises:
        ConfigError: There is no such data set, or it is on no hub.
        DataError: The hub cannot be reached.
    """
    if data:
        return Path(data)
    hub = _find(name).hub
    if hub is None:
        raise ConfigError(f"{name} is on no hub", place="problems.data", cure="name its file")
    return fetch(hub.name, hub.config, hub.splits, cache / f"{name}.jsonl")


def load_problems(name: str, path: Path, *, tests: str = "paper") -> list[Problem]:
    """All problems of a data set's file, in its order.

    Args:
        name: The data set.
        path: Its file.
        tests: "paper", or "reference" for the published code's division into public and private tests.

    Raises:
        DataError: The file or a row is not what it should be, with file, line and field; or it holds no problem.
    """
    dataset = _find(name)
    problems = [p for p in _read(dataset, path, tests) if dataset.splits is None or p.split in dataset.splits]
    if not problems:
        raise DataError("no rows", place=str(path), cure=f"name the file that holds {name}")
    return problems


def _read(dataset: Dataset, path: Path, tests: str) -> list[Problem]:
    """All problems of the file, of other splits too."""
    make = dataset.make_published if tests == "reference" and dataset.make_published else dataset.make
    problems: list[Problem] = []
    places: dict[str, str] = {}
    for place, row in read_rows(path):
        problem = make(row, place)
        first = places.setdefault(problem.problem_id, place)
        if first != place:
            line = first.rpartition(":")[2]
            problem_id = problem.problem_id
            raise DataError(f"{problem_id!r} is on line {line} too", place=place, cure="keep one row a problem")
        problems.append(problem)
    return problems


def read_declarations(name: str, path: Path, problems: Sequence[Problem]) -> dict[str, str]:
    """By problem id, what completions go on from; empty for data sets whose completions are whole programs.

    Args:
        name: The data set.
        path: Its file.
        problems: What `load_problems` read from it.
    """
    declaration = _find(name).declaration
    if declaration is None:
        return {}
    return {p.problem_id: declaration(row) for p, (_, row) in zip(problems, read_rows(path), strict=True)}


def _find(name: str) -> Dataset:
    if name not in DATASETS:
        cure = f"choose one of {', '.join(DATASETS)}"
        raise ConfigError(f"{name!r} is no known data set", place="dataset", cure=cure)
    return DATASETS[name]


def load_split(
    settings: ProblemsConfig, split: LoadedSplit, *, data: Path | None, keep: Collection[str] | None, seed: int
) -> list[Problem]:
    """The problems of one split of the configured data set.

    A training problem that is a validation or test problem too is left out, and a validation problem that is a test
    problem; test splits stay whole. See `leaks`.

    Args:
        settings: Which data set, and how large its splits are.
        split: The split; 'reserved' problems follow the training problems in the same draw, so that none is both.
        data: The data set's file; None for the synthetic set.
        keep: Problem ids that have recorded programs: only these, split anew by a hash of their id,
            because the recorded programs cover the published splits unevenly. None keeps the published splits.
        seed: Draws synthetic problems.

    Raises:
        ConfigError: The data set has no such split.
        DataError: The split is empty, or the file is not what it should be.
    """
    if settings.dataset == "synthetic":
        chosen = _make_split(settings, split, seed)
    else:
        chosen = _read_split(settings, split, data, keep)
    return chosen if settings.show_tests else [hide_tests(problem) for problem in chosen]


def _read_split(
    settings: ProblemsConfig, split: LoadedSplit, data: Path | None, keep: Collection[str] | None
) -> list[Problem]:
    assert data is not None  # the configuration refuses a file-based data set without its file
    dataset = _find(settings.dataset)
    if keep is None and dataset.splits is not None and split not in dataset.splits:
        problem = f"{settings.dataset} has no {split} problems, only {' and '.join(sorted(dataset.splits))}"
        cure = "set problems.dataset=mbpp, which has all splits, or one with your own rows: custom"
        raise ConfigError(problem, place="problems.dataset", cure=cure)
    problems = _read(dataset, data, settings.split)
    if keep is not None:
        problems = [replace(p, split=_hashed_split(p, settings)) for p in problems if p.problem_id in keep]
    chosen = [p for p in leave_out_leaks(problems) if p.split == split]
    if not chosen:
        cure = "use the whole data set's file"
        raise DataError(f"no problem in split {split!r}", place=str(data), cure=cure)
    return chosen


def _make_split(settings: ProblemsConfig, split: LoadedSplit, seed: int) -> list[Problem]:
    if split == "reserved":
        num_problems = settings.num_train + settings.num_reserved
        return make_problems("train", num_problems, derive_seed(seed, "problems", "train"))[settings.num_train :]
    sizes = {"train": settings.num_train, "validation": settings.num_validation, "test": settings.num_test}
    return make_problems(split, sizes[split], derive_seed(seed, "problems", split))


def _hashed_split(problem: Problem, settings: ProblemsConfig) -> str:
    position = derive_seed(0, "split", problem.problem_id) / 2**63
    if position < settings.test_fraction:
        return "test"
    return "validation" if position < settings.test_fraction + settings.validation_fraction else "train"
