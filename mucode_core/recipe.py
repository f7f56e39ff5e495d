"""What makes an artifact: its stage, its inputs, its settings; and so which artifact it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mucode_core import schemas
from mucode_core.errors import DataError
from mucode_core.fingerprint import canonical_json, digest_file, digest_of
from mucode_core.types import ArtifactRef


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
                return cls(str(root.resolve()), digest_tree(root))
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


def digest_tree(root: Path) -> str:
    """Digest of all files below a directory, by their names there."""
    return digest_of({str(p.relative_to(root)): digest_file(p) for p in sorted(root.rglob("*")) if p.is_file()})
