"""The artifact store: atomic publication, verified reads, lineage.

An artifact is a directory `<store>/<kind>/<fingerprint>/`: rows as Parquet or a model, and `record.json`, written last.
It is built in a temporary sibling directory, synced, and renamed; readers verify digests before using any data.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import time
import weakref
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mucode_core.errors import ArtifactError, MucodeError, StoreError
from mucode_core.fingerprint import digest_file, digest_of
from mucode_core.store import schemas
from mucode_core.store.code_version import code_version
from mucode_core.store.draft import COSTS, DATA, MODEL, Draft, Row
from mucode_core.store.recipe import Recipe, digest_tree
from mucode_core.store.remote import RECORD, RemoteStore, is_url
from mucode_core.system import locks
from mucode_core.system.atomic_files import sync, sync_tree
from mucode_core.system.disk_errors import HINT, find_unwritable
from mucode_core.types import ArtifactRef, ProgramCost

STORE = "store"
"""Name of the store's directory in a run directory."""
SCRATCH = "unfinished"
"""Directory in the store besides those of the kinds."""
_DRAFTS = "*/.*.*.*"


class ArtifactStore:
    """Artifacts under one directory.

    Args:
        root: Directory; created if missing.
        remote: Remote store to upload finished artifacts to, and to look up missing ones in.

    Raises:
        ArtifactError: The directory cannot be written.
    """

    def __init__(self, root: Path, remote: RemoteStore | None = None) -> None:
        self.root, self._remote = root, remote
        self._shared: set[Path] = set()
        self._verified: dict[Path, tuple[tuple[int, int], str]] = {}
        try:
            root.mkdir(parents=True, exist_ok=True)
            probe = root / f".probe.{os.getpid()}"
            probe.touch()
            probe.unlink()
            weakref.finalize(self, os.close, locks.share(root, self._remove_drafts))
        except OSError as error:
            raise ArtifactError(
                f"cannot be written: {error.strerror}", location=str(root), hint="name a writable directory with --out"
            ) from error

    def _remove_drafts(self) -> None:
        for path in self.root.glob(_DRAFTS):
            shutil.rmtree(path, ignore_errors=True)

    def path_of(self, kind: str, fingerprint: str) -> Path:
        return self.root / kind / fingerprint

    def find(self, recipe: Recipe) -> ArtifactRef | None:
        """The published artifact of a recipe, or None if there is none that verifies.

        Raises:
            StoreError: The remote store cannot be used.
        """
        path = self.path_of(recipe.kind, recipe.fingerprint)
        found = self._find(path)
        if found is None and self._remote is not None and self._fetch(self._remote, path):
            return self._find(path)
        if found is not None:
            self._share(path)
        return found

    def _find(self, path: Path) -> ArtifactRef | None:
        try:
            return self._verify(path)
        except ArtifactError:
            return None

    def _share(self, path: Path, *, renew: bool = False) -> None:
        """Uploads a published artifact to the remote store unless it is there."""
        if self._remote is None or path in self._shared:
            return
        record = read_record(path)
        # a reference to a directory of this machine is useless elsewhere
        if not record["external"] and (renew or not self._remote.holds(record["kind"], record["fingerprint"])):
            self._remote.push(path, record)
        self._shared.add(path)

    def _fetch(self, remote: RemoteStore, final: Path) -> bool:
        """Publishes the remote store's artifact of a path here; False if it is missing or damaged."""
        kind, fingerprint = final.parts[-2:]
        if not remote.holds(kind, fingerprint):
            return False
        with self._draft_of(final) as path:
            try:
                remote.fetch_record(kind, fingerprint, path)
                record = read_record(path)
                if (record["kind"], record["fingerprint"]) != (kind, fingerprint):
                    return False
                remote.fetch_files(record, path)
                self._verify(path)
            except StoreError:
                raise
            except ArtifactError:
                return False
            self._place(path, final)
        self._shared.add(final)
        return True

    @contextmanager
    def build(self, recipe: Recipe) -> Generator[Draft]:
        """A draft that is published if the block succeeds, and removed otherwise.

        Raises:
            ArtifactError: The disk is full or cannot be written.
        """
        final = self.path_of(recipe.kind, recipe.fingerprint)
        started = time.time()
        with self._draft_of(final) as path:
            draft = Draft(path, recipe, self.root / SCRATCH / f"{recipe.kind}-{recipe.fingerprint}")
            yield draft
            self._publish(draft, recipe, final, started)
            shutil.rmtree(draft.scratch, ignore_errors=True)
        self._share(final, renew=True)

    @contextmanager
    def _draft_of(self, final: Path) -> Generator[Path]:
        """A temporary directory next to the published one, removed when the block ends."""
        path = final.parent / f".{final.name[:16]}.{os.getpid()}.{secrets.token_hex(4)}"
        try:
            path.mkdir(parents=True)
            yield path
        except MucodeError:
            raise
        except Exception as error:
            if (reason := find_unwritable(error)) is None:
                raise
            raise ArtifactError(f"cannot be written: {reason}", location=str(final), hint=HINT) from error
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def _publish(self, draft: Draft, recipe: Recipe, final: Path, started: float) -> None:
        files = _hash_files(draft.path)
        record = {
            "kind": recipe.kind,
            "fingerprint": recipe.fingerprint,
            "content_digest": _content_digest(files, draft.external),
            "schema_version": schemas.SCHEMA_VERSION,
            "row_type": draft.row_type,
            "num_rows": draft.num_rows,
            "files": files,
            "external": draft.external,
            "recipe": recipe.describe(),
            "notes": draft.notes,
            "code_version": code_version(),
            "started_at": started,
            "duration_s": round(time.time() - started, 3),
        }
        record["record_digest"] = digest_of(json.loads(json.dumps(record)))
        (draft.path / RECORD).write_text(json.dumps(record, indent=1, sort_keys=True), "utf-8")
        self._place(draft.path, final)

    def _place(self, path: Path, final: Path) -> None:
        sync_tree(path)
        try:
            path.rename(final)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            if self._find(final) is not None:
                return
            shutil.rmtree(final)
            path.rename(final)
        sync(final.parent)

    def record(self, ref: ArtifactRef) -> dict[str, Any]:
        """The verified record of an artifact."""
        return read_record(self.path_of(ref.kind, ref.fingerprint))

    def ref(self, recipe: Recipe) -> ArtifactRef:
        """The published artifact of a recipe.

        Raises:
            ArtifactError: There is none, or it does not verify.
        """
        return self._verify(self.path_of(recipe.kind, recipe.fingerprint))

    def read_rows(self, ref: ArtifactRef, row_type: type[Row]) -> list[Row]:
        """All rows of an artifact, verified; for `ProgramCost` what its programs cost.

        Raises:
            ArtifactError: Missing, changed since `ref` was created, of another schema, or corrupt.
        """
        name = COSTS if row_type is ProgramCost else DATA
        return schemas.from_table(_read_parquet(self._open(ref) / name), row_type)

    def read_all(self, refs: Sequence[ArtifactRef], row_type: type[Row]) -> Iterator[Row]:
        """The rows of several artifacts, in order, one artifact at a time in memory; see `read_rows`."""
        return (row for ref in refs for row in self.read_rows(ref, row_type))

    def model_dir(self, ref: ArtifactRef) -> Path:
        """Directory of an artifact's model files, verified; see `read_rows` for errors."""
        path = self._open(ref)
        external = read_record(path)["external"]
        return Path(external) if external else path / MODEL

    def _open(self, ref: ArtifactRef) -> Path:
        path = self.path_of(ref.kind, ref.fingerprint)
        if self._remote is not None and self._find(path) is None:
            self._fetch(self._remote, path)
        found = self._verify(path)
        if found.content_digest != ref.content_digest:
            raise ArtifactError("its content changed since it was referenced", location=str(path), hint="run again")
        return path

    def _verify(self, path: Path) -> ArtifactRef:
        record = read_record(path)
        if record["schema_version"] not in schemas.READABLE_VERSIONS:
            raise ArtifactError(f"has schema version {record['schema_version']}", location=str(path), hint="run again")
        for name, entry in record["files"].items():
            if self._digest(path / name) != entry["sha256"]:
                raise ArtifactError(
                    "does not have the digest of its record", location=str(path / name), hint="run again"
                )
        return ArtifactRef(
            kind=record["kind"],
            path=str(path),
            fingerprint=record["fingerprint"],
            content_digest=record["content_digest"],
            num_rows=record["num_rows"],
            schema_version=record["schema_version"],
        )

    def _digest(self, path: Path) -> str:
        """Digest of a file, cached by its size and modification time, since checkpoints are large."""
        try:
            stat = path.stat()
            signature = (stat.st_size, stat.st_mtime_ns)
            known = self._verified.get(path)
            if known is None or known[0] != signature:
                known = self._verified[path] = (signature, digest_file(path))
        except OSError as error:
            raise ArtifactError(f"cannot be read: {error.strerror}", location=str(path), hint="run again") from error
        return known[1]


