"""Leaves no orphans: a guardian process that outlives its owner by a moment and kills what the owner left.

`kill -9` of a run cannot be caught, and what it started (Prefect's temporary server) would live on.
Descendants are known by a token in their environment, whatever their name, session or parent.
Runs as a script with the standard library alone.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

_VARIABLE = "MUCODE_OWNER"
_TRIES = 20


def guard() -> None:
    """Starts the guardian of this process and of everything it starts from now on."""
    if not Path("/proc/self/environ").exists():
        return
    token = secrets.token_hex(16)
    os.environ[_VARIABLE] = token
    read_end, write_end = os.pipe()  # the write end closes with this process, however it ends
    os.set_inheritable(write_end, False)
    subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, token], stdin=read_end, env={}, start_new_session=True, cwd="/"
    )
    os.close(read_end)


def _kill_descendants(token: bytes) -> int:
    found = 0
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and token in (entry / "environ").read_bytes():
                os.kill(int(entry.name), signal.SIGKILL)
                found += 1
        except OSError:
            continue  # it ended meanwhile, or is another user's
    return found


def main() -> None:
    sys.stdin.buffer.read()  # until the owner is gone
    token = f"{_VARIABLE}={sys.argv[1]}".encode()
    for _ in range(_TRIES):
        if not _kill_descendants(token):
            return
        time.sleep(0.1)


if __name__ == "__main__":
    main()
