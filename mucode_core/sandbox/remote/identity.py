"""Which version of the sandbox forms verdicts: two that differ may judge the same program differently."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

_SANDBOX = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Identity:
    """All that verdicts depend on beside program, tests and limits."""

    code: str
    """Digest of the sandbox's files."""
    python: str
    """Major and minor version of the interpreter."""
    packages: Mapping[str, str]
    """Versions of the packages that programs may import."""

    @property
    def version(self) -> str:
        """A short name of the whole."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def differences(self, other: Mapping[str, Any]) -> str:
        """What another one, as JSON, has otherwise, in words; '' if nothing."""
        found = [
            f"{name} {other.get(name)!r:.200} instead of {own!r:.200}"
            for name, own in asdict(self).items()
            if other.get(name) != own
        ]
        return "; ".join(found)


def identify(packages: Mapping[str, str]) -> Identity:
    """The identity of this installation's sandbox with these packages."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Identity(_digest_files(), python, dict(sorted(packages.items())))


@lru_cache(1)
def _digest_files() -> str:
    """Digest of what runs and judges programs; how jobs get there is not part of it."""
    digest = hashlib.sha256()
    paths = [path for path in _SANDBOX.rglob("*") if path.suffix in (".py", ".c")]
    for path in sorted(path for path in paths if path.parent.name != "remote"):
        digest.update(f"{path.relative_to(_SANDBOX)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
