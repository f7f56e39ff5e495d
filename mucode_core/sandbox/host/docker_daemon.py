"""The Docker daemon: the connection, whose the containers are, and the removal of those whose owner has died."""

from __future__ import annotations

import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mucode_core.errors import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

OWNER_LABEL = "mucode.sandbox.owner"


def connect() -> DockerClient:
    """A connection to the daemon that the environment names (`DOCKER_HOST`).

    Raises:
        SandboxError: There is none, with the hint.
    """
    from docker import from_env
    from docker.errors import DockerException

    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    try:
        client = from_env()
        client.ping()
    except DockerException as error:
        hint = "start the daemon, or set DOCKER_HOST; or use `sandbox.backend: process`"
        if "Permission" in str(error):
            hint = "add yourself to the group docker; or use `sandbox.backend: process`"
        raise SandboxError("no Docker daemon answers", location=host, hint=hint) from error
    return client


def own_label() -> dict[str, str]:
    """The label of this process's containers: machine, number and time of birth, since numbers come again."""
    return {OWNER_LABEL: f"{socket.gethostname()}:{os.getpid()}:{_born(os.getpid())}"}


def remove_orphans(client: DockerClient) -> None:
    """Removes the containers whose owner on this machine has died.

    Mostly there are none, since a container ends with its owner; but one that is only about to start cannot.
    """
    for container in client.containers.list(all=True, filters={"label": OWNER_LABEL}, ignore_removed=True):
        host, pid, born = container.labels[OWNER_LABEL].rsplit(":", 2)
        if host == socket.gethostname() and _born(int(pid)) != born:
            remove(container)


def remove(container: Container) -> None:
    """Ends and removes it; one that has gone, or is going, is no error."""
    from docker.errors import APIError
    from requests.exceptions import RequestException

    try:
        container.remove(force=True, v=True)
    except APIError as error:
        if error.status_code not in (404, 409):  # gone, or going
            raise
    except RequestException:
        return  # a busy daemon continues with it; if not, the next run reaps what is left


@contextmanager
def asking_the_daemon(failure: str = "the daemon failed") -> Generator[None]:
    """What it does not do, or not in time, is an infrastructure failure."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except (DockerException, RequestException) as error:
        hint = "fix what the daemon says, see its log and its load; or use `sandbox.backend: process`"
        raise SandboxError(f"{failure}: {error}", location="Docker", hint=hint) from error


def _born(pid: int) -> str:
    """When a process started, in ticks since the machine did: no correction of the clock moves it; empty if it ended.

    One that ended and that no process has waited for yet is still listed, as a zombie.
    """
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()  # names may hold anything
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if state in "ZX" else fields[18]  # proc(5): (22) starttime
