"""A program with all its descendants: logged, terminated as a whole, killed when its owner ends.

vLLM and torchrun are several processes, and killing the first leaves the others with their memory. So all have a mark
in their environment, which identifies them even after their parents have ended.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mucode_core.system.guardian import KEEP_ENVIRONMENT, TREE, Guardian, can_see_marks

_TAIL_LINES = 30


class ProcessTree:
    """Starts on construction.

    Args:
        command: Program and arguments.
        log_path: Its output is appended to this file.
        environment: Variables in addition to this process's.
        directory: Its temporary files are there, and the directory is removed after its end, even where it was killed.
    """

    def __init__(
        self, command: Sequence[str], log_path: Path, environment: Mapping[str, str], directory: Path | None = None
    ) -> None:
        token = secrets.token_hex(16)
        self._log_path, self._directory = log_path, directory
        directories = [directory] if directory else []
        self._guardian = Guardian(f"{TREE}={token}", *directories) if can_see_marks() else None
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
        """Kills the first process's session at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # the group id is the session leader's process id

    def end(self, grace_s: float) -> None:
        """Terminates all processes; the first has `grace_s` seconds to clean up."""
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_s)
        self.kill_session()
        self._process.wait()
        self._close_guardian()

    def _close_guardian(self) -> None:
        """Kills the remaining processes."""
        if self._guardian is not None:
            self._guardian.close()
            self._guardian = None
        if self._directory is not None:  # there is no guardian on some systems
            shutil.rmtree(self._directory, ignore_errors=True)

    def read_tail(self) -> str:
        """The end of its output in the log."""
        with self._log_path.open("rb") as log:
            log.seek(self._log_start)
            return "\n".join(log.read().decode("utf-8", "replace").splitlines()[-_TAIL_LINES:])
