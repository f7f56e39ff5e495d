"""The part of itself that DeepSpeed compiles where there is no GPU: once, whatever was killed meanwhile."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path

import torch
from torch.utils.cpp_extension import get_default_build_root

_VARIABLE = "TORCH_EXTENSIONS_DIR"


def builds_dir() -> Path:
    """Where nothing but the trainings of this environment builds: another's paths would have all built anew."""
    root = os.environ.get(_VARIABLE) or get_default_build_root()
    installed = f"{torch.__version__} {torch.__file__}"
    return Path(root) / f"mucode-{hashlib.sha256(installed.encode()).hexdigest()[:12]}"


def build() -> None:
    """Compiles and loads it; the processes of a machine take turns.

    torch marks a build in progress by a file, which a killed process leaves, and for whose removal the next waits
    without limit. Here a turn ends with the process that has it, and a file found in one's own is a dead process's.
    """
    from deepspeed.comm.torch import build_shm_op

    directory = builds_dir()
    directory.mkdir(parents=True, exist_ok=True)
    os.environ[_VARIABLE] = str(directory)
    with (directory / "turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        for left in directory.glob("*/lock"):
            left.unlink()
        build_shm_op()
