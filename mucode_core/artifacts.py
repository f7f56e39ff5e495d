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
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from mucode_core import schemas, store_lock
from mucode_core.columns import count_measured, join_measured
from mucode_core.errors import ArtifactError, DataError, MucodeError, StoreError
from mucode_core.fingerprint import canonical_json, digest_file, digest_of
from mucode_core.remote_store import RECORD, RemoteStore, is_url
from mucode_core.revision import code_version
from mucode_core.storage import CURE, find_unwritable
from mucode_core.types import ArtifactRef

Row = TypeVar("Row")

DATA, MEASURED, MODEL = "data.parquet", "measured.parquet", "model"
STORE = "store"
"""Directory of a run."""
SCRATCH = "unfinished"
"""Directory of the store beside those of the kinds."""
_DRAFTS = "*/.*.*.*"
_ROWS_A_GROUP = 4096
_MEASURED_SCHEMA = pa.schema([pa.field("values", pa.list_(pa.float64()))])


@dataclass(frozen=True)
class Source:
    """A file or directory of the user's: its content is hashed, its path is not."""

    path: str
    digest: str

    @classmethod
    def of(cls, path: str) -> Source:
        """Digests a file, or every file below a directory.

        Raises:
            DataError: It is not there or cannot be read.
        """
        root = Path(path)
        try:
            if root.is_dir():
                return cls(str(root.resolve()), _digest_tree(root))
            return cls(str(root.resolve()), digest_file(root))
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror}", place=path, cure="name a local path") from error


@dataclass(frozen=True)
class Recipe:
    """What makes an artifact: its fingerprint is the artifact's identity.

    Only *what* belongs here: paths, worker counts and devices stay out.
    """

    kind: str
    version: int
    """Version of the stage's code; raised whenever its output changes."""
    inputs: Mapping[str, tuple[ArtifactRef, ...]]
    settings: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        """Identity from the *content* of the inputs: a changed recipe with the same outcome changes nothing below."""
        digests = {name: [ref.content_digest for ref in refs] for name, refs in self.inputs.items()}
        return digest_of([self.kind, self.version, schemas.SCHEMA_VERSION, digests, dict(self.settings)])

    def describe(self) -> dict[str, Any]:
        """The lineage that `record.json` keeps."""
        inputs = {
            name: [{"kind": r.kind, "fingerprint": r.fingerprint, "content_digest": r.content_digest} for r in refs]
            for name, refs in self.inputs.items()
        }
        settings = json.loads(canonical_json(self.settings))
        return {"kind": self.kind, "version": self.version, "inputs": inputs, "settings": settings}


@dataclass
class Draft:
    """An artifact being built; whatever is written here is published together or not at all."""

    path: Path
    recipe: Recipe
    scratch: Path
    """Where a build keeps what lets it go on after a kill; removed once the artifact is published. Not made yet."""
    num_rows: int = 0
    row_type: str = ""
    notes: dict[str, Any] = field(default_factory=dict)
    """Figures to keep in the record: they are shown, never hashed."""
    external: str = ""
    """A directory elsewhere that this artifact stands for, instead of a copy of it."""

    @property
    def model_dir(self) -> Path:
        """Where a model's files go."""
        return self.path / MODEL

    def note(self, report: Any) -> None:
        """Keeps the fields of a report dataclass as notes."""
        self.notes = asdict(report)

    def write_rows(self, rows: Iterable[Row], row_type: type[Row]) -> None:
        """Writes the artifact's rows, a group at a time; measured columns go to a file of their own, outside the
        content digest."""
        self.num_rows, self.row_type = 0, row_type.__name__
        with ExitStack() as files:
            data = files.enter_context(_open_parquet(self.path / DATA, schemas.schema_of(row_type)))
            times = None
            if count_measured(row_type):
                times = files.enter_context(_open_parquet(self.path / MEASURED, _MEASURED_SCHEMA))
            remaining = iter(rows)
            while group := list(islice(remaining, _ROWS_A_GROUP)):
                measured: list[pa.Array] = []
                data.write_table(schemas.to_table(group, row_type, measured))
                if times is not None:
                    times.write_table(pa.table([join_measured(measured)], schema=_MEASURED_SCHEMA))
                self.num_rows += len(group)


def _open_parquet(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema, compression="zstd")


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
        _sync_tree(path)
        try:
            path.rename(final)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            if self._find(final) is not None:
                return
            shutil.rmtree(final)
            path.rename(final)
        _sync(final.parent)

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
    return _digest_tree(Path(external)) if external else digest_of(own)


def _digest_tree(root: Path) -> str:
    return digest_of({str(p.relative_to(root)): digest_file(p) for p in sorted(root.rglob("*")) if p.is_file()})


def _sync_tree(path: Path) -> None:
    for entry in [*path.rglob("*"), path]:
        _sync(entry)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file atomically."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", "utf-8")
    temporary.replace(path)


def link_directory(link: Path, target: Path) -> None:
    """Makes or replaces a symbolic link to a directory, relative, so that both may move together."""
    link.parent.mkdir(parents=True, exist_ok=True)
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(os.path.relpath(target.resolve(), link.parent.resolve()), target_is_directory=True)
    temporary.replace(link)
