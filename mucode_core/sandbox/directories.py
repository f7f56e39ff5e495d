"""A working directory that tests and program have in common: each side has its own, and sends what has changed.

Only where tests work with files. The judge's is a scratch directory, the program's is where it runs; paths of the one
become paths of the other on the program's side, in all that crosses. Stdlib only: both sides load it.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from typing import Any

from mucode_core.sandbox.containers import as_list
from mucode_core.sandbox.wire import WireError

_open, _read, _write, _close, _scandir, _lstat, _realpath, _getcwd, _chdir, _mkdir, _rmdir, _unlink = (
    *(os.open, os.read, os.write, os.close, os.scandir, os.lstat, os.path.realpath, os.getcwd, os.chdir),
    *(os.mkdir, os.rmdir, os.unlink),
)
"""As they were before any test or program ran: tests may replace them to see whether a program uses them."""
_MAX_ENTRIES, _MAX_DEPTH, _MAX_PATH = 1000, 20, 1000
_MAX_BYTES = 4 << 20
"""Of one file: larger ones stay on their side."""
_MAX_TOTAL = 16 << 20
_CHUNK = 1 << 20

Tree = dict[str, bytes | None]
"""Content by relative path; None for directories, which come before what they hold."""
Changes = list[Any]
"""[path, content in hexadecimal digits], [path, None] for a directory, [path] for what is gone."""
FILES = "files"
"""The first word of a message that carries changes: those of the judge hold its question or answer, too."""


class Directory:
    """One side's."""

    def __init__(self, root: str) -> None:
        """`root` is empty so far for the other side."""
        self.root = _realpath(root)
        self._known: Tree = {}

    def changes(self) -> Changes:
        """What has changed since the last call, or the last `apply`."""
        found = dict(_walk(self.root))
        gone = [
            [path] for path in reversed(self._known) if path not in found or _is_other(self._known[path], found[path])
        ]
        made = [
            [path, None if content is None else content.hex()]
            for path, content in found.items()
            if path not in self._known or self._known[path] != content
        ]
        self._known = found
        return [*gone, *made]

    def apply(self, changes: Any) -> None:
        """Does what the other side did.

        Raises:
            WireError: The changes are malformed, or lead out of the directory.
        """
        for change in as_list(changes):
            self._apply_one(as_list(change))
        if len(self._known) > _MAX_ENTRIES or sum(map(len, filter(None, self._known.values()))) > _MAX_TOTAL:
            raise WireError("too many files")

    def _apply_one(self, change: list[Any]) -> None:
        try:
            path, *content = change
            place = self._place_of(path)
            self._remove(path, place) if not content else self._put(path, place, *content)
        except (TypeError, ValueError, AttributeError, OSError) as error:
            raise WireError("malformed file") from error

    def _place_of(self, path: str) -> str:
        parts = path.split("/")
        if len(path) > _MAX_PATH or len(parts) > _MAX_DEPTH or not all(part not in ("", ".", "..") for part in parts):
            raise ValueError(path)
        parent = "/".join([self.root, *parts[:-1]])
        if _realpath(parent) != parent:
            raise ValueError(path)
        return f"{self.root}/{path}"

    def _remove(self, path: str, place: str) -> None:
        with contextlib.suppress(OSError):
            (_rmdir if stat.S_ISDIR(_lstat(place).st_mode) else _unlink)(place)
        self._known.pop(path, None)

    def _put(self, path: str, place: str, content: str | None) -> None:
        if content is None:
            with contextlib.suppress(FileExistsError):
                _mkdir(place, 0o755)
            self._known[path] = None
            return
        data = bytes.fromhex(content)
        if len(data) > _MAX_BYTES:
            raise ValueError(path)
        descriptor = _open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
        try:
            left = memoryview(data)
            while left:
                left = left[_write(descriptor, left) :]
        finally:
            _close(descriptor)
        self._known[path] = data

    def place(self) -> str | None:
        """Where this process works, relative to the directory; None if that is elsewhere."""
        with contextlib.suppress(OSError):
            here = _getcwd()
            if here == self.root or here.startswith(f"{self.root}/"):
                return here[len(self.root) + 1 :]
        return None

    def go_to(self, place: str) -> None:
        """Works there from now on, if it exists."""
        with contextlib.suppress(OSError, ValueError):
            _chdir(f"{self.root}/{place}")


class Translation:
    """Paths of one directory, in messages, as those of the other."""

    def __init__(self, theirs: str, ours: str) -> None:
        """`theirs` and `ours` are absolute paths."""
        self._theirs, self._ours = theirs.encode(), ours.encode()
        self._whole = re.compile(rb"(?<![\w./-])" + re.escape(self._ours) + rb'(?=[/"\\\':;, ])')

    def of_incoming(self, data: bytes) -> bytes:
        """A message of the other side, for this one."""
        return data.replace(self._theirs, self._ours)

    def of_outgoing(self, data: bytes) -> bytes:
        """A message of this side, for the other."""
        return self._whole.sub(lambda _: self._theirs, data)


def _is_other(before: bytes | None, after: bytes | None) -> bool:
    return (before is None) != (after is None)


def _walk(root: str) -> Iterator[tuple[str, bytes | None]]:
    count = total = 0
    pending = [""]
    while pending:
        current = pending.pop()
        for name, is_directory in _entries(f"{root}/{current}"):
            path = f"{current}/{name}" if current else name
            count += 1
            if count > _MAX_ENTRIES or path.count("/") >= _MAX_DEPTH or len(path) > _MAX_PATH:
                return
            if is_directory:
                yield path, None
                pending.append(path)
                continue
            content = _content(f"{root}/{path}")
            if content is not None and total + len(content) <= _MAX_TOTAL:
                total += len(content)
                yield path, content


def _entries(directory: str) -> list[tuple[str, bool]]:
    """Names of regular files and directories, and which are the latter."""
    try:
        with _scandir(directory) as found:
            return sorted(
                (entry.name, entry.is_dir(follow_symlinks=False))
                for entry in found
                if entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)
            )
    except OSError:
        return []


def _content(path: str) -> bytes | None:
    """A file's content; None if it cannot be read, or is too large."""
    try:
        descriptor = _open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        parts: list[bytes] = []
        while len(parts) <= _MAX_BYTES // _CHUNK and (part := _read(descriptor, _CHUNK)):
            parts.append(part)
        data = b"".join(parts)
        return data if len(data) <= _MAX_BYTES else None
    except OSError:
        return None
    finally:
        _close(descriptor)
