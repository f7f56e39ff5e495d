"""The GPUs of this machine, asked of the driver's own tool, so that nothing need import torch."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

from mucode_core.errors import ConfigError

_QUERY = "index,name,memory.total,memory.free"
_PATIENCE_S = 20


@dataclass(frozen=True)
class Gpu:
    """One device."""

    index: int
    name: str
    total_gib: float
    free_gib: float


def list_gpus() -> list[Gpu]:
    """Every GPU that the driver shows; none where there is no driver.

    Raises:
        ConfigError: There is a driver, but it does not answer.
    """
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    command = [tool, f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True).stdout
        return [_parse(line) for line in answer.splitlines() if line.strip()]
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise ConfigError(f"does not answer: {error}", place="nvidia-smi", cure="check the GPU driver") from error


def _parse(line: str) -> Gpu:
    index, name, total, free = (part.strip() for part in line.split(","))
    return Gpu(int(index), name, int(total) / 1024, int(free) / 1024)
