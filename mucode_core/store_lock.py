"""Who uses a store: whoever opens one shares a lock until it lets go or dies; whoever deletes from it needs it alone.

The kernel holds the lock (`flock`), so that a killed process leaves nothing to clean up.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from mucode_core.errors import ArtifactError

LOCK = ".lock"


def share(root: Path, tidy: Callable[[], None]) -> int:
    """Counts this process among the users of a store; waits while another deletes from it.

    Args:
        tidy: Called first where nobody else uses the store. Process numbers could not tell whose the leftovers are:
            users may be in containers or on other machines.

    Returns:
        A descriptor: closing it gives the share back.

    Raises:
        OSError: The file system has no locks, or the store cannot be written.
    """
    descriptor = os.open(root / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            tidy()
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def alone(root: Path, lock: str = LOCK) -> Generator[None]:
    """A block in which nobody else uses the store, or whatever the lock of another name in a directory stands for.

    Raises:
        ArtifactError: Somebody does, or the file system cannot tell.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(root / lock, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        cure = "name a directory that can be written"
        raise ArtifactError(f"cannot be locked: {error.strerror}", place=str(root), cure=cure) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        cure = "wait until what uses it has ended, or name another directory"
        raise ArtifactError("is in use", place=str(root), cure=cure) from None
    finally:
        os.close(descriptor)


def is_in_use(root: Path) -> bool:
    """Whether a process has the store open."""
    try:
        descriptor = os.open(root / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
