"""Artifacts behind an fsspec URL, such as an S3-compatible store: what machines without a common file system share.

    <url>/<kind>/<fingerprint>/<sha256>      a file of the artifact, named by its content
    <url>/<kind>/<fingerprint>/record.json   written last: without it there is no artifact

Names by content let two machines publish one artifact at the same time; the record, one object, says which files count.
Whoever takes an artifact verifies every byte of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from fsspec.core import url_to_fs

from mucode_core.errors import ArtifactError, ConfigError, StoreError
from mucode_core.storage import is_full

RECORD = "record.json"
_DEPTH = 3
_CHUNK_BYTES = 2**23


@dataclass(frozen=True)
class RemoteArtifact:
    """What is there under a kind and a fingerprint; without its record the rest of a copy that was killed."""

    kind: str
    fingerprint: str
    num_bytes: int
    modified: datetime
    """When the last of its objects was written."""
    has_record: bool


def is_url(store_dir: str) -> bool:
    """Whether `run.store_dir` names a remote store and not a directory."""
    return "://" in store_dir


class RemoteStore:
    """A remote store, with the credentials and settings that its file system finds in the environment.

    Args:
        url: As fsspec reads it.

    Raises:
        ConfigError: No file system of that name is installed.
        StoreError: It cannot be reached.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        try:
            self._files, self._root = url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            cure = 'name a directory or a URL that fsspec knows; for s3:// install "mucode[s3]"'
            raise ConfigError(f"cannot be opened: {error}", place=f"run.store_dir {url}", cure=cure) from error

    def holds(self, kind: str, fingerprint: str) -> bool:
        """Whether an artifact's record is there."""
        with self._reached():
            self._files.invalidate_cache()  # other machines write too
            return self._files.exists(self._path(kind, fingerprint, RECORD))

    def push(self, path: Path, record: dict[str, Any]) -> None:
        """Copies a verified artifact from its directory."""
        kind, fingerprint = record["kind"], record["fingerprint"]
        with self._reached():
            for name, entry in record["files"].items():
                self._files.put_file(str(path / name), self._path(kind, fingerprint, entry["sha256"]))
            self._files.pipe_file(self._path(kind, fingerprint, RECORD), (path / RECORD).read_bytes())

    def fetch_record(self, kind: str, fingerprint: str, path: Path) -> None:
        """Copies an artifact's record into a directory; nothing is verified yet."""
        with self._reached(missing=ArtifactError):
            (path / RECORD).write_bytes(self._files.cat_file(self._path(kind, fingerprint, RECORD)))

    def fetch_files(self, record: dict[str, Any], path: Path) -> None:
        """Copies an artifact's files into a directory; nothing is verified yet.

        Raises:
            ArtifactError: One is missing, or its name would leave the directory.
        """
        for name, entry in record["files"].items():
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise ArtifactError(
                    f"names a file outside of it: {name!r}", place=self.url, cure="remove that artifact"
                )
            target = path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with self._reached(missing=ArtifactError):
                self._files.get_file(self._path(record["kind"], record["fingerprint"], entry["sha256"]), str(target))

    def list_artifacts(self) -> list[RemoteArtifact]:
        """All that is there, by kind and fingerprint."""
        with self._reached():
            self._files.invalidate_cache()
            found: dict[tuple[str, str], list[tuple[str, int]]] = {}
            for path, entry in self._files.find(self._root, detail=True).items():
                parts = path.removeprefix(self._root).strip("/").split("/")
                if len(parts) == _DEPTH:  # else it is nothing of ours
                    found.setdefault((parts[0], parts[1]), []).append((parts[2], int(entry["size"])))
            return [self._describe(*key, objects) for key, objects in sorted(found.items())]

    def _describe(self, kind: str, fingerprint: str, objects: list[tuple[str, int]]) -> RemoteArtifact:
        modified = [self._files.modified(self._path(kind, fingerprint, name)) for name, _ in objects]
        has_record = any(name == RECORD for name, _ in objects)
        return RemoteArtifact(kind, fingerprint, sum(size for _, size in objects), max(modified), has_record)

    def digest(self, kind: str, fingerprint: str, name: str) -> str:
        """SHA-256 of an object, read through once.

        Raises:
            ArtifactError: It is missing.
        """
        path, digest = self._path(kind, fingerprint, name), hashlib.sha256()
        with self._reached(missing=ArtifactError), self._files.open(path, "rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    def remove(self, kind: str, fingerprint: str) -> None:
        """Deletes an artifact, its record first: killed in between, it is none any more."""
        with self._reached():
            self._files.invalidate_cache()
            paths: list[str] = self._files.find(self._path(kind, fingerprint))
            for path in sorted(paths, key=lambda path: not path.endswith(f"/{RECORD}")):
                self._files.rm_file(path)

    def _path(self, *parts: str) -> str:
        return "/".join([self._root, *parts])

    @contextmanager
    def _reached(self, missing: type[ArtifactError] = StoreError) -> Generator[None]:
        """Errors as this package has them; `missing` is that of something that is not there."""
        try:
            yield
        except Exception as error:  # each file system has errors of its own
            if is_full(error):  # here, not there
                raise
            kind = missing if isinstance(error, FileNotFoundError) else StoreError
            cure = "mend what it says (credentials, address, network), then run the same command again: it resumes"
            raise kind(f"cannot be used: {error}", place=self.url, cure=cure) from error
