"""The file system a program sees: a private root with the standard library and one small scratch directory.

Built once by the zygote, from mounts that vanish with it. Where there can be no private root, rules on files (Landlock)
confine a program. Stdlib only.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from mucode_core.sandbox.guest.lockdown import check, libc

SCRATCH = "/tmp"
"""The program's working directory, emptied after each job."""
_NEW_NAMESPACES = 0x00020000 | 0x08000000 | 0x40000000  # mount, ipc, network
_NEW_USER = 0x10000000
_NOSUID, _NODEV, _NOEXEC, _RDONLY = 2, 4, 8, 1
_REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 32, 4096, 16384, 1 << 18
SYSTEM = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo")
"""Shared libraries, and time zones."""
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
_MOUNT_POINTS = ("/mnt", "/media", "/srv", "/opt")
_SCRATCH_OPTIONS = b"size=32m,nr_inodes=1024,mode=1777"

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1
_WRITE_FILE, _READ_FILE, _READ_DIR = 2, 4, 8
_SPECIAL_FILES = 64 | 512 | 1024 | 2048  # devices, sockets, pipes
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_FIRST_RIGHTS = _REFER - 1


def enter_jail(libraries: Iterable[str]) -> None:
    """Moves this process into a new root that holds `libraries`, the system's shared libraries and a scratch.

    Raises:
        OSError: The kernel or the platform does not permit it; the process may then have new namespaces, no more.
    """
    if sys.platform != "linux":
        raise OSError("no mount namespaces on this platform")
    sources = _outermost([*libraries, *SYSTEM])
    root = next((p for p in _MOUNT_POINTS if Path(p).is_dir() and not any(s.startswith(p) for s in sources)), None)
    if root is None:
        raise OSError("no directory to mount on")
    _unshare()
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    _mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV, b"size=1m,mode=755")
    for source in sources:
        _expose(root, source)
    for device in DEVICES:
        target = Path(root + device)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
        _mount(device, str(target), None, _BIND)
    scratch = Path(root + SCRATCH)
    scratch.mkdir()
    _mount("tmpfs", str(scratch), "tmpfs", _NOSUID | _NODEV | _NOEXEC, _SCRATCH_OPTIONS)
    _mount(None, root, None, _REMOUNT | _RDONLY | _NOSUID | _NODEV)
    os.chroot(root)
    os.chdir(SCRATCH)


def _outermost(paths: Iterable[str]) -> list[str]:
    """The existing ones of `paths`, without those inside another."""
    existing = sorted({p for p in paths if Path(p).exists()})
    return [p for p in existing if not any(p.startswith(q + "/") for q in existing if not Path(q).is_symlink())]


def _unshare() -> None:
    if os.geteuid() == 0:
        check(libc.unshare(_NEW_NAMESPACES), "unshare")
        return
    user, group = os.getuid(), os.getgid()
    check(libc.unshare(_NEW_NAMESPACES | _NEW_USER), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")


def _expose(root: str, source: str) -> None:
    """Makes `source` readable at the same path below `root`."""
    target = Path(root + source)
    target.parent.mkdir(parents=True, exist_ok=True)
    if Path(source).is_symlink():
        target.symlink_to(Path(source).readlink())
        return
    if Path(source).is_dir():
        target.mkdir()
    else:
        target.touch()
    _mount(source, str(target), None, _BIND | _RECURSIVE)
    with contextlib.suppress(PermissionError):  # flags locked by an outer user namespace stay as strict as they are
        _mount(None, str(target), None, _BIND | _REMOUNT | _RDONLY | _NOSUID | _NODEV)


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: bytes | None = None) -> None:
    names = [None if name is None else name.encode() for name in (source, target, kind)]
    check(libc.mount(*names, flags, options), f"mount {target}")


class FileRules:
    """Reading below some directories, writing below one; prepared once, installed in each child."""

    def __init__(self, readable: Iterable[str], writable: str, *, moves: bool = False) -> None:
        """Prepares the rules.

        Args:
            readable: Directories and files; those that are not there are omitted.
            writable: A directory.
            moves: Whether files may be moved between the directories in it.

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
        self._allow(writable, handled & ~_SPECIAL_FILES & (-1 if moves else ~_REFER))

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
