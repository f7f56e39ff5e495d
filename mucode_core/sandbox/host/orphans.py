"""Removes the sandbox containers, and their directories, that an owner which was killed has left.

A container ends with its owner's connection; one that was only about to start, or to be made, has none yet.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

from mucode_core.system.guardian import Survivor, await_owner, unmarked_environment

_TIMEOUT_S, _STEP_S = 5.0, 0.25
"""So long after its owner's end the daemon may still make a container that was asked for."""


class ContainerGuardian(Survivor):
    """A process that looks after the containers of this one, and after its directories, once it is gone."""

    def __init__(self) -> None:
        scratch = str(Path(tempfile.gettempdir(), scratch_prefix(os.getpid())))
        super().__init__([sys.executable, "-m", "mucode_core.sandbox.host.orphans", scratch], unmarked_environment())


def scratch_prefix(owner: int) -> str:
    """How the names begin of the directories in which an owner meets its containers."""
    return f"mucode-gate-{owner}-"


def main() -> None:
    if not await_owner():
        return
    _remove_containers()
    scratch = Path(sys.argv[1])
    for left in scratch.parent.glob(f"{scratch.name}*"):
        shutil.rmtree(left, ignore_errors=True)


def _remove_containers() -> None:
    from mucode_core.errors import SandboxError
    from mucode_core.sandbox.host.docker_daemon import asking_the_daemon, connect, remove_orphans

    deadline = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < deadline:
        # no process is left to report it to; the next run removes what it finds
        with suppress(SandboxError), closing(connect()) as client, asking_the_daemon():
            remove_orphans(client)
        time.sleep(_STEP_S)


if __name__ == "__main__":
    main()
