"""The runs below a directory, and what one of them made."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from mucode_core.artifacts import RECORD, STORE, read_record
from mucode_core.errors import ArtifactError, DataError
from mucode_core.run_files import RESULT, find_store, read_result
from mucode_core.store_lock import LOCK, is_in_use

State = Literal["completed", "running", "unfinished", "unreadable"]
_OWNED = (STORE, "models", "plots")
"""What a run keeps in its directory: no other run is below."""


@dataclass(frozen=True)
class RunEntry:
    """One run of a list."""

    directory: str
    state: State
    """`running`: not ended, and a process has its store open. `unreadable`: its `result.json` is damaged."""
    name: str
    """As configured; empty where the run has not ended, for it is written then."""
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

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def find_runs(root: Path) -> list[RunEntry]:
    """Every run at or below a directory in the order in which they ended, then those that have not.

    Raises:
        DataError: It is no directory.
    """
    entries = [_describe(directory) for directory in find_run_directories(root)]
    return sorted(entries, key=lambda one: (one.ended_at is None, one.ended_at or 0.0, one.directory))


def find_run_directories(root: Path) -> Iterator[Path]:
    """Directories of runs, ended or not, in the order of their names; links are not followed.

    Raises:
        DataError: It is no directory.
    """
    if not root.is_dir():
        raise DataError("is no directory", place=str(root), cure="name the directory that holds your runs")
    for place, below, files in os.walk(root):
        below[:] = sorted(name for name in below if name not in _OWNED and not name.startswith("."))
        if _is_run(Path(place), RESULT in files):
            yield Path(place)


def is_store(path: Path) -> bool:
    """Whether a directory is an artifact store."""
    return (path / LOCK).is_file() or next(path.glob(f"*/*/{RECORD}"), None) is not None


def _is_run(directory: Path, has_result: bool) -> bool:
    """Not so a matrix of variants: its runs are below, and its store is theirs."""
    if not has_result:
        return is_store(directory / STORE) and next(directory.glob(f"*/{RESULT}"), None) is None
    try:
        return "variants" not in json.loads((directory / RESULT).read_text("utf-8"))
    except (OSError, ValueError, TypeError):
        return True  # to be told of


def _describe(directory: Path) -> RunEntry:
    place, num_bytes = str(directory), measure(directory)
    try:
        result = read_result(directory)
    except DataError:
        state: State = "running" if is_in_use(directory / STORE) else "unfinished"
        if (directory / RESULT).exists():
            state = "unreadable"
        return RunEntry(place, state, "", "", None, None, None, num_bytes, None)
    greedy, searched = _accuracies(result)
    return RunEntry(
        directory=place,
        state="completed",
        name=str(result.get("name", "")),
        kind="evaluate" if "figures" in result else "train",
        seed=result.get("seed"),
        greedy=greedy,
        searched=searched,
        num_bytes=num_bytes,
        ended_at=(directory / RESULT).stat().st_mtime,
    )


def _accuracies(result: dict[str, Any]) -> tuple[float | None, float | None]:
    if "figures" in result:
        figures: Sequence[dict[str, Any]] = result["figures"]
        greedy = [one["by_turn"][-1] for one in figures if one["decoding"] == "greedy"]
        searched = [(one["num_samples"], one["by_turn"][-1]) for one in figures if one["decoding"].endswith("pt+lv")]
        return (greedy[0] if greedy else None), (max(searched)[1] if searched else None)
    final: dict[str, Any] = result.get("final") or {}
    curve = final.get("best_of_n", {}).get("pt+lv")
    by_turn = final.get("greedy_by_turn")
    return (by_turn[-1] if by_turn else None), (curve["by_turn"][-1] if curve else None)


def measure(directory: Path) -> int:
    """Bytes of all files below; links count as themselves."""
    total = 0
    for place, _, files in os.walk(directory):
        for name in files:
            try:
                total += os.lstat(Path(place) / name).st_size
            except FileNotFoundError:  # a live run's draft
                continue
    return total


@dataclass(frozen=True)
class StageEntry:
    """One stage of a run and the artifact it left."""

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
    """Directory elsewhere that the artifact stands for."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def list_stages(directory: Path) -> list[StageEntry]:
    """The stages of a run that ended, in the order they began, with their lineage.

    Raises:
        DataError: The run has not ended, or its result cannot be read.
    """
    lineage: list[dict[str, Any]] = read_result(directory)["lineage"]
    store = find_store(directory)
    labels = {(one["kind"], one["fingerprint"]): str(one["label"]) for one in lineage}
    return [_describe_stage(one, store, labels) for one in lineage]


def _describe_stage(stage: dict[str, Any], store: Path, labels: dict[tuple[str, str], str]) -> StageEntry:
    try:
        record: dict[str, Any] | None = read_record(store / stage["kind"] / stage["fingerprint"])
    except ArtifactError:
        record = None
    inputs = list_inputs(record) if record else []
    return StageEntry(
        label=stage["label"],
        kind=stage["kind"],
        fingerprint=stage["fingerprint"],
        num_rows=stage["num_rows"],
        duration_s=stage["duration_s"],
        cached=stage["cached"],
        num_bytes=sum(entry["bytes"] for entry in record["files"].values()) if record else None,
        inputs=tuple(dict.fromkeys(labels.get(key, f"{key[0]}/{key[1][:12]}") for key in inputs)),
        external=record["external"] if record else "",
    )


def list_inputs(record: dict[str, Any]) -> list[tuple[str, str]]:
    """(kind, fingerprint) of the artifacts that one was made of."""
    groups = record["recipe"]["inputs"].values()
    return [(one["kind"], one["fingerprint"]) for group in groups for one in group]
