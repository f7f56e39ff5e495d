"""Leaves no orphans: a guardian process that outlives its owner by a moment and kills what the owner left.

`kill -9` of a run cannot be caught, and what it started (Prefect's temporary server, vLLM) would live on.
Descendants are known by a mark, a variable in their environment, whatever their name, session or parent.
Runs as a script with the standard library alone.
"""

from __future__ import annotations

import functools
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_OWNER = "MUCODE_OWNER"
_TRIES = 20
_PAUSE_S = 0.1

KEEP_ENVIRONMENT = {"SPT_NOENV": "1"}
"""Tells `setproctitle` not to write a program's title over its environment, which would wipe the mark out."""


class Guardian:
    """A process that kills all that carry a mark once its owner is gone or closes it.

    Args:
        mark: `NAME=value`, set in the environment of what is to be guarded.
        scratch: How the paths of directories begin that go as well.
    """

    def __init__(self, mark: str, scratch: Path | None = None) -> None:
        read_end, self._write_end = os.pipe()  # the write end closes with this process, however it ends
        os.set_inheritable(self._write_end, False)
        command = [sys.executable, "-I", "-S", __file__, mark, *([str(scratch)] if scratch else [])]
        self._process = subprocess.Popen(command, stdin=read_end, env={}, start_new_session=True, cwd="/")
        os.close(read_end)

    def close(self) -> None:
        """Kills what still carries the mark, and ends."""
        os.close(self._write_end)
        self._process.wait()


@functools.cache
def guard() -> None:
    """Starts the guardian of this process and of everything it starts from now on; again, it does nothing."""
    if not can_see_marks():
        return
    os.environ |= KEEP_ENVIRONMENT | {_OWNER: secrets.token_hex(16)}
    Guardian(f"{_OWNER}={os.environ[_OWNER]}", Path(tempfile.gettempdir()) / scratch_prefix(os.getpid()))


def scratch_prefix(owner: int) -> str:
    """How the names begin of directories that a process leaves in the temporary one if it is killed."""
    return f"mucode-gate-{owner}-"


def can_see_marks() -> bool:
    """Whether this system shows the environment of processes."""
    return Path("/proc/self/environ").exists()


def kill_marked(mark: str) -> None:
    """Kills all processes that carry a mark, and those they start meanwhile."""
    for _ in range(_TRIES):
        if not _kill_once(mark.encode()):
            return
        time.sleep(_PAUSE_S)


def _kill_once(mark: bytes) -> int:
    found = 0
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                os.kill(int(entry.name), signal.SIGKILL)
                found += 1
        except OSError:
            continue  # it ended meanwhile, or is another user's
    return found


def main() -> None:
    sys.stdin.buffer.read()  # until the owner is gone
    kill_marked(sys.argv[1])
    for scratch in map(Path, sys.argv[2:]):
        for left in scratch.parent.glob(f"{scratch.name}*"):
            shutil.rmtree(left, ignore_errors=True)


if __name__ == "__main__":
    main()
