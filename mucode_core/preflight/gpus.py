"""The GPUs of this machine, asked of the driver's own tool, so that nothing need import torch."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from mucode_core.doctor import Check
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


def examine_numbers(place: str, asked: Sequence[int], needed: int, gpus: Sequence[Gpu], keys: str) -> Check:
    """Whether the GPUs that are asked for by number are there, and enough where none is named."""
    missing = sorted(set(asked) - {gpu.index for gpu in gpus})
    there = ", ".join(f"{gpu.index}: {gpu.name}" for gpu in gpus) or "none"
    if missing:
        detail = f"{', '.join(map(str, missing))} asked for; there are {there}: change {place}.gpus"
        return Check(f"{place}.gpus", ok=False, detail=detail, required=True)
    ok = not gpus or len(gpus) >= needed
    detail = there if ok else f"{needed} needed, {len(gpus)} there: lower {keys}"
    return Check(f"{place}.gpus", ok, detail, required=True)
