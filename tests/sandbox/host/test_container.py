"""The container sandbox: its hardening, what it survives, what it leaves behind, and how it says that it cannot be."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import pytest
import requests

from mucode_core.config import SandboxConfig
from mucode_core.errors import SandboxError
from mucode_core.sandbox import open_sandbox
from mucode_core.sandbox.guest.packages import Packages
from mucode_core.sandbox.host import container as container_module
from mucode_core.sandbox.host.container import ContainerSandbox
from mucode_core.sandbox.host.docker_daemon import OWNER_LABEL, connect
from mucode_core.sandbox.host.image import build_image, guest_files, image_name
from mucode_core.sandbox.host.package_versions import DEFAULT, resolve_packages
from tests.sandbox.sandbox_jobs import make_job, run_jobs

HONEST = [make_job(f"def f(x): return x + {i}", f"assert f(1) == {i + 1}") for i in range(40)]
OWNER = """
import sys, time
from mucode_core.sandbox.host.container import ContainerSandbox
sandbox = ContainerSandbox(1)
print("open", flush=True)
time.sleep(120)
"""


class Daemon:
    """The daemon, and the containers that came since of this test: other processes make some meanwhile."""

    def __init__(self) -> None:
        self.client = connect()
        self.owners = {os.getpid()}
        """Processes of the test that own containers."""
        self._before = {container.id for container in self._list()}

    def _list(self) -> list[Any]:
        filters = {"label": OWNER_LABEL}
        found = self.client.containers.list(all=True, filters=filters, ignore_removed=True)
        return [one for one in found if int(one.labels[OWNER_LABEL].split(":")[-2]) in self.owners]

    def ours(self) -> list[Any]:
        return [container for container in self._list() if container.id not in self._before]

    def holds(self, container: Any) -> bool:
        return container.id in [one.id for one in self.ours()]


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    connection = Daemon()
    yield connection
    connection.client.close()


@pytest.fixture
def sandbox(daemon: Daemon) -> Iterator[ContainerSandbox]:
    with ContainerSandbox(2) as opened:
        yield opened


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def test_the_image_holds_every_path_once_wherever_the_packages_are(
    tmp_path: Path,
) -> None:
    home = tmp_path / "tmp" / "site-packages"  # below a directory that the image has anyway
    (home / "numpy").mkdir(parents=True)
    (home / "numpy" / "here.py").touch()
    names: list[str] = []

    def take(archive: str, **_: str) -> str:
        with tarfile.open(archive) as tar:
            names.extend(tar.getnames())
        return ""

    client = SimpleNamespace(
        api=SimpleNamespace(import_image_from_file=take), images=SimpleNamespace(list=lambda **_: [])
    )
    packages = Packages(paths=[str(home / "numpy")])
    build_image(client, packages)  # type: ignore[arg-type]
    assert str(home / "numpy" / "here.py").lstrip("/") in names
    assert sorted(names) == sorted(set(names))


def test_each_version_of_python_has_an_image_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    packages = resolve_packages(DEFAULT)
    here = image_name(packages)
    monkeypatch.setattr("platform.python_version", lambda: "3.11.99")
    there = image_name(packages)
    assert here != there
    assert here.rpartition("-")[0] == there.rpartition("-")[0], "a build keeps the other's image"


def test_the_guest_imports_nothing_that_the_image_lacks() -> None:
    here = Path(container_module.__file__).parents[1]
    for name in guest_files():
        for line in (here / name).read_text().splitlines():
            words = line.split()
            if words[:1] == ["from"] and words[1] in ("mucode_core.sandbox", "mucode_core.sandbox.guest"):
                modules = [f"{words[1]}.{word.strip('(),')}" for word in words[3:]]
            elif words[:1] == ["from"] and words[1].startswith("mucode_core"):
                modules = [words[1]]
            else:
                continue
            files = {f"{m.removeprefix('mucode_core.sandbox.').replace('.', '/')}.py" for m in modules}
            assert files <= set(guest_files()), (name, line)


@pytest.mark.docker
def test_the_container_is_hardened(sandbox: ContainerSandbox, daemon: Daemon) -> None:
    (container,) = daemon.ours()
    settings = container.attrs["HostConfig"]
    assert settings["NetworkMode"] == settings["IpcMode"] == "none"
    assert settings["ReadonlyRootfs"]
    assert settings["CapDrop"] == ["ALL"]
    assert "no-new-privileges" in settings["SecurityOpt"]
    assert settings["PidsLimit"] > 0
    assert settings["Memory"] == settings["MemorySwap"] > 0
    assert not settings["Privileged"]
    (mount,) = container.attrs["Mounts"]
    assert mount["Destination"] == "/sockets"
    assert "own user" in sandbox.isolation
    assert "system call filter" in sandbox.isolation


@pytest.mark.docker
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import os\ndef f(x): return os.getuid() > 1000 and os.geteuid() == os.getuid()", ""),
        ("def f(x):\n    open('/etc/passwd', 'w')", "Read-only file system|Permission denied"),
        ("def f(x):\n    open('/sockets/gate')", "Permission denied"),
        ("import os\ndef f(x):\n    os.listdir('/scratch')", "Permission denied"),
        ("import os\ndef f(x):\n    os.listdir('/proc/1')", "Permission denied"),
        ("def f(x):\n    open('/tmp/a', 'w')", "Read-only file system|Permission denied"),
        ("import socket\ndef f(x):\n    socket.socket()", "Operation not permitted"),
    ],
)
def test_programs_see_nothing_of_the_container(sandbox: ContainerSandbox, code: str, error: str) -> None:
    import re

    (verdict,) = run_jobs(sandbox, [make_job(code, "assert f(1)")])
    assert verdict.passed is not bool(error), verdict.feedback
    assert re.search(error, verdict.feedback)


@pytest.mark.docker
def test_a_killed_container_costs_no_verdict(sandbox: ContainerSandbox, daemon: Daemon) -> None:
    verdicts = run_jobs(
        sandbox, [*HONEST, *[make_job(f"def f(x): return {i}", f"assert f(1) == {i}") for i in range(400)]]
    )
    assert next(verdicts).passed
    (container,) = daemon.ours()
    container.kill()
    assert all(verdict.passed for verdict in verdicts)
    assert wait_until(lambda: not daemon.holds(container))


@pytest.mark.docker
def test_killed_zygotes_cost_no_verdict_but_the_container(sandbox: ContainerSandbox, daemon: Daemon) -> None:
    (container,) = daemon.ours()
    assert all(verdict.passed for verdict in run_jobs(sandbox, HONEST))
    for process in container.top()["Processes"]:
        if any("zygote" in word for word in process):
            os.kill(int(process[1]), 9)
    again = [make_job(f"def f(x): return x * {i}", f"assert f(1) == {i}") for i in range(40)]
    assert all(verdict.passed for verdict in run_jobs(sandbox, again))
    assert wait_until(lambda: not daemon.holds(container))
    assert len(daemon.ours()) == 1


@pytest.mark.docker
def test_nothing_is_left_of_a_closed_or_killed_owner(daemon: Daemon) -> None:
    with ContainerSandbox(1) as sandbox:
        assert all(verdict.passed for verdict in run_jobs(sandbox, HONEST))
    assert not daemon.ours()
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    daemon.owners.add(owner.pid)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "open\n"
    assert len(daemon.ours()) == 1
    owner.kill()
    owner.wait()
    assert wait_until(lambda: not daemon.ours())


@pytest.mark.docker
def test_an_unknown_runtime_is_named() -> None:
    with pytest.raises(SandboxError, match="no-such-runtime"):
        ContainerSandbox(1, runtime="no-such-runtime")


@pytest.mark.docker
def test_a_missing_image_is_an_error_with_its_cure_or_the_fall_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_module, "image_name", lambda _: "mucode-sandbox:absent")
    with pytest.raises(SandboxError, match=r"mucode-sandbox:absent: .*not there\n  hint: run `mucode sandbox build`"):
        open_sandbox(SandboxConfig(backend="container", num_workers=1))
    with open_sandbox(SandboxConfig(backend="auto", num_workers=1)) as sandbox:
        assert sandbox.isolation.startswith("process sandbox (the sandbox image is not there): ")


def test_no_daemon_is_an_error_with_its_cure_or_the_fall_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(SandboxError, match=r"/nowhere/docker.sock: no Docker daemon answers\n  hint: start the daemon"):
        open_sandbox(SandboxConfig(backend="container", num_workers=1))
    with open_sandbox(SandboxConfig(backend="auto", num_workers=1)) as sandbox:
        assert sandbox.isolation.startswith("process sandbox (no Docker daemon answers): ")


@pytest.mark.docker
def test_auto_takes_the_container() -> None:
    with open_sandbox(SandboxConfig(num_workers=1)) as sandbox:
        assert sandbox.isolation.startswith("container sandbox: ")


@pytest.mark.docker
def test_a_base_image_that_is_not_there_is_an_error_with_its_cure(daemon: Daemon) -> None:
    with pytest.raises(SandboxError, match=r"the image was not built: .+\n  hint: fix what"):
        build_image(daemon.client, resolve_packages(DEFAULT), "mucode-test-absent:absent")


@pytest.mark.docker
def test_the_image_is_small_and_complete(daemon: Daemon) -> None:
    image = daemon.client.images.get(image_name(resolve_packages(DEFAULT)))
    assert image.attrs["Size"] < 300e6
    assert json.dumps(image.attrs["Config"]["Env"] or []).count("=") <= 1  # nothing of the builder's environment


@pytest.mark.docker
def test_a_daemon_that_is_late_to_remove_a_container_fails_nothing(daemon, monkeypatch):
    def late(*_, **__):
        raise requests.ReadTimeout("read timed out")

    with open_sandbox(SandboxConfig(backend="container", num_workers=1)) as sandbox:
        assert len(daemon.ours()) == 1
        monkeypatch.setattr(docker.models.containers.Container, "remove", late)
        assert sandbox.isolation
    assert wait_until(lambda: not daemon.ours())  # it ends with its owner's connection


@pytest.mark.docker
def test_a_daemon_that_does_not_answer_is_a_failure_of_the_machinery(monkeypatch):
    def late(*_, **__):
        raise requests.ReadTimeout("read timed out")

    monkeypatch.setattr(docker.models.containers.ContainerCollection, "create", late)
    with pytest.raises(SandboxError, match="no container starts: read timed out"):
        open_sandbox(SandboxConfig(backend="container", num_workers=1))
    monkeypatch.setattr(docker.models.containers.ContainerCollection, "list", late)
    with pytest.raises(SandboxError, match="the daemon failed: read timed out"):
        open_sandbox(SandboxConfig(backend="container", num_workers=1))


@pytest.mark.docker
def test_a_container_that_does_not_start_is_not_left(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: Any) -> None:
        raise requests.ReadTimeout("read timed out")

    monkeypatch.setattr(docker.models.containers.Container, "start", late)
    with pytest.raises(SandboxError, match="no container starts: read timed out"):
        ContainerSandbox(1)
    assert not daemon.ours()


@pytest.mark.docker
@pytest.mark.parametrize("resets", [False, True], ids=["before the gate opens", "between call and answer"])
def test_a_container_killed_while_it_starts_costs_no_verdict_and_leaves_nothing(daemon, monkeypatch, tmp_path, resets):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    await_gate = container_module._await_gate
    killed: list[Any] = []

    def kill_first(container: Any, log: Any, path: Path) -> Any:
        if not killed:
            killed.append(container)
            container.kill()
            assert wait_until(lambda: not daemon.holds(container))
            if resets:
                reset_the_next_caller(path)
        return await_gate(container, log, path)

    with ContainerSandbox(1) as sandbox:
        monkeypatch.setattr(container_module, "_await_gate", kill_first)
        (running,) = daemon.ours()
        running.kill()
        assert all(verdict.passed for verdict in run_jobs(sandbox, HONEST))
        assert killed
        assert len(list(tmp_path.glob("mucode-gate-*"))) == 1
    assert not list(tmp_path.glob("mucode-gate-*"))
    assert not daemon.ours()


def reset_the_next_caller(path: Path) -> None:
    """Listens where a gate would, and ends without accepting who calls: as a gate that is killed there."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    threading.Thread(target=lambda: (select.select([listener], [], []), listener.close())).start()


