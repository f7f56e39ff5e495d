"""Identities: canonical JSON, digests, and seeds derived from names."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mucode_core.errors import ConfigError


def canonical_json(value: Any) -> str:
    """Serialises plain data to its unique JSON text.

    Keys are sorted and whitespace is fixed. Dataclasses count as mappings of their fields.

    Raises:
        ConfigError: A value has no stable form (a set, NaN, an arbitrary object).
    """
    return json.dumps(_plain(value, "$"), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _plain(value: Any, location: str) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name), f"{location}.{f.name}") for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        if bad := [k for k in value if not isinstance(k, str)]:
            raise ConfigError(
                f"key {bad[0]!r} is not a string", location=location, hint="use string keys in hashed data"
            )
        return {k: _plain(v, f"{location}.{k}") for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v, f"{location}[{i}]") for i, v in enumerate(value)]
    raise ConfigError(
        f"{value!r} has no stable form to hash", location=location, hint="use numbers, strings, lists and mappings"
    )


def digest_of(value: Any) -> str:
    """Hex SHA-256 of the canonical JSON of `value`."""
    return digest_bytes(canonical_json(value).encode("utf-8", "surrogatepass"))


def digest_bytes(data: bytes) -> str:
    """Hex SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def derive_seed(run_seed: int, *names: str | int) -> int:
    """A seed in [0, 2**63) for the purpose given by `names`, independent of every other purpose."""
    return int(digest_of([run_seed, *names])[:16], 16) >> 1
