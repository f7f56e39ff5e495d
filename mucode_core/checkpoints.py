"""What a checkpoint directory must hold, told without loading it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from mucode_core.errors import DataError

VERIFIER_MARK = "verifier.json"
"""File that tells a verifier's checkpoint from a generator's."""


def require_generator(path: Path) -> None:
    """Refuses a directory without a model.

    Raises:
        DataError: It holds no model, or a verifier.
    """
    _require_model(path, "final")
    if (path / VERIFIER_MARK).exists():
        raise DataError("holds a verifier, no generator", place=str(path), cure="name a generator's checkpoint")


def read_score_kind(path: Path) -> Literal["head", "likelihood"]:
    """How a verifier's checkpoint scores.

    Raises:
        DataError: The directory holds no verifier.
    """
    _require_model(path, "verifier")
    try:
        kind = json.loads((path / VERIFIER_MARK).read_text("utf-8"))["score"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError("holds no verifier", place=str(path), cure="name a verifier's checkpoint") from error
    if kind not in ("head", "likelihood"):
        raise DataError(f"scores by {kind!r}", place=str(path / VERIFIER_MARK), cure="name 'head' or 'likelihood'")
    return kind


def _require_model(path: Path, name: str) -> None:
    if not (path / "config.json").is_file():
        cure = f"name a checkpoint directory, such as RUN_DIR/models/{name} of a run of `mucode train`"
        raise DataError("holds no model: there is no config.json", place=str(path), cure=cure)
