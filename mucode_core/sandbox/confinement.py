"""All that is put around a program: the file system it sees, its user, its limits and its system calls. Stdlib only."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mucode_core.sandbox import lockdown
from mucode_core.sandbox.guest import JOB_FD
from mucode_core.sandbox.jail import DEVICES, SYSTEM, enter_jail
from mucode_core.sandbox.landlock import FileRules

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


def confine(scratch: str, numpy_home: str) -> Confinement:
    """Moves into the scratch, in a private file system if there can be one, else behind rules on files."""
    layers: list[str] = []
    libraries = [str(Path(os.__file__).parent), sys.base_prefix + "/lib"]
    libraries += [f"{numpy_home}/numpy", f"{numpy_home}/numpy.libs"] if numpy_home else []
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
    calls = lockdown.CallFilter() if lockdown.can_filter_calls() else None
    layers += ["system call filter"] if calls else []
    return Confinement(layers, _make_lockdown(user, rules, calls))


def _own_scratch() -> int:
    """Gives the working directory to a user that nobody else is, and returns it."""
    for first in _USERS:
        user = first + os.getpid() % 30_000
        with contextlib.suppress(OSError):
            os.chown(".", user, user)
            return user
    raise OSError("no user for programs")


def _readable_by_all(path: str) -> bool:
    """Whether another user can reach the directory."""
    return all(p.stat().st_mode & 0o001 for p in [Path(path).resolve(), *Path(path).resolve().parents] if p.exists())


def _make_lockdown(user: int | None, rules: FileRules | None, calls: lockdown.CallFilter | None) -> Lockdown:
    """One native call where an image brings it compiled, else the same steps in Python."""
    with contextlib.suppress(OSError):  # not there, or made for another C library
        return _make_native_lockdown(user, rules, calls)

    def lock_down(parent: int, cpu_s: int, memory: int, file_bytes: int) -> None:
        os.setsid()
        lockdown.set_limits(lockdown.program_limits(cpu_s, memory, file_bytes, user is not None))
        if user is not None:
            lockdown.become(user)
        lockdown.die_with_parent(parent)
        lockdown.refuse_privileges()
        if rules is not None:
            rules.install()
        lockdown.close_above(JOB_FD)
        if calls is not None:
            calls.install()

    return lock_down


class _Limit(ctypes.Structure):
    _fields_ = (("resource", ctypes.c_int32), ("value", ctypes.c_uint64))


def _make_native_lockdown(user: int | None, rules: FileRules | None, calls: lockdown.CallFilter | None) -> Lockdown:
    bind = ctypes.PyDLL(str(_NATIVE)).mucode_lock_down
    bind.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_int]
    bind.argtypes += [ctypes.c_void_p, ctypes.c_int]
    limits = (_Limit * len(lockdown.program_limits(0, 0, 0, user is not None)))()
    files = (-1 if user is None else user, -1 if rules is None else rules.descriptor)

    def lock_down(parent: int, cpu_s: int, memory: int, file_bytes: int) -> None:
        for index, pair in enumerate(lockdown.program_limits(cpu_s, memory, file_bytes, user is not None)):
            limits[index] = pair
        system = (None, 0) if calls is None else (calls.address, calls.pid_line)
        failure = bind(parent, JOB_FD, limits, len(limits), *files, *system)
        if failure:
            raise OSError(failure, "lockdown")

    return lock_down
