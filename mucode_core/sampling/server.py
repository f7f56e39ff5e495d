"""An inference server that this process owns: started when it is needed, watched, ended as a tree, dead with its owner.

vLLM is several processes, and killing the first leaves the others with their memory. So all carry a mark in their
environment, by which they are found whatever became of their parents.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from mucode_core.errors import SamplerError
from mucode_core.reaper import KEEP_ENVIRONMENT, Guardian, can_see_marks, kill_marked

_MARK = "MUCODE_SERVER"
_PORT_TRIES = 3
_POLL_S = 0.2
_GRACE_S = 5.0
"""For a server to remove its shared memory before it is killed."""
_WATCH_S = 5.0
_PATIENCE_S = 60.0
"""How long a server may be too busy to answer before it counts as hung."""
_TAIL_LINES = 30


class InferenceServer:
    """An OpenAI-compatible server on a free port of the loopback interface.

    Args:
        command: Makes the command line for a port. The server must answer GET /health with 200 once it is ready.
        log_path: Its output is added to this file.
        environment: Variables beside this process's own. A key for its clients goes with them as `VLLM_API_KEY`.
        ready_timeout_s: How long it may take to get ready.
    """

    def __init__(
        self,
        command: Callable[[int], Sequence[str]],
        log_path: Path,
        environment: Mapping[str, str],
        ready_timeout_s: float,
    ) -> None:
        self.api_key = secrets.token_hex(16)
        self._mark = f"{_MARK}={secrets.token_hex(16)}"
        self._command, self._log_path, self._ready_timeout_s = command, log_path, ready_timeout_s
        self._environment = dict(environment)
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._guardian: Guardian | None = None
        self._url = ""
        self._log_start = 0
        self.num_starts = 0

    def ensure(self) -> str:
        """The URL of the server, which answers: it is started, or started anew, where it does not.

        Raises:
            SamplerError: It did not get ready, with the end of its log; or it was closed.
        """
        with self._lock:
            if self._closed.is_set():
                raise self._error("the inference server is closed", "run the same command again: it resumes")
            if self._process is None or not self._answers(self._process):
                self._end()
                self._start()
            return self._url

    def close(self) -> None:
        """Ends the server and all its processes, also one that is just starting."""
        self._closed.set()
        with self._lock:
            self._end()
            if self._guardian is not None:
                self._guardian.close()
                self._guardian = None

    def _answers(self, process: subprocess.Popen[bytes]) -> bool:
        return process.poll() is None and _probe(self._url, _PATIENCE_S) == 200

    def _start(self) -> None:
        for tries_left in reversed(range(_PORT_TRIES)):
            port = _find_free_port()
            self._url = f"http://127.0.0.1:{port}"
            process = self._process = self._spawn(port)
            if self._await_ready(process):
                watch = threading.Thread(target=self._watch, args=(process, self._url), name="server-watch")
                watch.daemon = True
                watch.start()
                return
            code = process.poll()
            self._end()
            was_taken = "address already in use" in self._read_tail().lower()  # another program took the port first
            if not (was_taken and tries_left):
                raise self._explain_failure(code)

    def _explain_failure(self, code: int | None) -> SamplerError:
        """Why a server did not get ready: its exit code, or None where it had to be ended."""
        if self._closed.is_set():
            return self._error("the inference server was closed while it started", "run the same command again")
        if code is None:
            problem, cure = f"was not ready after {self._ready_timeout_s:g} s", "raise ready_timeout_s, or mend it"
        else:
            problem, cure = f"ended with code {code} before it was ready", "mend what the log names"
        return self._error(f"the inference server {problem}; its log ends:\n{self._read_tail()}", cure)

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        if self._guardian is None and can_see_marks():
            self._guardian = Guardian(self._mark)
        name, _, token = self._mark.partition("=")
        own = {name: token, "VLLM_API_KEY": self.api_key}
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        self.num_starts += 1
        with self._log_path.open("ab") as log:
            self._log_start = log.tell()
            return subprocess.Popen(
                self._command(port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | self._environment | KEEP_ENVIRONMENT | own,
                start_new_session=True,
            )

    def _await_ready(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + self._ready_timeout_s
        while time.monotonic() < deadline and process.poll() is None:
            if _probe(self._url, _POLL_S * 5) == 200:
                return True
            if self._closed.wait(_POLL_S):
                return False
        return False

    def _watch(self, process: subprocess.Popen[bytes], url: str) -> None:
        """Kills a server that hangs or has lost its engine: clients see their connections break and ask for another."""
        heard = time.monotonic()
        while process.poll() is None and not self._closed.wait(_WATCH_S):
            status = _probe(url, _PATIENCE_S)
            if status == 200:
                heard = time.monotonic()
            elif status is not None or time.monotonic() - heard > _PATIENCE_S:
                _kill_session(process)

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE_S)
        _kill_session(process)
        if can_see_marks():
            kill_marked(self._mark)
        process.wait()
        self._process = None

    def _read_tail(self) -> str:
        """The end of what the newest start wrote to the log."""
        with self._log_path.open("rb") as log:
            log.seek(self._log_start)
            return "\n".join(log.read().decode("utf-8", "replace").splitlines()[-_TAIL_LINES:])

    def _error(self, problem: str, cure: str) -> SamplerError:
        return SamplerError(problem, place=str(self._log_path), cure=cure)


def _probe(url: str, timeout_s: float) -> int | None:
    """The status of /health, or None where nobody answers."""
    try:
        return httpx.get(f"{url}/health", timeout=timeout_s, trust_env=False).status_code
    except httpx.TransportError:
        return None


def _kill_session(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # a session's first process has its number for its group


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
