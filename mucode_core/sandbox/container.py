"""The container sandbox: zygotes live in a hardened Docker container; judges stay outside."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from mucode_core.errors import SandboxError
from mucode_core.reaper import scratch_prefix
from mucode_core.sandbox.gate import PYTHON, ROOT, SOCKETS, scratch
from mucode_core.sandbox.image import image_name
from mucode_core.sandbox.launch import READY, helper_command
from mucode_core.sandbox.pool import JudgePool

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

OWNER_LABEL = "mucode.sandbox.owner"
_CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "KILL", "SETGID", "SETUID"]
"""What the zygote needs to own scratches, to become a program's user, and to end programs."""
_SCRATCH_OPTIONS = "size=32m,nr_inodes=1024,mode=755,nosuid,nodev,noexec"
_PROCESSES_PER_WORKER = 3 * 64
_MEMORY_BASE_MB, _MEMORY_PER_WORKER_MB = 512, 512
"""Memory of the gate, and of a worker's zygotes and scratches, beside what programs may use."""
_START_S, _STEP_S = 60.0, 0.02
_LOG_PIECES, _LOG_END_S = 20, 2.0


def connect() -> DockerClient:
    """A connection to the daemon that the environment names (`DOCKER_HOST`).

    Raises:
        SandboxError: There is none, with the cure.
    """
    from docker import from_env
    from docker.errors import DockerException

    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    try:
        client = from_env()
        client.ping()
    except DockerException as error:
        cure = "start the daemon, or set DOCKER_HOST; or use `sandbox.backend: process`"
        if "Permission" in str(error):
            cure = "add yourself to the group docker; or use `sandbox.backend: process`"
        raise SandboxError("no Docker daemon answers", place=host, cure=cure) from error
    return client


class _Log:
    """The last that a container wrote, read as it comes: a container that ended is removed, and its log with it."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._kept = deque[bytes](maxlen=_LOG_PIECES)
        self._reader = threading.Thread(target=self._read, args=(pieces,), name="container-log", daemon=True)
        self._reader.start()

    def _read(self, pieces: Iterator[bytes]) -> None:
        from requests.exceptions import RequestException
        from urllib3.exceptions import HTTPError

        with suppress(RequestException, HTTPError, OSError, ValueError):  # the daemon, or the connection, has gone
            self._kept.extend(pieces)

    def text(self) -> str:
        return b"".join(list(self._kept)).decode("utf-8", "replace").strip()

    def await_end(self) -> str:
        """All of it, of a container that has ended."""
        self._reader.join(_LOG_END_S)
        return self.text()


@dataclass
class _Running:
    """One container and its door."""

    container: Container
    log: _Log
    directory: str
    """Of this machine; holds the gate's socket."""
    owner: socket.socket
    """The container ends when this closes."""
    rooms: set[str] = field(default_factory=set[str])
    """Addresses given to judges that still run."""
    served: set[int] = field(default_factory=set[int])
    """Workers that had a room here."""

    def end(self) -> None:
        self.owner.close()
        _remove(self.container)
        shutil.rmtree(self.directory, ignore_errors=True)


