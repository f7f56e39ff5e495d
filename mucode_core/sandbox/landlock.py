"""Rules on files by Landlock: what confines a program where no private file system can be had. Stdlib only."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from mucode_core.sandbox.lockdown import check, libc

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1
_WRITE_FILE, _READ_FILE, _READ_DIR = 2, 4, 8
_SPECIAL_FILES = 64 | 512 | 1024 | 2048  # devices, sockets, pipes
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_FIRST_RIGHTS = _REFER - 1


class FileRules:
    """Reading below some directories, writing below one; prepared once, installed in each child."""

    def __init__(self, readable: Iterable[str], writable: str) -> None:
        """Prepares the rules.

        Raises:
            OSError: The kernel has no Landlock.
        """
        if sys.platform != "linux":
            raise OSError("no Landlock on this platform")
        version = int(libc.syscall(_CREATE_RULESET, None, 0, _VERSION))
        if version < 1:
            raise OSError(ctypes.get_errno(), "Landlock")
        handled = _FIRST_RIGHTS | (_REFER if version > 1 else 0) | (_TRUNCATE if version > 2 else 0)
        self.descriptor = int(libc.syscall(_CREATE_RULESET, struct.pack("Q", handled), 8, 0))
        check(self.descriptor < 0, "Landlock")
        for path in readable:
            self._allow(path, _READ_FILE | _READ_DIR)
        self._allow(os.devnull, _READ_FILE | _WRITE_FILE)
        self._allow(writable, handled & ~(_SPECIAL_FILES | _REFER))

    def _allow(self, path: str, rights: int) -> None:
        if not Path(path).exists():
            return
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            is_directory = Path(path).is_dir()
            rule = struct.pack("=Qi", rights if is_directory else rights & ~_READ_DIR, descriptor)
            check(libc.syscall(_ADD_RULE, self.descriptor, _PATH_BENEATH, rule, 0), f"Landlock {path}")
        finally:
            os.close(descriptor)

    def install(self) -> None:
        """Binds this process, for good; to be called once it can gain no privileges.

        Raises:
            OSError: The kernel refuses.
        """
        check(libc.syscall(_RESTRICT_SELF, self.descriptor, 0), "Landlock")
