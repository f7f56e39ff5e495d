"""The fixtures of pytest itself: `capsys`, `monkeypatch`, `tmp_path` and the like."""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import pkgutil
import tempfile
import unittest.mock
from collections.abc import Callable, Generator
from types import SimpleNamespace
from typing import Any, NamedTuple

from mucode_core.sandbox.judge.lent.logs import capture_logs
from mucode_core.sandbox.judge.suites.outcomes import refuse

_MISSING = object()


class _Printed(NamedTuple):
    out: str
    err: str


def _capture() -> Generator[SimpleNamespace]:
    out, err = io.StringIO(), io.StringIO()

    def read() -> _Printed:
        found = _Printed(out.getvalue(), err.getvalue())
        for stream in (out, err):
            stream.seek(0)
            stream.truncate()
        return found

    @contextlib.contextmanager
    def disable() -> Generator[None]:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield

    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield SimpleNamespace(readouterr=read, disabled=disable)


class MonkeyPatch:
    """Changes of attributes, items, environment variables and the working directory, until they are undone."""

    def __init__(self) -> None:
        """Nothing changed yet."""
        self._stack = contextlib.ExitStack()

    @classmethod
    @contextlib.contextmanager
    def context(cls) -> Generator[MonkeyPatch]:
        """One whose changes end with the block."""
        made = cls()
        try:
            yield made
        finally:
            made.undo()

    def undo(self) -> None:
        """Undoes all of it."""
        self._stack.close()

    def setattr(self, target: Any, name: Any, value: Any = _MISSING, raising: bool = True) -> None:
        """Sets an attribute of an object, or of what `module.name` names."""
        if isinstance(target, str) and value is _MISSING:
            patch = unittest.mock.patch(target, name, create=not raising)
        elif value is _MISSING:
            raise TypeError("use setattr(target, name, value) or setattr(target, value), with target as a path")
        else:
            patch = unittest.mock.patch.object(target, name, value, create=not raising)
        self._stack.enter_context(patch)

    def delattr(self, target: Any, name: Any = _MISSING, raising: bool = True) -> None:
        """Deletes an attribute of an object, or of what `module.name` names."""
        if name is _MISSING:
            path, _, name = str(target).rpartition(".")
            target = pkgutil.resolve_name(path)
        if not hasattr(target, name):
            if raising:
                raise AttributeError(name)
            return
        own = vars(target).get(name, _MISSING) if isinstance(target, type) else _MISSING
        value = getattr(target, name) if own is _MISSING else own
        delattr(target, name)
        self._stack.callback(setattr, target, name, value)

    def setitem(self, target: Any, key: Any, value: Any) -> None:
        """Sets an item."""
        self._keep(target, key)
        target[key] = value

    def delitem(self, target: Any, key: Any, raising: bool = True) -> None:
        """Deletes an item.

        Raises:
            KeyError: There is none.
        """
        if key not in target:
            if raising:
                raise KeyError(key)
            return
        self._keep(target, key)
        del target[key]

    def _keep(self, target: Any, key: Any) -> None:
        if key in target:
            self._stack.callback(target.__setitem__, key, target[key])
        else:
            self._stack.callback(target.pop, key, None)

    def setenv(self, name: str, value: Any, prepend: str | None = None) -> None:
        """Sets an environment variable."""
        text = str(value)
        if prepend and name in os.environ:
            text = text + prepend + os.environ[name]
        self.setitem(os.environ, name, text)

    def delenv(self, name: str, raising: bool = True) -> None:
        """Deletes an environment variable."""
        self.delitem(os.environ, name, raising)

    def chdir(self, path: Any) -> None:
        """Changes the working directory."""
        self._stack.callback(os.chdir, pathlib.Path.cwd())
        os.chdir(path)

    def syspath_prepend(self, path: Any) -> None:
        """Is refused: what tests import is not the program's to change."""
        raise refuse("monkeypatch.syspath_prepend")


def _patch() -> Generator[MonkeyPatch]:
    made = MonkeyPatch()
    try:
        yield made
    finally:
        made.undo()


class _TemporaryDirectories:
    """`tmp_path_factory`."""

    def mktemp(self, basename: str, numbered: bool = True) -> pathlib.Path:
        """A new directory."""
        if numbered:
            return pathlib.Path(tempfile.mkdtemp(prefix=basename))
        made = self.getbasetemp() / basename
        made.mkdir(0o700)
        return made

    def getbasetemp(self) -> pathlib.Path:
        """The directory of all of them."""
        return pathlib.Path(tempfile.gettempdir())


BUILT_IN: dict[str, tuple[str, Callable[[], Any]]] = {
    "caplog": ("function", capture_logs),
    "capsys": ("function", _capture),
    "capfd": ("function", _capture),
    "monkeypatch": ("function", _patch),
    "tmp_path": ("function", lambda: pathlib.Path(tempfile.mkdtemp())),
    "tmp_path_factory": ("session", _TemporaryDirectories),
}
"""Scope, and the function that makes it."""
