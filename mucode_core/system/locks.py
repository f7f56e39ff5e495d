"""Who uses a store, a run's directory or a GPU of this machine.

A store is shared by all who open it, until they close it or die; who deletes from it needs it alone. A GPU has one run
at a time, whatever started it: a worker, a terminal, another Prefect server. The kernel holds the locks (`flock`), so
that a killed process leaves nothing to clean up.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mucode_core.errors import ArtifactError

LOCK = ".lock"

_GPU_LOCKS = "MUCODE_GPU_LOCKS"
"""Names the directory of the locks; all that share GPUs share it, containers by a volume."""
_DEFAULT_GPU_LOCKS = "/tmp/mucode-gpus"  # noqa: S108 - one for all users; nothing is read from it


def share(root: Path, tidy: Callable[[], None]) -> int:
    """Takes a store's shared lock; waits while another process deletes from it.

    Args:
        tidy: Called first if no other process uses the store, to remove leftovers. Process ids could not identify
            their owner, which may run in a container or on another machine.

    Returns:
        A descriptor; closing it releases the lock.
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
    """A block with the exclusive lock of a store, or of another name in a directory.

    Raises:
        ArtifactError: It is in use, or cannot be locked.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(root / lock, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        hint = "name a directory that can be written"
        raise ArtifactError(f"cannot be locked: {error.strerror}", location=str(root), hint=hint) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        hint = "wait until it is no longer in use, or name another directory"
        raise ArtifactError("is in use", location=str(root), hint=hint) from None
    finally:
        os.close(descriptor)


def is_in_use(root: Path, lock: str = LOCK) -> bool:
    """Whether a process has the store open, or holds the lock of another name in a directory."""
    try:
        descriptor = os.open(root / lock, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def hold_devices(names: Sequence[str], report: Callable[[str], None]) -> Generator[None]:
    """A block in which no other run on this machine has these devices; waits for those that one has.

    Args:
        names: As `system.gpus.limit_name` gives them.
        report: Called with what the run waits for.
    """
    with ExitStack() as held:
        for name in sorted(set(names)):  # one order for all: no two runs wait for each other
            held.enter_context(_hold_device(name, report))
        yield


@contextmanager
def _hold_device(name: str, report: Callable[[str], None]) -> Generator[None]:
    path = Path(os.environ.get(_GPU_LOCKS) or _DEFAULT_GPU_LOCKS) / f"{name}.lock"
    descriptor = _open_device(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"waits for {name}, which another run holds ({path})")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _open_device(path: Path) -> int:
    # without O_CREAT, which a sticky directory refuses for another user's file
    with contextlib.suppress(FileNotFoundError):
        return os.open(path, os.O_RDWR)
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(PermissionError):
        path.parent.chmod(0o1777)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    os.fchmod(descriptor, 0o666)  # past the umask: the next run may be another user's
    return descriptor
