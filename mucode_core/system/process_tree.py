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
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mucode_core.system.guardian import KEEP_ENVIRONMENT, TREE, Guardian, can_see_marks

_TAIL_LINES = 30
_KERNELS = "TORCHINDUCTOR_CACHE_DIR"
_PREFIX = "mucode-"
"""Short: paths of sockets, which are in the directory, have at most 107 characters."""


class ProcessTree:
    """Starts on construction.

    Args:
        command: Program and arguments.
        log_path: Its output is appended to this file.
        environment: Variables in addition to this process's.
    """

    def __init__(self, command: Sequence[str], log_path: Path, environment: Mapping[str, str]) -> None:
        token = secrets.token_hex(16)
        self._log_path = log_path
        self._temporary = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._guardian = Guardian(f"{TREE}={token}", self._temporary) if can_see_marks() else None
        log_path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with log_path.open("ab") as log:
                self._log_start = log.tell()
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=os.environ | _place_files(self._temporary) | {**environment, **KEEP_ENVIRONMENT, TREE: token},
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
        shutil.rmtree(self._temporary, ignore_errors=True)  # there is no guardian on some systems

    def read_tail(self) -> str:
        """The end of its output in the log."""
        with self._log_path.open("rb") as log:
            log.seek(self._log_start)
            return "\n".join(log.read().decode("utf-8", "replace").splitlines()[-_TAIL_LINES:])


def _place_files(temporary: Path) -> dict[str, str]:
    """Variables that keep temporary files in a directory, except compiled kernels, which later processes use again.

    torchrun never removes its directory of logs, and vLLM, once killed, neither its sockets nor its rendezvous file.
    """
    kernels = os.environ.get(_KERNELS) or str(Path(tempfile.gettempdir()) / f"torchinductor_{os.getuid()}")
    return {"TMPDIR": str(temporary), _KERNELS: kernels}
