"""One run at a time on a GPU of this machine, whatever started it: a worker, a terminal, another Prefect server.

The kernel holds the locks (`flock`), so that a killed run leaves nothing to clean up.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_DIRECTORY = "MUCODE_GPU_LOCKS"
"""Names the directory of the locks; all that share GPUs share it, containers by a volume."""
_DEFAULT = "/tmp/mucode-gpus"  # noqa: S108 - one for all users; nothing is read from it


@contextmanager
def hold_devices(names: Sequence[str], tell: Callable[[str], None]) -> Generator[None]:
    """A block in which no other run on this machine has these devices; waits for those that one has.

    Args:
        names: As `preflight.gpus.limit_name` gives them.
        tell: Hears whom the run waits for.
    """
    with ExitStack() as held:
        for name in sorted(set(names)):  # one order for all: no two runs wait for each other
            held.enter_context(_hold(name, tell))
        yield


@contextmanager
def _hold(name: str, tell: Callable[[str], None]) -> Generator[None]:
    path = Path(os.environ.get(_DIRECTORY) or _DEFAULT) / f"{name}.lock"
    descriptor = _open(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(f"waits for {name}, which another run holds ({path})")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    with suppress(FileNotFoundError):  # without O_CREAT, which a sticky directory refuses for another user's file
        return os.open(path, os.O_RDWR)
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(PermissionError):
        path.parent.chmod(0o1777)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    os.fchmod(descriptor, 0o666)  # past the umask: the next run may be another user's
    return descriptor
