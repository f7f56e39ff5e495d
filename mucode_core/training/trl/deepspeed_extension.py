"""Compiles DeepSpeed's CPU extension once, safely against kills and concurrent processes."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path

import torch
from torch.utils.cpp_extension import get_default_build_root

_VARIABLE = "TORCH_EXTENSIONS_DIR"


def builds_dir() -> Path:
    """A build directory for this environment only: other environments' paths would force a rebuild."""
    root = os.environ.get(_VARIABLE) or get_default_build_root()
    installed = f"{torch.__version__} {torch.__file__}"
    return Path(root) / f"mucode-{hashlib.sha256(installed.encode()).hexdigest()[:12]}"


def build() -> None:
    """Compiles and loads the extension; only one process of a machine at a time.

    torch marks a build in progress with a file; a killed process leaves it behind, and the next process would wait
    forever. Here a lock, released when its process dies, protects the build, so a file found under it is stale.
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
