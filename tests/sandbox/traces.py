"""What programs must not leave: processes, files in the scratch directories, shared memory."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import psutil

FIRST_PROGRAM_USER = 1_000_000


def helpers() -> list[psutil.Process]:
    """The judges and zygotes of this process."""
    return [process for process in psutil.Process().children(recursive=True) if is_helper(process)]


def is_helper(process: psutil.Process) -> bool:
    try:
        words, parent = process.cmdline(), process.parent()
        return "judge" in words or ("zygote" in words and parent is not None and "zygote" not in parent.cmdline())
    except psutil.NoSuchProcess:
        return False


def traces() -> list[str]:
    """Programs still running, and files they left behind; only that of this machine's own processes can be seen."""
    return [*_programs(), *_scratch_files(), *_shared_memory()]


def _programs() -> list[str]:
    """Children of zygotes, and whatever else runs under a user that only programs have."""
    found = []
    for process in psutil.process_iter(["uids", "status"]):
        uids = process.info["uids"]
        if uids is not None and uids.real >= FIRST_PROGRAM_USER and _is_ours(process):
            found.append(f"process {process.pid} of user {uids.real}, {process.info['status']}")
    for helper in helpers():
        children = [child for child in _children(helper) if not is_helper(child)]
        found += [f"process {child.pid} below {helper.pid}" for child in children]
    return found


def _is_ours(process: psutil.Process) -> bool:
    """Other test runs on this machine have programs of their own; a stray's parent is gone."""
    try:
        ancestors = {parent.pid for parent in process.parents()}
    except psutil.NoSuchProcess:
        return False
    return os.getpid() in ancestors or process.ppid() == 1


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children()
    except psutil.NoSuchProcess:
        return []


def _scratch_files() -> list[str]:
    directories = Path(tempfile.gettempdir()).glob("mucode-sandbox-*")
    return [str(path) for directory in directories for path in _listed(directory)]


def _listed(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError:
        return []


def _shared_memory() -> list[str]:
    return [
        str(path)
        for path in _listed(Path("/dev/shm"))
        if path.stat().st_uid >= FIRST_PROGRAM_USER or "mucode" in path.name
    ]
