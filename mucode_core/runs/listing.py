"""The runs below a directory, and the artifacts of one of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from mucode_core.errors import ArtifactError, DataError, PathError
from mucode_core.evaluation.ablations import MatrixRecord
from mucode_core.evaluation.evaluation_result import EvaluationResult
from mucode_core.evaluation.result_json import rounded
from mucode_core.evaluation.run_record import StageRun
from mucode_core.evaluation.run_result import RunResult
from mucode_core.runs.attempt import ATTEMPT, read_attempt
from mucode_core.runs.directory import RESULT, find_store, read_lineage, read_result
from mucode_core.store.artifacts import RECORD, STORE, read_record
from mucode_core.system.locks import LOCK, is_in_use

State = Literal["completed", "running", "unfinished", "unreadable"]
_OWNED = (STORE, "models", "plots")
"""Subdirectories of a run: no other run is below."""


@dataclass(frozen=True)
class RunEntry:
    """One run of a list."""

    directory: str
    state: State
    """`running`: not ended, and a process has its store open. `unreadable`: its `result.json` is damaged."""
    name: str
    """As configured; empty where no attempt at the run left a record."""
    kind: Literal["train", "evaluate", ""]
    seed: int | None
    greedy: float | None
    """Accuracy on the test problems after the last turn, percent; so is `searched`."""
    searched: float | None
    """Best-of-N by public tests and verifier, the largest N."""
    num_bytes: int
    """Of the directory, its own store with it; a store elsewhere is not counted."""
    ended_at: float | None
    """Seconds since the epoch."""
    reason: str = ""
    """Why an unfinished run did not complete."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def find_runs(root: Path) -> list[RunEntry]:
    """Every run at or below a directory in the order in which they ended, then those that have not.

    Raises:
        DataError: It is not a directory.
    """
    entries = [_describe(directory) for directory in find_run_directories(root)]
    return sorted(entries, key=lambda one: (one.ended_at is None, one.ended_at or 0.0, one.directory))


def find_run_directories(root: Path) -> Iterator[Path]:
    """Directories of runs, ended or not, in the order of their names; links are not followed.

    Raises:
        DataError: It is not a directory.
    """
    if not root.is_dir():
        problem = "is not a directory" if root.exists() else "no such directory"
        raise PathError(problem, location=str(root), hint="name the directory that holds your runs")
    for location, below, files in os.walk(root):
        below[:] = sorted(name for name in below if name not in _OWNED and not name.startswith("."))
        if ATTEMPT in files or _is_run(Path(location), RESULT in files):
            yield Path(location)


def is_store(path: Path) -> bool:
    """Whether a directory is an artifact store."""
    return (path / LOCK).is_file() or next(path.glob(f"*/*/{RECORD}"), None) is not None


def _is_run(directory: Path, has_result: bool) -> bool:
    """A matrix of variants differs: its runs are below, and share its store."""
    if not has_result:
        return is_store(directory / STORE) and next(directory.glob(f"*/{RESULT}"), None) is None
    try:
        return not isinstance(read_result(directory), MatrixRecord)
    except DataError:
        return True  # listed as unreadable


def _describe(directory: Path) -> RunEntry:
    location, num_bytes = str(directory), measure(directory)
    try:
        result = read_result(directory)
    except DataError:
        state: State = "running" if is_in_use(directory / STORE) else "unfinished"
        if (directory / RESULT).exists():
            state = "unreadable"
        attempt = read_attempt(directory)
        if attempt is None:
            return RunEntry(location, state, "", "", None, None, None, num_bytes, None)
        if state == "unfinished":
            state = attempt.state
        return RunEntry(
            location, state, attempt.name, "", attempt.seed, None, None, num_bytes, None, reason=attempt.reason
        )
    assert not isinstance(result, MatrixRecord)  # which is not a run
    greedy, searched = _accuracies(result)
    return RunEntry(
        directory=location,
        state="completed",
        name=result.name,
        kind=result.kind,
        seed=result.seed,
        greedy=greedy,
        searched=searched,
        num_bytes=num_bytes,
        ended_at=(directory / RESULT).stat().st_mtime,
    )


def _accuracies(result: RunResult | EvaluationResult) -> tuple[float | None, float | None]:
    """Greedy decoding, and Best-of-N with `pt+lv` at the largest N; as `result.json` rounds them."""
    if isinstance(result, EvaluationResult):
        greedy = next((one.accuracy for one in result.figures if one.decoding == "greedy"), None)
        by_n = {one.num_samples: one.accuracy for one in result.figures if one.decoding == "pt+lv"}
        searched = by_n[max(by_n)] if by_n else None
    else:
        greedy = result.final.greedy if result.final else None
        searched = result.final.best_of_n.get("pt+lv") if result.final else None
    return (rounded(greedy[-1].value) if greedy else None), (rounded(searched[-1].value) if searched else None)


def measure(directory: Path) -> int:
    """Bytes of all files below; links count as themselves."""
    total = 0
    for location, _, files in os.walk(directory):
        for name in files:
            try:
                total += os.lstat(Path(location) / name).st_size
            except FileNotFoundError:  # a live run's draft
                continue
    return total


@dataclass(frozen=True)
class StageEntry:
    """One stage of a run and its artifact."""

    label: str
    kind: str
    fingerprint: str
    num_rows: int
    duration_s: float
    cached: bool
    """Taken from the store: made by an earlier run."""
    num_bytes: int | None
    """Of the artifact's files; None where its record is gone or damaged."""
    inputs: tuple[str, ...]
    """Labels of the stages it read."""
    external: str
    """External directory that the artifact refers to."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def list_stages(directory: Path) -> list[StageEntry]:
    """The stages of a run that ended, in the order they began, with their lineage.

    Raises:
        DataError: The run has not ended, or its result cannot be read.
    """
    lineage = read_lineage(directory)
    store = find_store(directory)
    labels = {(stage.kind, stage.fingerprint): stage.label for stage in lineage}
    return [_describe_stage(stage, store, labels) for stage in lineage]


def _describe_stage(stage: StageRun, store: Path, labels: dict[tuple[str, str], str]) -> StageEntry:
    try:
        record: dict[str, Any] | None = read_record(store / stage.kind / stage.fingerprint)
    except ArtifactError:
        record = None
    inputs = list_inputs(record) if record else []
    return StageEntry(
        label=stage.label,
        kind=stage.kind,
        fingerprint=stage.fingerprint,
        num_rows=stage.num_rows,
        duration_s=stage.duration_s,
        cached=stage.cached,
        num_bytes=sum(entry["bytes"] for entry in record["files"].values()) if record else None,
        inputs=tuple(dict.fromkeys(labels.get(key, f"{key[0]}/{key[1][:12]}") for key in inputs)),
        external=record["external"] if record else "",
    )


def list_inputs(record: dict[str, Any]) -> list[tuple[str, str]]:
    """(kind, fingerprint) of the artifacts that one was made of."""
    groups = record["recipe"]["inputs"].values()
    return [(one["kind"], one["fingerprint"]) for group in groups for one in group]
