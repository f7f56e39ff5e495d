"""The container sandbox: zygotes live in a hardened Docker container; judges stay outside."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mucode_core.errors import SandboxError
from mucode_core.sandbox.guest.gate import PYTHON, ROOT, SOCKETS, scratch
from mucode_core.sandbox.guest.packages import Packages
from mucode_core.sandbox.host.docker_daemon import asking_the_daemon, connect, own_label, remove, remove_orphans
from mucode_core.sandbox.host.image import image_name
from mucode_core.sandbox.host.judge_pool import JudgePool
from mucode_core.sandbox.host.orphans import ContainerGuardian, scratch_prefix
from mucode_core.sandbox.host.package_versions import DEFAULT, resolve_packages
from mucode_core.sandbox.protocol import ALL, CHECKER, NUMPY, PLAIN, READY, helper_command

if TYPE_CHECKING:
    from docker.models.containers import Container

_CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "KILL", "SETGID", "SETUID"]
"""What the zygote needs to own scratches, to become a program's user, and to end programs."""
_SCRATCH_OPTIONS = "size=32m,nr_inodes=1024,mode=755,nosuid,nodev,noexec"
_PROCESSES_PER_WORKER = 4 * 64
_MEMORY_BASE_MB, _MEMORY_PER_WORKER_MB = 512, 512
"""Memory of the gate, and of a worker's zygotes and scratches, beside what programs may use."""
_START_S, _STEP_S = 60.0, 0.02
_LOG_PIECES, _LOG_END_S = 20, 2.0


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
    """Workers that had a location here."""

    def end(self) -> None:
        self.owner.close()
        remove(self.container)
        shutil.rmtree(self.directory, ignore_errors=True)


class _Containers:
    """One container for all judges; a judge that comes back, having lost its zygotes, finds a new one."""

    def __init__(self, num_workers: int, memory_mb: int, runtime: str | None, packages: Packages) -> None:
        self._client = connect()
        self._num_workers, self._memory_mb, self._runtime = num_workers, memory_mb, runtime
        self._running: list[_Running] = []
        self._lock = threading.Lock()
        with asking_the_daemon():
            self._image = self._find_image(packages)
            remove_orphans(self._client)
        self._guardian = ContainerGuardian()

    def open_location(self, worker: int) -> tuple[str, str]:
        with self._lock:
            if not self._running or worker in self._running[-1].served:
                self._running.append(self._start())
                self._end_empty(self._running[:-1])
            newest = self._running[-1]
            newest.served.add(worker)
            address = f"{worker}:{newest.directory}/gate"
            newest.rooms.add(address)
            return "container", address

    def close_location(self, address: str) -> None:
        with self._lock:
            for one in self._running:
                one.rooms.discard(address)
            self._end_empty(self._running[:-1])

    def logged_errors(self) -> str:
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
        self._guardian.dismiss()
        self._client.close()

    def _end_empty(self, candidates: list[_Running]) -> None:
        for one in candidates:
            if not one.rooms:
                one.end()
                self._running.remove(one)

    def _find_image(self, packages: Packages) -> str:
        from docker.errors import ImageNotFound

        name = image_name(packages)
        try:
            self._client.images.get(name)
        except ImageNotFound as error:
            hint = "run `mucode sandbox build` with the same packages; or use `sandbox.backend: process`"
            raise SandboxError("the sandbox image is not there", location=name, hint=hint) from error
        return name

    def _start(self) -> _Running:
        directory = tempfile.mkdtemp(prefix=scratch_prefix(os.getpid()))  # by which the guardian finds it
        container = None
        try:
            with asking_the_daemon("no container starts"):
                container = self._create(directory)
                log = _Log(container.attach(stream=True))
                container.start()
                return _Running(container, log, directory, _await_gate(container, log, Path(directory, "gate")))
        except BaseException:
            if container:
                remove(container)
            shutil.rmtree(directory, ignore_errors=True)
            raise

    def _create(self, directory: str) -> Container:
        from docker.types import LogConfig

        rooms = [scratch(worker, kind) for worker in range(self._num_workers) for kind in (PLAIN, NUMPY, ALL, CHECKER)]
        memory = f"{_MEMORY_BASE_MB + self._num_workers * (_MEMORY_PER_WORKER_MB + self._memory_mb)}m"
        return self._client.containers.create(
            self._image,
            helper_command(PYTHON, "guest.gate", root=f"{ROOT}/mucode_core"),
            auto_remove=True,
            runtime=self._runtime,
            labels=own_label(),
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
        except OSError:  # not there yet, not listening yet, or reset: ended between the call and the answer
            time.sleep(_STEP_S)
        owner.close()
        if _has_ended(container):
            break
    words = log.await_end()
    hint = "the daemon must run on this machine and share its /tmp; or use `sandbox.backend: process`"
    raise SandboxError(
        f"the container's gate does not open{': ' + words if words else ''}", location="sandbox", hint=hint
    )


def _has_ended(container: Container) -> bool:
    from docker.errors import NotFound

    try:
        container.reload()
    except NotFound:
        return True
    return container.status in ("exited", "dead", "removing")


class ContainerSandbox(JudgePool):
    """Judges outside, programs in one hardened, long-lived container."""

    def __init__(
        self,
        num_workers: int,
        *,
        memory_mb: int = 512,
        runtime: str | None = None,
        packages: Sequence[str] = DEFAULT,
    ) -> None:
        """Starts container and judges.

        Args:
            num_workers: Judges, one process each.
            memory_mb: The most that a job's limits allow a program, MiB; the container holds so much a worker.
            runtime: The container runtime, such as "runsc"; None takes the daemon's default.
            packages: Third-party packages that programs may import.

        Raises:
            SandboxError: No daemon, no image, or no container.
        """
        found = resolve_packages(packages)
        super().__init__(num_workers, _Containers(num_workers, memory_mb, runtime, found), found)
