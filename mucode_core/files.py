"""Files and directories that are whole or not there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


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


def sync_tree(path: Path) -> None:
    """Waits until a directory and all below it are on the disk."""
    for entry in [*path.rglob("*"), path]:
        sync(entry)


def sync(path: Path) -> None:
    """Waits until a file, or the names in a directory, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
