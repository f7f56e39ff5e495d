"""Scratch directories that outlive no owner: a lock marks those in use, all others are removed."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from pathlib import Path

from mucode_core.sandbox.guest.scratch import PREFIX, delete

_SETTLED_S = 60.0
"""Younger directories may not be locked yet."""


class Scratch:
    """A directory of its own, held by a lock that the kernel drops with this process."""

    def __init__(self) -> None:
        self.path = tempfile.mkdtemp(prefix=PREFIX)
        Path(self.path).chmod(0o711)  # the users of programs pass through to what is theirs
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Deletes the directory and what is in it."""
        delete(self.path)
        os.close(self._lock)


def sweep() -> None:
    """Deletes the directories that no process holds."""
    for path in sorted(Path(tempfile.gettempdir()).glob(PREFIX + "*")):
        try:
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = os.fstat(lock)
            if status.st_uid == os.getuid() and time.time() - status.st_mtime > _SETTLED_S:
                delete(str(path))
        except BlockingIOError:
            continue
        finally:
            os.close(lock)
