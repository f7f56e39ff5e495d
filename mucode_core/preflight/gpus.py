"""The GPUs of this machine, asked of the driver's own tool, so that nothing need import torch."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from mucode_core.doctor import Check
from mucode_core.errors import ConfigError

_QUERY = "index,name,memory.total,memory.free,uuid"
_VISIBLE = "CUDA_VISIBLE_DEVICES"
NODE = "MUCODE_NODE"
"""Names the machine, where workers run on several: their devices have the same numbers."""
_PATIENCE_S = 20


@dataclass(frozen=True)
class Gpu:
    """One device."""

    index: int
    name: str
    total_gib: float
    free_gib: float


def list_gpus() -> list[Gpu]:
    """Every GPU that this process may use, numbered as its programs see them; none where there is no driver.

    The driver's tool lists all devices; `CUDA_VISIBLE_DEVICES`, which a work pool sets, chooses among them.

    Raises:
        ConfigError: The driver does not answer; or a device that is made visible is not there, nor maybe a driver.
    """
    tool, names = shutil.which("nvidia-smi"), visible_devices()
    if tool is None:
        if names:
            cure = "install it, or unset the variable (in a work pool: leave cuda_visible_devices empty)"
            raise ConfigError("there is no GPU driver (nvidia-smi)", place=_shown(), cure=cure)
        return []
    command = [tool, f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True).stdout
        found = dict(entry for line in answer.splitlines() if line.strip() for entry in _parse(line))
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise ConfigError(f"does not answer: {error}", place="nvidia-smi", cure="check the GPU driver") from error
    if names is None:
        return [gpu for name, gpu in found.items() if name.isdigit()]
    if missing := [name for name in names if name not in found]:
        cure = "change it, or in a work pool its variable cuda_visible_devices"
        raise ConfigError(f"{missing[0]} is not there", place=_shown(), cure=cure)
    return [replace(found[name], index=index) for index, name in enumerate(names)]


def _parse(line: str) -> Iterator[tuple[str, Gpu]]:
    """A device by its two names."""
    index, name, total, free, uuid = (part.strip() for part in line.split(","))
    gpu = Gpu(int(index), name, int(total) / 1024, int(free) / 1024)
    yield index, gpu
    yield uuid, gpu


def visible_devices() -> list[str] | None:
    """The devices that this process may use, as `CUDA_VISIBLE_DEVICES` names them; None for all.

    -1, which is no device, ends the list, as it does for CUDA: alone it hides all.
    """
    names = os.environ.get(_VISIBLE)
    if names is None:
        return None
    return list(takewhile(lambda name: name != "-1", (name.strip() for name in names.split(",") if name.strip())))


def _shown() -> str:
    return f"{_VISIBLE}={os.environ[_VISIBLE]}"


def limit_name(device: str, node: str | None = None) -> str:
    """The name by which runs keep each other off a device: `gpu-0`, or `NODE-gpu-0` where machines are named.

    Args:
        device: As `CUDA_VISIBLE_DEVICES` names it.
        node: The machine, empty for the only one; None for this process's, which its work pool names in `MUCODE_NODE`.
    """
    node = os.environ.get(NODE, "") if node is None else node
    return f"{node}-gpu-{device}" if node else f"gpu-{device}"


def pin_devices(gpus: Sequence[int], place: str) -> dict[str, str]:
    """The variable by which a child sees these GPUs only, numbered among those that this process may use.

    Args:
        gpus: Numbers; none leaves the child what this process sees.
        place: The setting, for the message.

    Raises:
        ConfigError: There are not so many.
    """
    if not gpus:
        return {}
    names = visible_devices()
    if names is None:
        return {_VISIBLE: ",".join(map(str, gpus))}
    if max(gpus) >= len(names):
        cure = f"name numbers below {len(names)}, or run where more are visible"
        raise ConfigError(f"there is no GPU {max(gpus)} in {_VISIBLE}={','.join(names)}", place=place, cure=cure)
    return {_VISIBLE: ",".join(names[gpu] for gpu in gpus)}


def choose_numbers(named: Sequence[int], needed: int, gpus: Sequence[Gpu]) -> set[int]:
    """The GPUs that an engine or a training takes: those that are named, else the first."""
    return set(named) or {gpu.index for gpu in gpus[:needed]}


def examine_numbers(place: str, asked: Sequence[int], needed: int, gpus: Sequence[Gpu], keys: str) -> Check:
    """Whether the GPUs that are asked for by number are there, and enough where none is named."""
    missing = sorted(set(asked) - {gpu.index for gpu in gpus})
    there = ", ".join(f"{gpu.index}: {gpu.name}" for gpu in gpus) or "none"
    if missing:
        cure = (
            f"change {place}.gpus"
            if gpus
            else f"run where a GPU driver shows them (nvidia-smi), or change {place}.gpus"
        )
        detail = f"{', '.join(map(str, missing))} asked for; there are {there}: {cure}"
        return Check(f"{place}.gpus", ok=False, detail=detail, required=True)
    ok = not gpus or len(gpus) >= needed
    detail = there if ok else f"{needed} needed, {len(gpus)} there: lower {keys}"
    return Check(f"{place}.gpus", ok, detail, required=True)


def name_holders(gpu: Gpu) -> str:
    """Where to look for what holds the memory of a GPU that is not free."""
    held = gpu.total_gib - gpu.free_gib
    return (
        f"end what holds {held:.1f} GiB there (`nvidia-smi` lists it: another run, or a server that outlived its run), "
        "or name other gpus"
    )
