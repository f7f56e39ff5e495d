"""Scratch directories that outlive no owner: a lock tells those in use from those a killed owner left."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from pathlib import Path

_PREFIX = "mucode-sandbox-"
_SETTLED_S = 60.0
"""Younger directories may not be locked yet."""


class Scratch:
    """A directory of its own, held by a lock that the kernel drops with this process."""

    def __init__(self) -> None:
        self.path = tempfile.mkdtemp(prefix=_PREFIX)
        Path(self.path).chmod(0o711)  # the users of programs pass through to what is theirs
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Deletes the directory and what is in it."""
        _delete(self.path)
        os.close(self._lock)


def empty(directory: str) -> None:
    """Deletes what is in a directory that anyone may have filled; what the system keeps from us stays.

    Nested directories are moved up before they are emptied, so that neither depth nor length of a path matters.
    """
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
                    pending.append(str(Path(entry.path).rename(f"{lifted}{count}")))
        if current != directory:
            _remove_empty(current)


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


def _delete(directory: str) -> None:
    empty(directory)
    _remove_empty(directory)


def sweep() -> None:
    """Deletes the directories that nobody holds."""
    for path in sorted(Path(tempfile.gettempdir()).glob(_PREFIX + "*")):
        try:
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = os.fstat(lock)
            if status.st_uid == os.getuid() and time.time() - status.st_mtime > _SETTLED_S:
                _delete(str(path))
        except BlockingIOError:
            continue
        finally:
            os.close(lock)
