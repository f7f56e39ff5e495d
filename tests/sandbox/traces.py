"""What programs must not leave: processes, files in the scratch directories, shared memory. Linux only; reads /proc."""

from __future__ import annotations

import os
import time
from pathlib import Path

FIRST_PROGRAM_USER = 1_000_000


def traces(patience_s: float = 5.0) -> list[str]:
    """Programs still running, and files they left; none where they vanish in time: a killed judge's go after it."""
    deadline = time.monotonic() + patience_s
    while (found := [*_programs(), *_files()]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def helpers() -> dict[int, list[str]]:
    """The command lines of this process's judges and their zygotes."""
    parents = _parents()
    found = {pid: _command(pid) for pid in _below(os.getpid(), parents)}
    judges = {pid for pid, words in found.items() if "judge.judge" in words}
    return {pid: words for pid, words in found.items() if pid in judges or parents[pid] in judges}


def _programs() -> list[str]:
    """Children of zygotes, and whatever runs under a user that only programs have and has lost its parent."""
    parents, known = _parents(), helpers()
    below = [f"process {pid} below {parent}" for pid, parent in parents.items() if parent in known and pid not in known]
    strays = [
        f"stray process {pid}" for pid, parent in parents.items() if parent == 1 and _user(pid) >= FIRST_PROGRAM_USER
    ]
    return below + strays


def _files() -> list[str]:
    places = {word for words in helpers().values() for word in words if "mucode-sandbox-" in word}
    scratches = {word for word in places if Path(word).name in ("plain", "numpy")}
    left = [str(path) for word in sorted(scratches) for path in _listed(Path(word))]
    shared = [path for path in _listed(Path("/dev/shm")) if path.lstat().st_uid >= FIRST_PROGRAM_USER]
    return [*left, *map(str, shared)]


def _parents() -> dict[int, int]:
    parents: dict[int, int] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] not in "ZX":
                parents[int(entry.name)] = int(fields[1])
    return parents


def _below(pid: int, parents: dict[int, int]) -> list[int]:
    found, new = [], [pid]
    while new:
        new = [child for child, parent in parents.items() if parent in new]
        found += new
    return found


def _command(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def _user(pid: int) -> int:
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return 0


def _listed(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError:
        return []