class _Containers:
    """One container for all judges; a judge that comes back, having lost its zygotes, finds a new one."""

    def __init__(self, num_workers: int, memory_mb: int, runtime: str | None) -> None:
        self._client = connect()
        self._num_workers, self._memory_mb, self._runtime = num_workers, memory_mb, runtime
        self._running: list[_Running] = []
        self._lock = threading.Lock()
        with _asking_the_daemon():
            self._image = self._find_image()
            self._reap()

    def open_room(self, worker: int) -> tuple[str, str]:
        with self._lock:
            if not self._running or worker in self._running[-1].served:
                self._running.append(self._start())
                self._end_empty(self._running[:-1])
            newest = self._running[-1]
            newest.served.add(worker)
            address = f"{worker}:{newest.directory}/gate"
            newest.rooms.add(address)
            return "container", address

    def close_room(self, address: str) -> None:
        with self._lock:
            for one in self._running:
                one.rooms.discard(address)
            self._end_empty(self._running[:-1])

    def last_words(self) -> str:
        with self._lock:
            return "\n".join(one.log.text() for one in self._running)

    def describe(self, layers: list[str]) -> str:
        kept = ["own file system", "no network", "own process ids", "resource limits", *layers]
        if self._runtime:
            return f"container sandbox ({self._runtime}): {', '.join(kept)}"
        return f"container sandbox: {', '.join(kept)}; not isolated: kernel"

    def close(self) -> None:
        with self._lock:
            for one in self._running:
                one.end()
            self._running.clear()
        self._client.close()

    def _end_empty(self, candidates: list[_Running]) -> None:
        for one in candidates:
            if not one.rooms:
                one.end()
                self._running.remove(one)

    def _find_image(self) -> str:
        from docker.errors import ImageNotFound

        name = image_name()
        try:
            self._client.images.get(name)
        except ImageNotFound as error:
            cure = "run `make sandbox-image`; or use `sandbox.backend: process`"
            raise SandboxError("the sandbox image is not there", place=name, cure=cure) from error
        return name

    def _reap(self) -> None:
        """Removes what owners left that have died: mostly nothing, since a gate ends with its owner."""
        for container in self._client.containers.list(all=True, filters={"label": OWNER_LABEL}, ignore_removed=True):
            host, pid, born = container.labels[OWNER_LABEL].rsplit(":", 2)
            if host == socket.gethostname() and _born(int(pid)) != born:
                _remove(container)

    def _start(self) -> _Running:
        directory = tempfile.mkdtemp(prefix=scratch_prefix(os.getpid()))  # by which the owner's guardian finds it
        container = None
        try:
            with _asking_the_daemon("no container starts"):
                container = self._create(directory)
                log = _Log(container.attach(stream=True))
                container.start()
                return _Running(container, log, directory, _await_gate(container, log, Path(directory, "gate")))
        except SandboxError:
            if container:
                _remove(container)
            shutil.rmtree(directory, ignore_errors=True)
            raise

    def _create(self, directory: str) -> Container:
        from docker.types import LogConfig

        rooms = [scratch(worker, numpy) for worker in range(self._num_workers) for numpy in (False, True)]
        memory = f"{_MEMORY_BASE_MB + self._num_workers * (_MEMORY_PER_WORKER_MB + self._memory_mb)}m"
        return self._client.containers.create(
            self._image,
            helper_command(PYTHON, "gate", root=f"{ROOT}/mucode_core"),
            auto_remove=True,
            runtime=self._runtime,
            labels={OWNER_LABEL: f"{socket.gethostname()}:{os.getpid()}:{_born(os.getpid())}"},
            environment={"PYTHONUTF8": "1"},
            working_dir="/",
            user="0:0",
            network_mode="none",
            ipc_mode="none",
            read_only=True,
            cap_drop=["ALL"],
            cap_add=_CAPABILITIES,
            security_opt=["no-new-privileges"],
            pids_limit=64 + _PROCESSES_PER_WORKER * self._num_workers,
            mem_limit=memory,
            memswap_limit=memory,
            tmpfs=dict.fromkeys(rooms, _SCRATCH_OPTIONS),
            volumes={directory: {"bind": SOCKETS, "mode": "rw"}},
            log_config=LogConfig(type=LogConfig.types.JSON, config={"max-size": "1m"}),
        )


def _await_gate(container: Container, log: _Log, path: Path) -> socket.socket:
    """Connects as the owner, once the gate is open."""
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        owner = socket.socket(socket.AF_UNIX)
        owner.settimeout(_START_S)
        try:
            owner.connect(str(path))
            if owner.recv(len(READY)) == READY:
                return owner
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(_STEP_S)
        owner.close()
        if _has_ended(container):
            break
    words = log.await_end()
    cure = "the daemon must run on this machine and share its /tmp; or use `sandbox.backend: process`"
    raise SandboxError(f"the container's gate does not open{': ' + words if words else ''}", place="sandbox", cure=cure)


def _has_ended(container: Container) -> bool:
    from docker.errors import NotFound

    try:
        container.reload()
    except NotFound:
        return True
    return container.status in ("exited", "dead", "removing")


def _remove(container: Container) -> None:
    from docker.errors import APIError
    from requests.exceptions import RequestException

    try:
        container.remove(force=True, v=True)
    except APIError as error:
        if error.status_code not in (404, 409):  # gone, or going
            raise
    except RequestException:
        return  # a busy daemon goes on with it; if not, the next run reaps what is left


@contextmanager
def _asking_the_daemon(failure: str = "the daemon failed") -> Generator[None]:
    """What it does not do, or not in time, is a failure of the machinery."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except (DockerException, RequestException) as error:
        cure = "mend what the daemon says, see its log and its load; or use `sandbox.backend: process`"
        raise SandboxError(f"{failure}: {error}", place="Docker", cure=cure) from error


def _born(pid: int) -> str:
    """When a process started; empty where there is none."""
    try:
        return str(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return ""


class ContainerSandbox(JudgePool):
    """Judges outside, programs in one hardened, long-lived container."""

    def __init__(self, num_workers: int, *, memory_mb: int = 512, runtime: str | None = None) -> None:
        """Starts container and judges.

        Args:
            num_workers: Judges, one process each.
            memory_mb: The most that a job's limits allow a program, MiB; the container holds so much a worker.
            runtime: The container runtime, such as "runsc"; None takes the daemon's default.

        Raises:
            SandboxError: No daemon, no image, or no container.
        """
        super().__init__(num_workers, _Containers(num_workers, memory_mb, runtime))
