"""Command lines of the sandbox's helper processes, and what both sides say to each other when a job starts and ends.

The helpers load modules of this package by path, without the package's `__init__` files, so that they stay small and
start alike inside a container that holds nothing but these files. Stdlib only.
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

BEGIN = struct.Struct("<ddQQ")
"""Judge to zygote, with the job's descriptors: CPU s, wall s, memory bytes, file bytes."""
REPORT = struct.Struct("<idB?")
"""Zygote to judge when a job is over: wait status, CPU s, how it ended, whether the program's lockdown succeeded."""
ENDED, CPU_LIMIT, WALL_LIMIT = 0, 1, 2
NO_MEMORY = 112
"""Exit status of a program whose answer does not fit into its memory."""
END = b"E"
"""Judge to zygote: the job is over."""
READY = b"Z"
"""Zygote to judge, once."""
REQUEST = struct.Struct("<HBh")
"""Judge to the gate of a container: worker, what the zygote has imported, and its CPU core or -1."""
PLAIN, NUMPY, ALL, CHECKER = 0, 1, 2, 3
"""What a zygote has imported: nothing, numpy, or all packages there are; or that it is for checkers alone."""
CLOCK = b"C"
"""Judge to zygote, once, with the descriptor of the clock that says how long the judge waited for programs."""

_BOOT = """
import sys, types
root, module, *sys.argv[1:] = sys.argv[1:]
judge = ["/sandbox/judge" + folder for folder in ("", "/guards", "/lent", "/recording", "/suites")]
for folder in ("", "/sandbox", "/sandbox/guest", *judge):
    name = "mucode_core" + folder.replace("/", ".")
    package = sys.modules[name] = types.ModuleType(name)
    package.__path__ = [root + folder]
from importlib import import_module
import_module("mucode_core.sandbox." + module).main()
"""


HERE = str(Path(__file__).resolve().parent.parent)
"""The directory of the package `mucode_core`."""


def helper_command(python: str, module: str, *arguments: str, root: str = HERE) -> list[str]:
    """The command that runs `main()` of a module of this package in a bare interpreter: no site, no user code."""
    return [python, "-s", "-S", "-B", "-P", "-c", _BOOT, root, module, *arguments]


def helper_environment() -> dict[str, str]:
    """The whole environment of a helper: nothing of the owner's; a fixed hash seed keeps set order the same.

    The loader binds all symbols at once: a zygote's children would each do it again.
    """
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",
        "LD_BIND_NOW": "1",
    }


_LENGTH = struct.Struct("<I")
_MOST_BYTES = 1 << 29
"""Of a frame: more than any job or verdict, and less than would exhaust who reads it."""


def write_frame(connection: socket.socket, data: bytes) -> None:
    """Sends bytes with their length in front."""
    connection.sendall(_LENGTH.pack(len(data)) + data)


def read_frame(connection: socket.socket) -> bytes:
    """The bytes of one frame.

    Raises:
        EOFError: The other side has gone.
        ValueError: The frame is larger than any.
    """
    (length,) = _LENGTH.unpack(_read(connection, _LENGTH.size))
    if length > _MOST_BYTES:
        raise ValueError("the frame is too large")
    return _read(connection, length)


def _read(connection: socket.socket, count: int) -> bytes:
    parts: list[bytes] = []
    while count:
        part = connection.recv(min(count, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
