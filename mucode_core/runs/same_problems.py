"""Whether runs were evaluated on the same problems: ids alone do not say so, since synthetic ones are numbered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from mucode_core.errors import ArtifactError, DataError
from mucode_core.evaluation.run_record import StageRun
from mucode_core.runs.directory import find_store, read_lineage
from mucode_core.store.artifacts import open_store
from mucode_core.types import ArtifactRef, Problem
from mucode_core.wording import count

_TEST = "test"
"""The step of a training's problems on which it is evaluated; an evaluation has no others than its own."""


def require_same_problems(runs: Mapping[str, Path], say: Callable[[str], None] = lambda _: None) -> None:
    """Refuses runs whose problems differ although their ids are equal.

    Args:
        runs: Directories, by name.
        say: Takes a remark where a run does not show its problems.

    Raises:
        DataError: Two of them differ; with the number of problems and the first.
    """
    stages = {name: _find_problems(directory) for name, directory in runs.items()}
    known = {name: stage for name, stage in stages.items() if stage is not None}
    if len({stage.content_digest for stage in known.values()}) > 1:
        problems = {name: _read(runs[name], stage) for name, stage in known.items()}
        for first, second in combinations(problems, 2):
            one, other = problems[first], problems[second]
            if one is not None and other is not None:
                _require_equal(str(runs[second]), one, str(runs[first]), other)
        stages = {name: stage if problems.get(name) is not None else None for name, stage in stages.items()}
    for name in (name for name, stage in stages.items() if stage is None):
        say(f"{runs[name]}: its problems are not stored; they are compared by their ids alone")


def _require_equal(location: str, one: Mapping[str, Problem], named: str, other: Mapping[str, Problem]) -> None:
    shared = one.keys() & other.keys()
    if odd := sorted(problem_id for problem_id in shared if one[problem_id] != other[problem_id]):
        differ = count(len(odd), "problem differs", "problems differ")
        problem = f"{differ} from those of {named} with the same ids, {odd[0]!r} first"
        raise DataError(problem, location=location, hint="evaluate both on the same data set, split and seed")


def _find_problems(directory: Path) -> StageRun | None:
    """The stage of the problems that a run was evaluated on; None where its record has none."""
    try:
        stages = [stage for stage in read_lineage(directory) if stage.kind == "problems"]
    except DataError:  # outcomes alone
        return None
    return next((stage for stage in stages if len(stages) == 1 or stage.step == _TEST), None)


def _read(directory: Path, stage: StageRun) -> dict[str, Problem] | None:
    """By id, what decides whether programs pass; None where the store lacks the problems.

    Time limits are measured, and a reference solution decides nothing.
    """
    ref = ArtifactRef(stage.kind, "", stage.fingerprint, stage.content_digest, stage.num_rows, 1)
    try:
        place = find_store(directory)
        if not place.is_dir():  # opening it would make it
            return None
        rows = open_store(str(place), directory).read_rows(ref, Problem)
    except (ArtifactError, DataError):
        return None
    return {
        row.problem_id: replace(row, dataset="", split="", reference_solution=None, time_limit_s=None) for row in rows
    }
