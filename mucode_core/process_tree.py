"""A program with all that it starts: logged, ended as a whole, dead with its owner.

vLLM and torchrun are several processes, and killing the first leaves the others with their memory. So all carry a mark
in their environment, by which they are found whatever became of their parents.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mucode_core.reaper import KEEP_ENVIRONMENT, TREE, Guardian, can_see_marks

_TAIL_LINES = 30


class ProcessTree:
    """Runs from when it is made.

    Args:
        command: Program and arguments.
        log_path: Its output is added to this file.
        environment: Variables beside this process's own.
    """

    def __init__(self, command: Sequence[str], log_path: Path, environment: Mapping[str, str]) -> None:
        token = secrets.token_hex(16)
        self._log_path = log_path
        self._guardian = Guardian(f"{TREE}={token}") if can_see_marks() else None
        log_path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with log_path.open("ab") as log:
                self._log_start = log.tell()
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=os.environ | environment | KEEP_ENVIRONMENT | {TREE: token},
                    start_new_session=True,
                )
        except OSError:
            self._close_guardian()
            raise

    def poll(self) -> int | None:
        """The exit code of the first process; None while it runs."""
        return self._process.poll()

    def kill_session(self) -> None:
        """Kills what shares the first process's session, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # a session's first process has its number for its group

    def end(self, grace_s: float) -> None:
        """Ends all processes; the first has `grace_s` seconds to clean up after itself."""
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_s)
        self.kill_session()
        self._process.wait()
        self._close_guardian()

    def _close_guardian(self) -> None:
        """Which kills what is left."""
        if self._guardian is not None:
            self._guardian.close()
            self._guardian = None

    def read_tail(self) -> str:
        """The end of what it wrote to the log."""
        with self._log_path.open("rb") as log:
            log.seek(self._log_start)
            return "\n".join(log.read().decode("utf-8", "replace").splitlines()[-_TAIL_LINES:])
