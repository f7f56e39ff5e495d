"""All that is put around a program: the file system it sees, its user, its limits and its system calls. Stdlib only."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mucode_core.sandbox.guest import lockdown
from mucode_core.sandbox.guest.call_filter import CallFilter, can_filter_calls, make_filter
from mucode_core.sandbox.guest.jail import DEVICES, SYSTEM, FileRules, enter_jail
from mucode_core.sandbox.guest.program import JOB_FD

_USERS = (1_000_000, 30_000)
"""Where own users begin: beyond a machine's real ones, or below 65,536 where a user namespace maps no more."""
_NATIVE = Path(__file__).with_name("libmucode_lockdown.so")

Lockdown = Callable[[int, int, int, int], None]
"""Binds the calling process: (parent's id, CPU s, bytes of memory, bytes of a file). Raises OSError if refused."""


@dataclass(frozen=True)
class Confinement:
    """What the kernel granted around every program."""

    layers: list[str]
    """In words."""
    lock_down: Lockdown
    """What a child does to itself before its program starts."""


def confine(scratch: str, packages: Iterable[str]) -> Confinement:
    """Moves into the scratch, in a private file system if there can be one, else behind rules on files."""
    layers: list[str] = []
    libraries = [str(Path(os.__file__).parent), sys.base_prefix + "/lib", *packages]
    was_root = os.geteuid() == 0
    rules = None
    try:
        enter_jail(libraries)
        layers += ["own file system", "no network"]
    except OSError:
        os.chdir(scratch)
        with contextlib.suppress(OSError):
            rules = FileRules([*libraries, *SYSTEM, *DEVICES], scratch)
            layers.append("rules on files")
    user = None
    if was_root and ((rules is None and layers) or all(map(_readable_by_all, libraries))):
        user = _own_scratch()
        layers.append("own user")
    own_files = user is not None or "own file system" in layers
    calls = CallFilter(partial(make_filter, own_files=own_files)) if can_filter_calls() else None
    layers += ["system call filter"] if calls else []
    return Confinement(layers, _make_lockdown(user, rules, calls))


def _own_scratch() -> int:
    """Opens the working directory to a user id that no other process has, and returns it.

    The directory stays this process's own, so that no program can lock the next one out of it.
    """
    for first in _USERS:
        user = first + os.getpid() % 30_000
        with contextlib.suppress(OSError):
            os.chown(".", -1, user)
            Path().chmod(0o1770)
            return user
    raise OSError("no user for programs")


def _readable_by_all(path: str) -> bool:
    """Whether another user can reach the directory."""
    return all(p.stat().st_mode & 0o001 for p in [Path(path).resolve(), *Path(path).resolve().parents] if p.exists())


def _make_lockdown(user: int | None, rules: FileRules | None, calls: CallFilter | None) -> Lockdown:
    """One native call where an image brings it compiled, else the same steps in Python."""
    lockdown.refuse_privileges()
    limits = lockdown.ProgramLimits(user is not None)
    with contextlib.suppress(OSError):  # not there, or made for another C library
        return _make_native_lockdown(user, limits, rules, calls)

    def lock_down(parent: int, cpu_s: int, memory: int, file_bytes: int) -> None:
        os.setsid()
        for kind, value in limits.of_program(cpu_s, memory, file_bytes):
            resource.setrlimit(kind, (value, value))
        if user is not None:
            lockdown.become(user)
        lockdown.die_with_parent(parent)
        if rules is not None:
            rules.install()
        lockdown.close_above(JOB_FD)
        if calls is not None:
            calls.install()

    return lock_down


class _Limit(ctypes.Structure):
    _fields_ = (("resource", ctypes.c_int32), ("value", ctypes.c_uint64))


def _make_native_lockdown(
    user: int | None, program_limits: lockdown.ProgramLimits, rules: FileRules | None, calls: CallFilter | None
) -> Lockdown:
    bind = ctypes.PyDLL(str(_NATIVE)).mucode_lock_down
    bind.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_int]
    bind.argtypes += [ctypes.c_void_p, ctypes.c_int]
    limits = (_Limit * len(program_limits.of_program(0, 0, 0)))()
    files = (-1 if user is None else user, -1 if rules is None else rules.descriptor)

    def lock_down(parent: int, cpu_s: int, memory: int, file_bytes: int) -> None:
        for index, pair in enumerate(program_limits.of_program(cpu_s, memory, file_bytes)):
            limits[index] = pair
        system = (None, 0) if calls is None else (calls.address, calls.pid_line)
        failure = bind(parent, JOB_FD, limits, len(limits), *files, *system)
        if failure:
            raise OSError(failure, "lockdown")

    return lock_down