@pytest.mark.docker
def test_what_a_container_wrote_before_it_ended_is_told(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [container_module.PYTHON, "-c", "raise SystemExit('its last message')"]
    monkeypatch.setattr(container_module, "helper_command", lambda *_, **__: command)
    with pytest.raises(SandboxError, match="the container's gate does not open: its last message"):
        ContainerSandbox(1)
    assert wait_until(lambda: not daemon.ours())


BETWEEN = """
import time
import docker.models.containers as containers
from mucode_core.sandbox.host import container
def wait(*_, **__):
    print("open", flush=True)
    time.sleep(120)
"""
MOMENTS = {
    "its container is being made": """
make = containers.ContainerCollection.create
def create(self, *arguments, **options):
    import threading
    threading.Thread(target=make, args=(self, *arguments), kwargs=options).start()
    time.sleep(0.01)
    wait()
containers.ContainerCollection.create = create
""",
    "its container is made": "containers.Container.start = wait",
    "its container starts": "container._await_gate = wait",
    "its container runs": "container.ContainerSandbox.run = wait",
}


@pytest.mark.docker
@pytest.mark.parametrize("code", MOMENTS.values(), ids=MOMENTS.keys())
def test_a_killed_owner_leaves_neither_container_nor_directory(daemon, tmp_path, code):
    code = f"{BETWEEN}\n{code}\ncontainer.ContainerSandbox(1).run([])"
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    owner = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
    daemon.owners.add(owner.pid)
    assert owner.stdout.readline() == "open\n"
    assert len(list(tmp_path.glob("mucode-gate-*"))) == 1
    owner.kill()
    owner.wait()
    assert wait_until(lambda: not list(tmp_path.glob("mucode-gate-*")))
    assert not daemon.ours()
