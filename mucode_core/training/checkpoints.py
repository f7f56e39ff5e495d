"""Checkpoints of an unfinished training: complete ones are told from those that a kill cut short."""

from __future__ import annotations

import shutil
from pathlib import Path

CHECKPOINTS_KEPT = 2
"""The newer may be cut short while it is written."""
_MARK = "complete"


def mark_complete(checkpoint: Path) -> None:
    """To be called when every process has written its part."""
    (checkpoint / _MARK).touch()


def find_newest(directory: Path) -> Path | None:
    """The newest complete checkpoint; those that are not are removed."""
    complete: dict[int, Path] = {}
    for path in directory.glob("checkpoint-*"):
        if (path / _MARK).exists():
            complete[int(path.name.rpartition("-")[2])] = path
        else:
            shutil.rmtree(path)
    return complete[max(complete)] if complete else None
