"""An inference server owned by this process: started on demand, monitored, terminated as a process tree."""

from __future__ import annotations

import os
import re
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from mucode_core.errors import SamplerError
from mucode_core.system.process_tree import ProcessTree

_PORT_TRIES = 3
_POLL_S = 0.2
_GRACE_S = 5.0
"""Grace period for a server to remove its shared memory before it is killed."""
_WATCH_S = 5.0
_TIMEOUT_S = 60.0
"""How long a server may not answer before it counts as hung."""
_ERROR = re.compile(r"\b[A-Z]\w*(?:Error|Exception): .+")
_NUM_ERRORS, _LOG_BYTES = 3, 200_000
"""What is shown of a log, and how much of its end is read."""


class InferenceServer:
    """An OpenAI-compatible server on a free port of the loopback interface.

    Args:
        command: Returns the command line for a port. The server must answer GET /health with 200 once it is ready.
        log_path: Its output is appended to this file.
        environment: Variables in addition to this process's. An API key is added as `VLLM_API_KEY`, and as
            `VLLM_RPC_BASE_PATH` a directory for sockets, which is removed with the server.
        ready_timeout_s: Timeout of its start.
    """

    def __init__(
        self,
        command: Callable[[int], Sequence[str]],
        log_path: Path,
        environment: Mapping[str, str],
        ready_timeout_s: float,
    ) -> None:
        self.api_key = secrets.token_hex(16)
        self._command, self._log_path, self._ready_timeout_s = command, log_path, ready_timeout_s
        self._environment = dict(environment)
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._process: ProcessTree | None = None
        self._url = ""
        self.num_starts = 0

    def ensure(self) -> str:
        """The URL of the server, which is started or restarted if it does not answer.

        Raises:
            SamplerError: It did not become ready (with the end of its log), or it was closed.
        """
        with self._lock:
            if self._closed.is_set():
                raise self._error("the inference server is closed", "run the same command again: it resumes")
            if self._process is None or not self._answers(self._process):
                self._end()
                self._start()
            return self._url

    def explain(self) -> str:
        """The last distinct errors in the log, one per line; a crashed engine's are followed by many other lines."""
        with suppress(OSError), self._log_path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_BYTES))
            found = _ERROR.findall(log.read().decode("utf-8", "replace"))
            return "\n".join(list(dict.fromkeys(line.strip()[:300] for line in found))[-_NUM_ERRORS:])
        return ""

    def close(self) -> None:
        """Stops the server and all its processes, even while it is starting."""
        self._closed.set()
        with self._lock:
            self._end()

    def _answers(self, process: ProcessTree) -> bool:
        return process.poll() is None and _probe(self._url, _TIMEOUT_S) == 200

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
            tail = process.read_tail()
            was_taken = "address already in use" in tail.lower()  # another program took the port
            if not (was_taken and tries_left):
                raise self._explain_failure(code, tail)

    def _explain_failure(self, code: int | None, tail: str) -> SamplerError:
        """The error of a server that did not become ready: with its exit code, or None if it was stopped."""
        if self._closed.is_set():
            return self._error("the inference server was closed while it started", "run the same command again")
        if code is None:
            problem, hint = f"was not ready after {self._ready_timeout_s:g} s", "raise ready_timeout_s, or fix it"
        else:
            problem, hint = f"ended with code {code} before it was ready", "fix the error in the log"
        return self._error(f"the inference server {problem}; its log ends:\n{tail}", hint)

    def _spawn(self, port: int) -> ProcessTree:
        self.num_starts += 1
        sockets = Path(tempfile.mkdtemp(prefix="mucode-server-"))  # vLLM leaves its own when it is killed
        environment = self._environment | {"VLLM_API_KEY": self.api_key, "VLLM_RPC_BASE_PATH": str(sockets)}
        return ProcessTree(self._command(port), self._log_path, environment, sockets)

    def _await_ready(self, process: ProcessTree) -> bool:
        deadline = time.monotonic() + self._ready_timeout_s
        while time.monotonic() < deadline and process.poll() is None:
            if _probe(self._url, _POLL_S * 5) == 200:
                return True
            if self._closed.wait(_POLL_S):
                return False
        return False

    def _watch(self, process: ProcessTree, url: str) -> None:
        """Kills a server that hangs or has lost its engine: clients see broken connections and request another."""
        heard = time.monotonic()
        while process.poll() is None and not self._closed.wait(_WATCH_S):
            status = _probe(url, _TIMEOUT_S)
            if status == 200:
                heard = time.monotonic()
            elif status is not None or time.monotonic() - heard > _TIMEOUT_S:
                process.kill_session()

    def _end(self) -> None:
        if self._process is not None:
            self._process.end(_GRACE_S)
            self._process = None

    def _error(self, problem: str, hint: str) -> SamplerError:
        return SamplerError(problem, location=str(self._log_path), hint=hint)


def _probe(url: str, timeout_s: float) -> int | None:
    """The status of /health, or None without an answer."""
    try:
        return httpx.get(f"{url}/health", timeout=timeout_s, trust_env=False).status_code
    except httpx.TransportError:
        return None


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