def local_store(store_dir: str, run_dir: Path) -> Path:
    """The local directory of a run's artifacts.

    Args:
        store_dir: `run.store_dir`: a directory, the URL of a remote store, or empty.
    """
    return Path(store_dir) if store_dir and not is_url(store_dir) else run_dir / STORE


def open_store(store_dir: str, run_dir: Path) -> ArtifactStore:
    """The store of a run; see `local_store`, and `ArtifactStore` and `RemoteStore` for errors."""
    remote = RemoteStore(store_dir) if is_url(store_dir) else None
    return ArtifactStore(local_store(store_dir, run_dir), remote)


def read_record(path: Path) -> dict[str, Any]:
    """The record in an artifact's directory, verified against its own digest.

    Raises:
        ArtifactError: It is missing or was changed.
    """
    try:
        record = json.loads((path / RECORD).read_text("utf-8"))
        claimed = record.pop("record_digest")
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise ArtifactError("has no readable record", location=str(path / RECORD), hint="run again") from error
    if digest_of(record) != claimed:
        raise ArtifactError("was changed after it was published", location=str(path / RECORD), hint="run again")
    return record


def _read_parquet(path: Path) -> pa.Table:
    try:
        with pq.ParquetFile(path) as file:
            return file.read(use_threads=False)  # shards are small
    except (OSError, pa.ArrowInvalid) as error:
        raise ArtifactError(f"is not readable Parquet: {error}", location=str(path), hint="run again") from error


def _hash_files(path: Path) -> dict[str, dict[str, Any]]:
    files = sorted(p for p in path.rglob("*") if p.is_file())
    return {str(p.relative_to(path)): {"sha256": digest_file(p), "bytes": p.stat().st_size} for p in files}


def _content_digest(files: Mapping[str, Mapping[str, Any]], external: str) -> str:
    own = {name: entry["sha256"] for name, entry in files.items() if name != COSTS}
    return digest_tree(Path(external)) if external else digest_of(own)
