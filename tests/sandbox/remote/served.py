"""Servers of the sandbox for tests: real processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread


@dataclass
class Served:
    """A server's process."""

    url: str
    process: subprocess.Popen[str]
    log: list[str]


@contextmanager
def serve(*options: str, port: int = 0, code: str = "") -> Iterator[Served]:
    """A server on this machine; `code` is executed in its process before it starts."""
    arguments = ["sandbox", "serve", "--backend", "process", "--port", str(port), *options]
    start = f"import sys\n{code}\nsys.argv = ['mucode', *{arguments!r}]\nfrom mucode_flows.cli.main import main\nmain()"
    process = subprocess.Popen([sys.executable, "-c", start], stderr=subprocess.PIPE, text=True)
    log: list[str] = []
    assert process.stderr is not None
    for line in process.stderr:
        log.append(line)
        if line.startswith("serving on "):
            break
    reader = Thread(target=log.extend, args=(process.stderr,), daemon=True)
    reader.start()
    try:
        yield Served(log[-1].split()[-1], process, log)
    finally:
        process.terminate()
        process.wait(90)
        reader.join(10)
