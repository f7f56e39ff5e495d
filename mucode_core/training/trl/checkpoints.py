"""Checkpoints of an unfinished training, with a marker on complete ones."""

from __future__ import annotations

import shutil
from pathlib import Path

CHECKPOINTS_KEPT = 2
"""The newer one may be partially written."""
_MARK = "complete"


def mark_complete(checkpoint: Path) -> None:
    """Marks a checkpoint; call it once every process has written its part."""
    (checkpoint / _MARK).touch()


def find_newest(directory: Path) -> Path | None:
    """The newest complete checkpoint; incomplete ones are removed."""
    complete: dict[int, Path] = {}
    for path in directory.glob("checkpoint-*"):
        if (path / _MARK).exists():
            complete[int(path.name.rpartition("-")[2])] = path
        else:
            shutil.rmtree(path)
    return complete[max(complete)] if complete else None
