"""Artifacts behind an fsspec URL, such as an S3-compatible store, for machines without a common file system.

    <url>/<kind>/<fingerprint>/<sha256>      a file of the artifact, named by its content
    <url>/<kind>/<fingerprint>/record.json   written last: without it there is no artifact

Content-addressed names let two machines publish one artifact at the same time; the record, a single object, lists the
valid files. Downloads are verified byte for byte.
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
from mucode_core.system.disk_errors import is_full

RECORD = "record.json"
_DEPTH = 3
_CHUNK_BYTES = 2**23


@dataclass(frozen=True)
class RemoteArtifact:
    """The objects of a kind and fingerprint; without a record they are an interrupted upload."""

    kind: str
    fingerprint: str
    num_bytes: int
    modified: datetime
    """Time of its last modified object."""
    has_record: bool


def is_url(store_dir: str) -> bool:
    """Whether `run.store_dir` is a URL and not a directory."""
    return "://" in store_dir


class RemoteStore:
    """A remote store, with credentials and settings of its file system from the environment.

    Args:
        url: A URL that fsspec supports.

    Raises:
        ConfigError: No file system for the URL is installed.
        StoreError: It cannot be reached.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        try:
            self._files, self._root = url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            hint = 'name a directory or a URL that fsspec supports; for s3:// install "mucode[s3]"'
            raise ConfigError(f"cannot be opened: {error}", location=f"run.store_dir {url}", hint=hint) from error

    def holds(self, kind: str, fingerprint: str) -> bool:
        """Whether an artifact's record exists."""
        with self._reached():
            self._files.invalidate_cache()  # other machines write too
            return self._files.exists(self._path(kind, fingerprint, RECORD))

    def push(self, path: Path, record: dict[str, Any]) -> None:
        """Uploads a verified artifact from its directory."""
        kind, fingerprint = record["kind"], record["fingerprint"]
        with self._reached():
            for name, entry in record["files"].items():
                self._files.put_file(str(path / name), self._path(kind, fingerprint, entry["sha256"]))
            self._files.pipe_file(self._path(kind, fingerprint, RECORD), (path / RECORD).read_bytes())

    def fetch_record(self, kind: str, fingerprint: str, path: Path) -> None:
        """Downloads an artifact's record to a directory, unverified."""
        with self._reached(missing=ArtifactError):
            (path / RECORD).write_bytes(self._files.cat_file(self._path(kind, fingerprint, RECORD)))

    def fetch_files(self, record: dict[str, Any], path: Path) -> None:
        """Downloads an artifact's files to a directory, unverified.

        Raises:
            ArtifactError: A file is missing, or its name points outside the directory.
        """
        for name, entry in record["files"].items():
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise ArtifactError(
                    f"names a file outside of it: {name!r}", location=self.url, hint="remove that artifact"
                )
            target = path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with self._reached(missing=ArtifactError):
                self._files.get_file(self._path(record["kind"], record["fingerprint"], entry["sha256"]), str(target))

    def list_artifacts(self) -> list[RemoteArtifact]:
        """All stored artifacts, by kind and fingerprint."""
        with self._reached():
            self._files.invalidate_cache()
            found: dict[tuple[str, str], list[tuple[str, int]]] = {}
            for path, entry in self._files.find(self._root, detail=True).items():
                parts = path.removeprefix(self._root).strip("/").split("/")
                if len(parts) == _DEPTH:  # ignores foreign objects
                    found.setdefault((parts[0], parts[1]), []).append((parts[2], int(entry["size"])))
            return [self._describe(*key, objects) for key, objects in sorted(found.items())]

    def _describe(self, kind: str, fingerprint: str, objects: list[tuple[str, int]]) -> RemoteArtifact:
        modified = [self._files.modified(self._path(kind, fingerprint, name)) for name, _ in objects]
        has_record = any(name == RECORD for name, _ in objects)
        return RemoteArtifact(kind, fingerprint, sum(size for _, size in objects), max(modified), has_record)

    def digest(self, kind: str, fingerprint: str, name: str) -> str:
        """SHA-256 of an object.

        Raises:
            ArtifactError: It is missing.
        """
        path, digest = self._path(kind, fingerprint, name), hashlib.sha256()
        with self._reached(missing=ArtifactError), self._files.open(path, "rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    def remove(self, kind: str, fingerprint: str) -> None:
        """Deletes an artifact, its record first, so that an interrupted deletion leaves no artifact."""
        with self._reached():
            self._files.invalidate_cache()
            paths: list[str] = self._files.find(self._path(kind, fingerprint))
            for path in sorted(paths, key=lambda path: not path.endswith(f"/{RECORD}")):
                self._files.rm_file(path)

    def _path(self, *parts: str) -> str:
        return "/".join([self._root, *parts])

    @contextmanager
    def _reached(self, missing: type[ArtifactError] = StoreError) -> Generator[None]:
        """Converts exceptions to this package's errors; `missing` is the one for a missing object."""
        try:
            yield
        except Exception as error:  # each file system raises its own exceptions
            if is_full(error):  # the local disk
                raise
            kind = missing if isinstance(error, FileNotFoundError) else StoreError
            hint = "fix the cause (credentials, address, network), then run the same command again: it resumes"
            raise kind(f"cannot be used: {error}", location=self.url, hint=hint) from error
