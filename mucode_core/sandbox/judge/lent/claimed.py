"""Objects of the program whose class both sides have, and that stay where they are: `isinstance` takes them for it."""

from __future__ import annotations

import re
import types
from typing import Any

from mucode_core.sandbox.judge.asking import current
from mucode_core.sandbox.judge.proxy_classes import ProgramMixin


class ProgramModule(ProgramMixin):
    """A module that the program has imported, as it has it."""

    __slots__ = ("__weakref__",)

    @property
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return types.ModuleType

    @property
    def __dict__(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Is not shared: it is large, and what patches look for is asked by name."""
        raise AttributeError("__dict__")


class ProgramMatch(ProgramMixin):
    """A match of a pattern of the program."""

    __slots__ = ("__weakref__",)

    @property
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return re.Match

    def __getitem__(self, group: Any) -> Any:
        return current().ask("special", self, (group,), name="__getitem__")


CLAIMED: dict[Any, type[ProgramMixin]] = {"module": ProgramModule, "match": ProgramMatch}
"""By the first word of their forms."""
