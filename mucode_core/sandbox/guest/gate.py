"""The door of a container: starts a zygote for each judge that connects, and ends the container with its owner.

The container's first process. Sees no program; stdlib only.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn

from mucode_core.sandbox.protocol import READY, REQUEST, helper_command, helper_environment

ROOT = "/opt/mucode"
"""Where an image holds this package, the interpreter's link and the note about packages."""
PYTHON = f"{ROOT}/python"
PACKAGES = f"{ROOT}/packages.json"
"""Says which packages programs may import, and where they are."""
SOCKETS = "/sockets"
"""Shared with the owner; programs cannot enter it."""
SCRATCHES = "/scratch"
_OWNER_TIMEOUT_S = 60.0


def main() -> NoReturn:
    """Serves until the owner's connection, the first one, ends."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # zygotes, and whatever they leave, are reaped by the kernel
    listener = socket.socket(socket.AF_UNIX)
    path = Path(SOCKETS, "gate")
    listener.bind(str(path))
    path.chmod(0o666)  # the owner may be another user; its directory is closed to all others
    listener.listen(64)
    listener.settimeout(_OWNER_TIMEOUT_S)
    try:
        owner, _ = listener.accept()
    except TimeoutError:
        os._exit(1)
    owner.sendall(READY)
    poll = select.poll()
    poll.register(owner, select.POLLIN)
    poll.register(listener, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == owner.fileno():
                os._exit(0)  # the first process of a container takes all others along
            _admit(listener)


def _admit(listener: socket.socket) -> None:
    """Starts the zygote that a judge asks for; the judge's connection becomes its control socket."""
    judge, _ = listener.accept()
    with judge:
        judge.settimeout(_OWNER_TIMEOUT_S)
        request = judge.recv(REQUEST.size, socket.MSG_WAITALL)
        if len(request) < REQUEST.size:
            return
        worker, imported, core = REQUEST.unpack(request)
        judge.setblocking(True)
        packages, location = Path(PACKAGES).read_text().strip(), scratch(worker, imported)
        zygote = ("guest.zygote", str(os.getpid()), location, packages, str(imported), str(core))
        command = helper_command(sys.executable, *zygote)
        os.posix_spawn(
            command[0],
            command,
            helper_environment(),
            file_actions=[(os.POSIX_SPAWN_DUP2, judge.fileno(), 0)],
            setsigdef=[signal.SIGCHLD, signal.SIGTERM],
        )


def scratch(worker: int, imported: int) -> str:
    """The directory of one zygote: a mount of its own, so that no program fills another's."""
    return f"{SCRATCHES}/{worker}-{imported}"
