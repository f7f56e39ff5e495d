"""Recipes: the stage, inputs and settings that identify an artifact."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mucode_core.errors import DataError
from mucode_core.fingerprint import canonical_json, digest_file, digest_of
from mucode_core.store import schemas
from mucode_core.types import ArtifactRef


@dataclass(frozen=True)
class Source:
    """A user's file or directory: its content is hashed, its path is not."""

    path: str
    digest: str

    @classmethod
    def of(cls, path: str) -> Source:
        """Digests a file, or every file below a directory.

        Raises:
            DataError: It is missing or cannot be read.
        """
        root = Path(path)
        try:
            if root.is_dir():
                return cls(str(root.resolve()), digest_tree(root))
            return cls(str(root.resolve()), digest_file(root))
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror}", location=path, hint="name a local path") from error


class SettingsGroup:
    """Base of dataclasses whose fields count in a recipe as settings of the stage itself."""


@dataclass(frozen=True)
class Recipe:
    """Identifies an artifact by its fingerprint.

    Holds only what can change the output: no paths, worker counts or devices.
    """

    kind: str
    version: int
    """Version of the stage's code; raise it whenever its output changes."""
    inputs: Mapping[str, tuple[ArtifactRef, ...]]
    settings: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        """Identity from the *content* of the inputs: a changed recipe with equal output changes nothing downstream."""
        digests = {name: [ref.content_digest for ref in refs] for name, refs in self.inputs.items()}
        return digest_of([self.kind, self.version, schemas.SCHEMA_VERSION, digests, dict(self.settings)])

    def describe(self) -> dict[str, Any]:
        """The lineage for `record.json`."""
        inputs = {
            name: [{"kind": r.kind, "fingerprint": r.fingerprint, "content_digest": r.content_digest} for r in refs]
            for name, refs in self.inputs.items()
        }
        settings = json.loads(canonical_json(self.settings))
        return {"kind": self.kind, "version": self.version, "inputs": inputs, "settings": settings}


def digest_tree(root: Path) -> str:
    """Digest of all files below a directory, by relative name."""
    return digest_of({str(p.relative_to(root)): digest_file(p) for p in sorted(root.rglob("*")) if p.is_file()})
