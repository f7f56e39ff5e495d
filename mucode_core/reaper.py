"""Leaves no orphans: a guardian process that outlives its owner by a moment and kills what the owner left.

`kill -9` of a run cannot be caught, and what it started (Prefect's temporary server, vLLM) would live on.
Descendants are known by a mark, a variable in their environment, whatever their name, session or parent.
Runs as a script with the standard library alone.
"""

from __future__ import annotations

import functools
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_OWNER = "MUCODE_OWNER"
TREE = "MUCODE_TREE"
"""The mark of a tree of processes that is ended as a whole."""
_TRIES = 20
_PAUSE_S = 0.1

KEEP_ENVIRONMENT = {"SPT_NOENV": "1"}
"""Tells `setproctitle` not to write a program's title over its environment, which would wipe the mark out."""


class Survivor:
    """A process that learns when this one is gone, however it ends: its standard input closes.

    Args:
        command: Program and arguments.
        environment: All that it gets; marks are not for it.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        read_end, self._write_end = os.pipe()  # closes with this process: no program that it starts has it
        self._process = subprocess.Popen(command, stdin=read_end, env=environment, start_new_session=True, cwd="/")
        os.close(read_end)

    def close(self) -> None:
        """Lets it do its work, as if this process were gone, and waits for it."""
        os.close(self._write_end)
        self._process.wait()

    def dismiss(self) -> None:
        """Ends it: there is nothing left to do for it."""
        with suppress(BrokenPipeError):  # somebody ended it before
            os.write(self._write_end, b".")
        self.close()


def await_owner() -> bool:
    """In a survivor: waits for its owner's end, and tells whether there is work, since it was not dismissed."""
    return not sys.stdin.buffer.read()


class Guardian(Survivor):
    """A process that kills all that carry a mark once its owner is gone or closes it.

    Args:
        mark: `NAME=value`, set in the environment of what is to be guarded.
    """

    def __init__(self, mark: str) -> None:
        super().__init__([sys.executable, "-I", "-S", __file__, mark], {})


@functools.cache
def guard() -> None:
    """Starts the guardian of this process and of everything it starts from now on; again, it does nothing."""
    if not can_see_marks():
        return
    os.environ |= KEEP_ENVIRONMENT | {_OWNER: secrets.token_hex(16)}
    Guardian(f"{_OWNER}={os.environ[_OWNER]}")


def unmarked_environment() -> dict[str, str]:
    """This process's environment, for one that is to outlive it."""
    return {name: value for name, value in os.environ.items() if name not in (_OWNER, TREE)}


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
    await_owner()
    kill_marked(sys.argv[1])


if __name__ == "__main__":
    main()
