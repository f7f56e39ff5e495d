"""A guardian process that briefly outlives its owner and kills the processes that the owner left behind.

`kill -9` of a run cannot be caught, and its child processes (Prefect's temporary server, vLLM) would keep running.
Descendants are identified by a mark, a variable in their environment, whatever their name, session or parent.
Runs as a script with only the standard library.
"""

from __future__ import annotations

import functools
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_OWNER = "MUCODE_OWNER"
TREE = "MUCODE_TREE"
"""The mark of a process tree that is terminated as a whole."""
_TRIES = 20
_PAUSE_S = 0.1

KEEP_ENVIRONMENT = {"SPT_NOENV": "1"}
"""Prevents `setproctitle` from overwriting the environment, and with it the mark."""


class Survivor:
    """A process that notices when this one ends, however it ends: its standard input closes.

    Args:
        command: Program and arguments.
        environment: Its whole environment, which must not contain marks.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        read_end, self._write_end = os.pipe()  # closes with this process, since child processes do not inherit it
        self._process = subprocess.Popen(command, stdin=read_end, env=environment, start_new_session=True, cwd="/")
        os.close(read_end)

    def close(self) -> None:
        """Makes it act as if this process were gone, and waits for it."""
        os.close(self._write_end)
        self._process.wait()

    def dismiss(self) -> None:
        """Ends it without any action."""
        with suppress(BrokenPipeError):  # it has ended already
            os.write(self._write_end, b".")
        self.close()


def await_owner() -> bool:
    """In a survivor: waits for the owner to end; returns whether to act, which `dismiss` prevents."""
    return not sys.stdin.buffer.read()


class Guardian(Survivor):
    """A process that kills all processes with a mark once its owner ends or closes it.

    Args:
        mark: `NAME=value`, set in the environment of the guarded processes.
        directories: Removed afterwards.
    """

    def __init__(self, mark: str, *directories: Path) -> None:
        super().__init__([sys.executable, "-I", "-S", __file__, mark, *map(str, directories)], {})


@functools.cache
def guard() -> None:
    """Starts the guardian of this process and its future child processes; later calls do nothing."""
    if not can_see_marks():
        return
    os.environ |= KEEP_ENVIRONMENT | {_OWNER: secrets.token_hex(16)}
    Guardian(f"{_OWNER}={os.environ[_OWNER]}")


def unmarked_environment() -> dict[str, str]:
    """This process's environment without marks, for processes that should outlive it."""
    return {name: value for name, value in os.environ.items() if name not in (_OWNER, TREE)}


def can_see_marks() -> bool:
    """Whether the environment of processes is readable on this system."""
    return Path("/proc/self/environ").exists()


def kill_marked(mark: str) -> None:
    """Kills all processes with a mark, including those started in the meantime."""
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
            continue  # it has ended, or is another user's
    return found


def main() -> None:
    await_owner()
    kill_marked(sys.argv[1])
    for directory in sys.argv[2:]:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
