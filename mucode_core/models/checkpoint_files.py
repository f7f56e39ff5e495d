"""Files of checkpoints that are part of another one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_WEIGHTS = (".safetensors", ".bin")


def place_file(source: Path, target: Path) -> None:
    """Copies a checkpoint's file. Only weights are linked: they are large, and nothing rewrites them."""
    if source.suffix in _WEIGHTS or target.suffix in _WEIGHTS:
        try:
            os.link(source, target)
            return
        except OSError:  # another file system
            pass
    shutil.copyfile(source, target)
