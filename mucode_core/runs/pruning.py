"""Deletes artifacts that no run needs any more, and unfinished trainings that no run resumed.

Needed are the artifacts in the lineage of finished runs, their inputs, and artifacts that runs nearby use by path.
An unfinished run has no lineage: so nothing young is deleted, nothing of a store that only such runs use, and nothing
at all while a process has the store open.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterable, Sequence, Set
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mucode_core.errors import ArtifactError, ConfigError, PathError
from mucode_core.runs.directory import RESULT, find_store, read_lineage, require_directory
from mucode_core.runs.listing import find_run_directories, is_store, list_inputs, measure
from mucode_core.store.artifacts import RECORD, SCRATCH, read_record
from mucode_core.store.remote import RemoteStore
from mucode_core.system import locks

Key = tuple[str, str]
"""Kind and fingerprint."""

_DAY_S = 86400.0


@dataclass(frozen=True)
class Unneeded:
    """An artifact that no run needs."""

    kind: str
    fingerprint: str
    num_bytes: int
    age_days: float


@dataclass(frozen=True)
class PruningPlan:
    """What would be deleted, and what stays."""

    store: str
    runs: tuple[str, ...]
    """Directories of the runs whose artifacts stay."""
    unneeded: tuple[Unneeded, ...]
    num_kept: int
    num_young: int
    """Of the kept, those that no run needs but that are too young to be deleted."""

    @property
    def num_bytes(self) -> int:
        """What would be freed."""
        return sum(one.num_bytes for one in self.unneeded)

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"num_bytes": self.num_bytes}


def plan_pruning(path: Path, roots: Sequence[Path] = (), older_than_days: float = 7.0) -> PruningPlan:
    """Finds what no run needs; changes nothing.

    Args:
        path: A store, or a run directory for the run's store.
        roots: Directories that contain the runs that use the store; none takes the one that holds it.
        older_than_days: What was published later stays.

    Raises:
        DataError: It is not a store, or the result of a run cannot be read: what that needs is unknown.
        ArtifactError: No finished run uses the store.
    """
    require_directory(path)
    store = path if is_store(path) else find_store(path)
    if not is_store(store):
        raise PathError("is neither a run nor a store", location=str(path), hint="name a run directory or its store")
    searched = tuple(roots) or (store.resolve().parent,)
    ended = _find_ended(searched)
    needed = _find_needed(ended, {store})
    present = {(one.parent.parent.name, one.parent.name): one.parent for one in store.glob(f"*/*/{RECORD}")}
    _require_use(needed, present.keys(), str(store), searched)
    present |= {(SCRATCH, one.name): one for one in (store / SCRATCH).glob("*")}  # what a training would resume from
    spare = [_describe(key, location) for key, location in sorted(present.items()) if key not in needed]
    return _plan(str(store), ended, spare, len(present), older_than_days)


def plan_remote_pruning(remote: RemoteStore, roots: Sequence[Path], older_than_days: float = 7.0) -> PruningPlan:
    """Finds what no run needs of a remote store, and the remains of interrupted uploads; changes nothing.

    Args:
        remote: The store.
        roots: Directories that contain the runs of every machine that use it.
        older_than_days: What was written later stays.

    Raises:
        ConfigError: No directory is named.
        DataError: The result of a run cannot be read.
        ArtifactError: No finished run uses the store.
        StoreError: It cannot be reached.
    """
    if not roots:
        hint = "name with --runs the directories of all machines' runs that use it"
        raise ConfigError("does not say which runs use it", location=remote.url, hint=hint)
    ended = _find_ended(roots)
    needed = _find_needed(ended, {find_store(directory) for directory in ended})
    present = remote.list_artifacts()
    _require_use(needed, {(one.kind, one.fingerprint) for one in present}, remote.url, roots)
    now = datetime.now(UTC)
    spare = [
        Unneeded(one.kind, one.fingerprint, one.num_bytes, (now - one.modified).total_seconds() / _DAY_S)
        for one in present
        if not one.has_record or (one.kind, one.fingerprint) not in needed
    ]
    return _plan(remote.url, ended, spare, len(present), older_than_days)


def prune_remote(remote: RemoteStore, roots: Sequence[Path], older_than_days: float = 7.0) -> PruningPlan:
    """Deletes what `plan_remote_pruning` finds. No lock spans machines: only age protects what a run is producing."""
    plan = plan_remote_pruning(remote, roots, older_than_days)
    for one in plan.unneeded:
        remote.remove(one.kind, one.fingerprint)
    return plan


def _find_ended(roots: Iterable[Path]) -> list[Path]:
    """The runs below some directories that have a result."""
    directories = {found.resolve() for root in roots for found in find_run_directories(root)}
    return sorted(directory for directory in directories if (directory / RESULT).exists())


def _require_use(needed: Set[Key], present: Set[Key], store: str, searched: Iterable[Path]) -> None:
    if needed.isdisjoint(present):
        hint = f"name with --runs where its runs are (looked below {', '.join(map(str, searched))}); "
        hint += "or delete it yourself"
        raise ArtifactError("no finished run uses it: all of it would be deleted", location=store, hint=hint)


def _plan(
    store: str, ended: Iterable[Path], spare: Sequence[Unneeded], num_present: int, older_than_days: float
) -> PruningPlan:
    unneeded = tuple(one for one in spare if one.age_days >= older_than_days)
    return PruningPlan(
        store=store,
        runs=tuple(map(str, ended)),
        unneeded=unneeded,
        num_kept=num_present - len(unneeded),
        num_young=len(spare) - len(unneeded),
    )


def _describe(key: Key, location: Path) -> Unneeded:
    touched = location if key[0] == SCRATCH else location / RECORD  # of a training, when it was begun or resumed
    age_s = max(time.time() - touched.stat().st_mtime, 0.0)
    return Unneeded(*key, num_bytes=measure(location), age_days=age_s / _DAY_S)


def _find_needed(runs: Iterable[Path], stores: Set[Path]) -> set[Key]:
    """All that runs list, whichever store they use: a fingerprint says what an artifact is, not where.

    Args:
        runs: Directories of runs that ended.
        stores: Those in which what runs adopted by its path is needed as well.
    """
    waiting: list[tuple[Path, Key]] = []
    for directory in runs:
        own = find_store(directory)
        waiting += [(own, (one.kind, one.fingerprint)) for one in read_lineage(directory)]
    needed: set[Key] = set()
    seen: set[tuple[Path, Key]] = set()
    while waiting:
        where, key = waiting.pop()
        if (where, key) in seen:
            continue
        seen.add((where, key))
        needed.add(key)
        try:
            record = read_record(where.joinpath(*key))
        except ArtifactError:
            continue  # gone or damaged: the runs' lists have its inputs
        waiting += [(where, parent) for parent in list_inputs(record)]
        waiting += [(store, key) for store in stores if (key := _inside(store, record["external"]))]
    return needed


def _inside(store: Path, external: str) -> Key | None:
    """The artifact of the store that an adopted directory belongs to."""
    if not external:
        return None
    try:
        parts = Path(external).resolve().relative_to(store.resolve()).parts
    except ValueError:
        return None
    return (parts[0], parts[1]) if len(parts) >= 2 else None


def prune(path: Path, roots: Sequence[Path] = (), older_than_days: float = 7.0) -> PruningPlan:
    """Deletes what `plan_pruning` finds; a kill in between leaves no partial artifact.

    Raises:
        ArtifactError: The store is in use.
        DataError: See `plan_pruning`.
    """
    require_directory(path)
    store = path if is_store(path) else find_store(path)
    if not is_store(store):
        return plan_pruning(path, roots, older_than_days)  # which says what is wrong
    with locks.alone(store):
        plan = plan_pruning(store, roots, older_than_days)
        for one in plan.unneeded:
            location = store / one.kind / one.fingerprint
            (store / "prefect" / one.fingerprint).unlink(missing_ok=True)
            # a draft's name: hidden from readers at once, and swept by the next user of the store
            doomed = location.with_name(f".{location.name[:16]}.{os.getpid()}.{secrets.token_hex(4)}")
            location.rename(doomed)
            shutil.rmtree(doomed)
    return plan
