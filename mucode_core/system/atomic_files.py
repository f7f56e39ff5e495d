"""Atomic writes of files and directories."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mucode_core.errors import DataError


@contextmanager
def replacing(out: Path) -> Generator[Path]:
    """A temporary path beside a file that a user named, to write; it replaces the file when the block ends.

    If the block fails, nothing is left and an existing file stays as it was.

    Raises:
        DataError: The file cannot be written.
    """
    partial = out.with_name(f".{os.getpid()}.partial-{out.name}")  # the suffix stays: some writers choose by it
    try:
        yield partial
        partial.replace(out)
    except OSError as error:
        hint = "name another file"
        raise DataError(f"cannot be written: {error.strerror or error}", location=str(out), hint=hint) from error
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file atomically."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", "utf-8")
    temporary.replace(path)


def link_directory(link: Path, target: Path) -> None:
    """Creates or replaces a symbolic link to a directory; relative, so that both can be moved together."""
    link.parent.mkdir(parents=True, exist_ok=True)
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(os.path.relpath(target.resolve(), link.parent.resolve()), target_is_directory=True)
    temporary.replace(link)


def sync_tree(path: Path) -> None:
    """Syncs a directory and everything below it to disk."""
    for entry in [*path.rglob("*"), path]:
        sync(entry)


def sync(path: Path) -> None:
    """Syncs a file, or the entries of a directory, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
