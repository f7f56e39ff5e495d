"""What programs leave in their working directory, and how to be rid of it. Stdlib only."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

PREFIX = "mucode-sandbox-"
"""Of the names of scratch directories."""


def empty(directory: str) -> None:
    """Deletes what is in a directory that anyone may have filled; what the system keeps from us stays.

    Nested directories are moved up before they are emptied, so that neither depth nor length of a path matters.
    """
    if not _entries(directory):
        return
    lifted = f"{directory}/{os.urandom(8).hex()}-"
    pending = [directory]
    count = 0
    while pending:
        current = pending.pop()
        for entry in _entries(current):
            with contextlib.suppress(OSError):
                if not entry.is_dir(follow_symlinks=False):
                    Path(entry.path).unlink()
                elif not _remove_empty(entry.path):
                    count += 1
                    pending.append(_lift(entry.path, f"{lifted}{count}"))
        if current != directory:
            _remove_empty(current)


def _lift(directory: str, target: str) -> str:
    """Moves a directory; where it is now. Landlock's first version lets none be moved to another."""
    try:
        return str(Path(directory).rename(target))
    except OSError:
        return directory


def _entries(directory: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except OSError:
        return []


def _remove_empty(directory: str) -> bool:
    try:
        Path(directory).rmdir()
    except OSError:
        return False
    return True


def delete(directory: str) -> None:
    """Deletes a directory and what is in it."""
    empty(directory)
    _remove_empty(directory)
