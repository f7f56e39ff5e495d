"""What tests patch for a while, `with patch("random.randint")`: the program is to meet it as well."""

from __future__ import annotations

import builtins
import sys
import types
import unittest.mock
from typing import Any

from mucode_core.sandbox.judge.asking import running
from mucode_core.sandbox.judge.proxy_classes import is_proxy

_STREAMS = (
    *((sys, name) for name in ("stdout", "stderr", "stdin")),
    *((builtins, name) for name in ("input", "print")),
)
"""See `streams`: the program meets these however they are replaced."""
_ANNOUNCED = "_announced"


def watch_patches() -> None:
    """Has the patches of `unittest.mock` in this process reach the program that runs, from now on."""
    patch: Any = unittest.mock._patch  # type: ignore[attr-defined]
    enter, leave = patch.__enter__, patch.__exit__

    def begin(self: Any) -> Any:
        made = enter(self)
        try:
            setattr(self, _ANNOUNCED, _announce(self.target, self.attribute))
        except BaseException:
            leave(self, *sys.exc_info())
            raise
        return made

    def end(self: Any, *details: Any) -> Any:
        try:
            return leave(self, *details)
        finally:
            place = self.__dict__.pop(_ANNOUNCED, None)
            program = running()
            if place is not None and program is not None:
                program.ask("unpatch", 0, place)

    patch.__enter__, patch.__exit__ = begin, end


def _announce(target: Any, name: str) -> tuple[str, str] | None:
    """Patches the same in the program's process; where, or None if the program has no such thing."""
    program = running()
    if program is None or is_proxy(target) or any(owner is target and one == name for owner, one in _STREAMS):
        return None
    if isinstance(target, types.ModuleType):
        place = target.__name__, name
    elif isinstance(target, type):
        place = target.__module__, f"{target.__qualname__}.{name}"
    else:
        return None
    module = sys.modules.get(place[0])
    if module is None or not (place[0].partition(".")[0] in sys.stdlib_module_names or place[0].startswith("numpy")):
        return None
    program.ask("patch", 0, (*place, vars(target).get(name)))
    return place
