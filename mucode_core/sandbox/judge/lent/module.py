"""The program as the module `solution` of the tests: `patch("solution.f")`, `solution.limit = 5`."""

from __future__ import annotations

import types
from typing import Any

from mucode_core.sandbox.guest.program import MODULE
from mucode_core.sandbox.judge.asking import current


class Solution(types.ModuleType):
    """The module of whatever program runs; what it holds is asked for each time."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {MODULE!r} has no attribute {name!r}")
        return current().ask("global", 0, (), name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        current().ask("set_global", 0, (value,), name=name)

    def __delattr__(self, name: str) -> None:
        current().ask("delete_global", 0, (), name=name)

    def __dir__(self) -> Any:
        return current().ask("globals", 0)


def make_solution() -> types.ModuleType:
    """The module."""
    return Solution(MODULE)
