"""Watching trainings in processes, killing them, and comparing what they leave."""

import hashlib
import os
import signal
import time
from pathlib import Path

from mucode_core.training.trl.job import read_steps


def digests(path):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in path.iterdir()}


def losses(directory):
    return [step["loss"] for step in read_steps(directory / "scratch" / "steps.jsonl") if "loss" in step]


def find_ranks(directory):
    """Numbers of the processes that train."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if str(directory).encode() in command and b"torch.distributed.run" not in command:
            found.append(int(entry.name))
    return found


def kill_a_rank_after(directory, step):
    """Once the log has come so far."""
    log = directory / "scratch" / "steps.jsonl"
    deadline = time.monotonic() + 400
    while time.monotonic() < deadline:
        if log.exists() and f'"step": {step},' in log.read_text():
            os.kill(find_ranks(directory)[-1], signal.SIGKILL)
            return
        time.sleep(0.002)
