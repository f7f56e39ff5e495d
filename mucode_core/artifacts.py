"""The artifact store: atomic publication, verified reads, lineage.

An artifact is a directory `<store>/<kind>/<fingerprint>/`: rows as Parquet or a model, and `record.json`, written last.
It is built in a temporary sibling, synced, and renamed into place; a reader verifies digests before it trusts a byte.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import time
import weakref
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mucode_core import schemas, store_lock
from mucode_core.draft import DATA, MEASURED, MODEL, Draft, Row
from mucode_core.errors import ArtifactError, MucodeError, StoreError
from mucode_core.files import sync, sync_tree
from mucode_core.fingerprint import digest_file, digest_of
from mucode_core.recipe import Recipe, digest_tree
from mucode_core.remote_store import RECORD, RemoteStore, is_url
from mucode_core.revision import code_version
from mucode_core.storage import CURE, find_unwritable
from mucode_core.types import ArtifactRef

STORE = "store"
"""Directory of a run."""
SCRATCH = "unfinished"
"""Directory of the store beside those of the kinds."""
_DRAFTS = "*/.*.*.*"


class ArtifactStore:
    """Artifacts under one directory.

    Args:
        root: Created where missing.
        remote: Where finished artifacts are copied to, and those that are not in the directory are looked for.

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
            weakref.finalize(self, os.close, store_lock.share(root, self._remove_drafts))
        except OSError as error:
            raise ArtifactError(
                f"cannot be written: {error.strerror}", place=str(root), cure="name a writable directory with --out"
            ) from error

    def _remove_drafts(self) -> None:
        for path in self.root.glob(_DRAFTS):
            shutil.rmtree(path, ignore_errors=True)

    def path_of(self, kind: str, fingerprint: str) -> Path:
        return self.root / kind / fingerprint

    def find(self, recipe: Recipe) -> ArtifactRef | None:
        """The published artifact of a recipe, or None where there is none that verifies.

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
        """Copies a published artifact to the remote store, where it is missing there."""
        if self._remote is None or path in self._shared:
            return
        record = read_record(path)
        # what stands for a directory of this machine is nothing to another
        if not record["external"] and (renew or not self._remote.holds(record["kind"], record["fingerprint"])):
            self._remote.push(path, record)
        self._shared.add(path)

    def _fetch(self, remote: RemoteStore, final: Path) -> bool:
        """Publishes here what the remote store has under a path; False where that is nothing, or damaged."""
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
        """A draft that is published when the block ends well, and leaves nothing behind when it does not.

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
        """A directory beside the published one, gone when the block ends."""
        path = final.parent / f".{final.name[:16]}.{os.getpid()}.{secrets.token_hex(4)}"
        try:
            path.mkdir(parents=True)
            yield path
        except MucodeError:
            raise
        except Exception as error:
            if (reason := find_unwritable(error)) is None:
                raise
            raise ArtifactError(f"cannot be written: {reason}", place=str(final), cure=CURE) from error
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
        """All rows of an artifact, verified.

        Raises:
            ArtifactError: Missing, changed since `ref` was made, of a foreign schema, or corrupt.
        """
        path = self._open(ref)
        table = _read_parquet(path / DATA)
        measured = None
        if (path / MEASURED).exists():
            measured = _read_parquet(path / MEASURED).column("values").combine_chunks()
        return schemas.from_table(table, row_type, measured)

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
            raise ArtifactError("its content changed since it was referred to", place=str(path), cure="run again")
        return path

    def _verify(self, path: Path) -> ArtifactRef:
        record = read_record(path)
        if record["schema_version"] != schemas.SCHEMA_VERSION:
            raise ArtifactError(f"has schema version {record['schema_version']}", place=str(path), cure="run again")
        for name, entry in record["files"].items():
            if self._digest(path / name) != entry["sha256"]:
                raise ArtifactError("does not have the digest of its record", place=str(path / name), cure="run again")
        return ArtifactRef(
            kind=record["kind"],
            path=str(path),
            fingerprint=record["fingerprint"],
            content_digest=record["content_digest"],
            num_rows=record["num_rows"],
            schema_version=record["schema_version"],
        )

    def _digest(self, path: Path) -> str:
        """Digest of a file, remembered while its size and time stand: checkpoints are large."""
        try:
            stat = path.stat()
            signature = (stat.st_size, stat.st_mtime_ns)
            known = self._verified.get(path)
            if known is None or known[0] != signature:
                known = self._verified[path] = (signature, digest_file(path))
        except OSError as error:
            raise ArtifactError(f"cannot be read: {error.strerror}", place=str(path), cure="run again") from error
        return known[1]


def local_store(store_dir: str, run_dir: Path) -> Path:
    """Where a run's artifacts are on this machine.

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
        ArtifactError: There is none, or it was changed.
    """
    try:
        record = json.loads((path / RECORD).read_text("utf-8"))
        claimed = record.pop("record_digest")
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise ArtifactError("has no readable record", place=str(path / RECORD), cure="run again") from error
    if digest_of(record) != claimed:
        raise ArtifactError("was changed after it was published", place=str(path / RECORD), cure="run again")
    return record


def _read_parquet(path: Path) -> pa.Table:
    try:
        with pq.ParquetFile(path) as file:
            return file.read(use_threads=False)  # shards are small
    except (OSError, pa.ArrowInvalid) as error:
        raise ArtifactError(f"is not readable Parquet: {error}", place=str(path), cure="run again") from error


def _hash_files(path: Path) -> dict[str, dict[str, Any]]:
    files = sorted(p for p in path.rglob("*") if p.is_file())
    return {str(p.relative_to(path)): {"sha256": digest_file(p), "bytes": p.stat().st_size} for p in files}


def _content_digest(files: Mapping[str, Mapping[str, Any]], external: str) -> str:
    own = {name: entry["sha256"] for name, entry in files.items() if name != MEASURED}
    return digest_tree(Path(external)) if external else digest_of(own)
