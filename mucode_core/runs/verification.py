"""Checks the artifacts of a run against their records, byte by byte."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mucode_core.errors import ArtifactError, MucodeError, PathError, StoreError
from mucode_core.fingerprint import digest_file
from mucode_core.runs.directory import RESULT, find_store, read_lineage, require_directory
from mucode_core.runs.listing import is_store
from mucode_core.store.artifacts import RECORD, read_record
from mucode_core.store.recipe import Source
from mucode_core.store.remote import RemoteStore
from mucode_core.store.schemas import READABLE_VERSIONS


@dataclass(frozen=True)
class Damage:
    """One artifact that cannot be used."""

    path: str
    problem: str


@dataclass(frozen=True)
class Verification:
    """The result of reading every byte."""

    num_artifacts: int
    num_bytes: int
    """Read, of files that could be."""
    damages: tuple[Damage, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def verify(path: Path) -> Verification:
    """Verifies a run's artifacts: its lineage if it ended, else all of its store; or all of a store.

    Damage is part of the result, not an error.

    Raises:
        DataError: It is neither a run nor a store, or its result cannot be read.
    """
    if (path / RESULT).exists():
        store = find_store(path)
        wanted = {store / one.kind / one.fingerprint: one.content_digest for one in read_lineage(path)}
        return _verify_all(partial(verify_artifact, *one) for one in wanted.items())
    require_directory(path)
    store = path if is_store(path) else find_store(path)
    if not is_store(store):
        raise PathError("is neither a run nor a store", location=str(path), hint="name a run directory or its store")
    return _verify_all(partial(verify_artifact, record.parent) for record in sorted(store.glob(f"*/*/{RECORD}")))


def verify_remote(remote: RemoteStore) -> Verification:
    """Verifies every artifact of a remote store; see `verify`.

    Raises:
        StoreError: It cannot be reached.
    """
    artifacts = (one for one in remote.list_artifacts() if one.has_record)
    return _verify_all(partial(_verify_objects, remote, one.kind, one.fingerprint) for one in artifacts)


def _verify_objects(remote: RemoteStore, kind: str, fingerprint: str) -> int:
    location, hint = f"{remote.url}/{kind}/{fingerprint}", "run again: the stage is rebuilt and uploaded"
    with tempfile.TemporaryDirectory() as directory:
        remote.fetch_record(kind, fingerprint, Path(directory))
        try:
            record = read_record(Path(directory))
        except ArtifactError as error:
            raise ArtifactError(error.problem, location=location, hint=hint) from error
    for name, entry in record["files"].items():
        if remote.digest(kind, fingerprint, entry["sha256"]) != entry["sha256"]:
            raise ArtifactError(f"{name} does not have the digest of its record", location=location, hint=hint)
    return sum(int(entry["bytes"]) for entry in record["files"].values())


def _verify_all(checks: Iterable[Callable[[], int]]) -> Verification:
    """Each check returns the bytes it read, or raises."""
    num_artifacts = num_bytes = 0
    damages: list[Damage] = []
    for check in checks:
        num_artifacts += 1
        try:
            num_bytes += check()
        except StoreError:
            raise
        except MucodeError as error:
            damages.append(Damage(error.location, error.problem))
    return Verification(num_artifacts, num_bytes, tuple(damages))


def verify_artifact(path: Path, content_digest: str | None = None) -> int:
    """Digests every file of an artifact, and of an external directory that it refers to.

    Args:
        path: Its directory.
        content_digest: The one that a run recorded; None takes the artifact's record.

    Returns:
        Bytes of its own files.

    Raises:
        ArtifactError: It is not what its record or the run says.
        DataError: What it refers to is gone.
    """
    record = read_record(path)
    hint = "run again"
    if content_digest is not None and record["content_digest"] != content_digest:
        raise ArtifactError(
            "is not what the run produced: it was rebuilt with other content", location=str(path), hint=hint
        )
    if record["schema_version"] not in READABLE_VERSIONS:
        raise ArtifactError(f"has schema version {record['schema_version']}", location=str(path), hint=hint)
    for name, entry in record["files"].items():
        try:
            found = digest_file(path / name)
        except OSError as error:
            raise ArtifactError(f"cannot be read: {error.strerror}", location=str(path / name), hint=hint) from error
        if found != entry["sha256"]:
            raise ArtifactError("does not have the digest of its record", location=str(path / name), hint=hint)
    external = record["external"]
    if external and Source.of(external).digest != record["content_digest"]:
        raise ArtifactError("was changed since it was adopted", location=external, hint="restore it, or run again")
    return sum(int(entry["bytes"]) for entry in record["files"].values())
