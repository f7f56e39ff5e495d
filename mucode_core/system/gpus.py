"""The GPUs of this machine, asked of the driver through NVML, so that nothing need import torch."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile

import pynvml

from mucode_core.errors import ConfigError

_VISIBLE = "CUDA_VISIBLE_DEVICES"
NODE = "MUCODE_NODE"
"""Names the machine, where workers run on several: their devices have the same numbers."""


@dataclass(frozen=True)
class Gpu:
    """One device."""

    index: int
    name: str
    total_gib: float
    free_gib: float


def list_gpus() -> list[Gpu]:
    """Every GPU that this process may use, numbered as its programs see them; none where there is no driver.

    The driver lists all devices; `CUDA_VISIBLE_DEVICES`, which a work pool sets, chooses among them by number or by
    UUID; MIG instances have UUIDs of their own.

    Raises:
        ConfigError: The driver does not answer; or a device that is made visible is not there, nor maybe a driver.
    """
    names = visible_devices()
    try:
        with _driver() as there:
            if there:
                return _list_all() if names is None else [_find(name, i) for i, name in enumerate(names)]
    except pynvml.NVMLError as error:
        hint = "check the GPU driver: nvidia-smi shows its state"
        raise ConfigError(f"does not answer: {error}", location="GPU driver", hint=hint) from error
    if names:
        hint = "install it, or unset the variable (in a work pool: leave cuda_visible_devices empty)"
        raise ConfigError("there is no GPU driver", location=_shown(), hint=hint)
    return []


@contextmanager
def _driver() -> Generator[bool]:
    """The driver, open for the length of the block; False where none is installed or it has no devices."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        if _code(error) not in (pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, pynvml.NVML_ERROR_DRIVER_NOT_LOADED):
            raise
        yield False
        return
    try:
        yield True
    finally:
        pynvml.nvmlShutdown()


def _code(error: pynvml.NVMLError) -> int:
    return error.value  # pyright: ignore[reportAttributeAccessIssue] - set when the error is created


def _list_all() -> list[Gpu]:
    return [_describe(pynvml.nvmlDeviceGetHandleByIndex(index), index) for index in range(pynvml.nvmlDeviceGetCount())]


def _find(name: str, index: int) -> Gpu:
    """The device of a name, with the number that a process has for it."""
    try:
        if name.isdigit():
            handle = pynvml.nvmlDeviceGetHandleByIndex(int(name))
        else:
            handle = pynvml.nvmlDeviceGetHandleByUUID(name)
    except pynvml.NVMLError as error:
        if _code(error) not in (pynvml.NVML_ERROR_INVALID_ARGUMENT, pynvml.NVML_ERROR_NOT_FOUND):
            raise
        hint = "change it, or in a work pool its variable cuda_visible_devices"
        raise ConfigError(f"{name} is not there", location=_shown(), hint=hint) from None
    return _describe(handle, index)


def _describe(handle: object, index: int) -> Gpu:
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    return Gpu(index, pynvml.nvmlDeviceGetName(handle), int(memory.total) / 2**30, int(memory.free) / 2**30)


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


def pin_devices(gpus: Sequence[int], location: str) -> dict[str, str]:
    """The variable by which a child sees these GPUs only, numbered among those that this process may use.

    Args:
        gpus: Numbers; none leaves the child what this process sees.
        location: The setting, for the message.

    Raises:
        ConfigError: There are not so many.
    """
    if not gpus:
        return {}
    names = visible_devices()
    if names is None:
        return {_VISIBLE: ",".join(map(str, gpus))}
    if max(gpus) >= len(names):
        hint = f"name numbers below {len(names)}, or run where more are visible"
        raise ConfigError(f"there is no GPU {max(gpus)} in {_VISIBLE}={','.join(names)}", location=location, hint=hint)
    return {_VISIBLE: ",".join(names[gpu] for gpu in gpus)}


def choose_numbers(named: Sequence[int], needed: int, gpus: Sequence[Gpu]) -> set[int]:
    """The GPUs that an engine or a training takes: those that are named, else the first."""
    return set(named) or {gpu.index for gpu in gpus[:needed]}


def name_holders(gpu: Gpu) -> str:
    """Where to look for what holds the memory of a GPU that is not free."""
    held = gpu.total_gib - gpu.free_gib
    return (
        f"end what holds {held:.1f} GiB there (`nvidia-smi` lists it: another run, or a server that outlived its run), "
        "or name other gpus"
    )
