"""The checkpoint that a vLLM server loads: the given one, or one with heads that vLLM has kernels for."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from mucode_core.errors import ConfigError, DataError
from mucode_core.models.head_sizes import choose_wider, head_size_of
from mucode_core.models.shape import read_config
from mucode_core.system.worker_pool import WorkerPool

CPU_HEAD_SIZES = (32, 64, 80, 96, 112, 128, 160, 192, 224, 256, 512)
"""Of vLLM's attention on CPU. A server of another checkpoint starts and answers, and its engine ends with the first
completion: nothing checks the size before."""


class ServedModel:
    """A checkpoint as vLLM can serve it on this machine.

    Args:
        model_dir: The checkpoint.
        on_cpu: Whether it is served without GPU.

    Raises:
        ConfigError: vLLM on CPU has no kernel for its heads, and they cannot be widened.
    """

    def __init__(self, model_dir: Path, *, on_cpu: bool) -> None:
        self._model_dir, self._lock = model_dir, Lock()
        self._head_size = _choose_head_size(model_dir) if on_cpu else None
        self._padded: TemporaryDirectory[str] | None = None

    def prepare(self) -> Path:
        """The directory to load; the first call writes it where heads have to be widened."""
        if self._head_size is None:
            return self._model_dir
        with self._lock:
            if self._padded is None:
                padded = TemporaryDirectory(prefix="mucode-padded-")
                _pad(self._model_dir, self._head_size, Path(padded.name) / "model")
                self._padded = padded
            return Path(self._padded.name) / "model"

    def close(self) -> None:
        """Removes what was written."""
        with self._lock:
            if self._padded is not None:
                self._padded.cleanup()
                self._padded = None


def _choose_head_size(model_dir: Path) -> int | None:
    """The width to which heads have to be widened; None if they can stay."""
    try:
        config = read_config(model_dir)
        own = head_size_of(config)
    except (DataError, KeyError, TypeError, ValueError, ZeroDivisionError):
        return None  # vLLM says better what is wrong
    if own in CPU_HEAD_SIZES:
        return None
    # the weights of other formats are not rewritten
    wide = choose_wider(config, CPU_HEAD_SIZES) if any(model_dir.glob("*.safetensors")) else None
    if wide is None:
        problem = f"has attention heads of {own} numbers, for which vLLM has no kernel on CPU"
        hint = f"sample with transformers, or use a model with heads of {', '.join(map(str, CPU_HEAD_SIZES))}"
        raise ConfigError(problem, location=str(model_dir), hint=hint)
    return wide


def _pad(model_dir: Path, head_size: int, out_dir: Path) -> None:
    pool = WorkerPool(1)  # only workers import torch
    try:
        pool.map("mucode_core.models.padded_heads:pad_heads", [(model_dir, head_size, out_dir)])
    finally:
        pool.close()
