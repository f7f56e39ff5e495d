"""Objects of the program whose class both sides have, and that stay where they are: `isinstance` takes them for it."""

from __future__ import annotations

import enum
import re
import types
from typing import Any

from mucode_core.sandbox.judge.asking import current
from mucode_core.sandbox.judge.proxy_classes import (
    ProgramClass,
    ProgramFunction,
    ProgramMixin,
    asked_attribute,
    own_names,
)


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


class ProgramProperty(ProgramMixin):
    """A property, as the class has it."""

    __slots__ = ("__weakref__",)

    @property
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return property

    _is_descriptor = True


class ProgramClassMethod(ProgramMixin):
    """A class method, as the class has it."""

    __slots__ = ("__weakref__",)

    @property
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return classmethod


class ProgramStaticMethod(ProgramFunction):
    """A static method, as the class has it."""

    __slots__ = ()

    @property
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return staticmethod


for _kind in (ProgramModule, ProgramMatch, ProgramProperty, ProgramClassMethod, ProgramStaticMethod):
    setattr(_kind, "__doc__", asked_attribute("__doc__"))  # noqa: B010 - a class statement would note its own

CLAIMED: dict[Any, type[ProgramMixin]] = {
    "module": ProgramModule,
    "match": ProgramMatch,
    "property": ProgramProperty,
    "classmethod": ProgramClassMethod,
    "staticmethod": ProgramStaticMethod,
}
"""By the first word of their forms."""


def is_marked(kind: type, marker: type) -> bool:
    """Whether a class of the program derives from one of the standard library."""
    marks = (mark for base in kind.__mro__ for mark in own_names(base).get("_markers", ()))
    return any(marker in mark.__mro__ for mark in marks)


def _checks_enums() -> None:
    """Has `isinstance` and `issubclass` know the program's enumerations."""

    def check_class(cls: Any, kind: Any) -> bool:
        return type.__subclasscheck__(cls, kind) or (type(kind) is ProgramClass and is_marked(kind, cls))

    def check_instance(cls: Any, value: Any) -> bool:
        return type.__instancecheck__(cls, value) or check_class(cls, type(value))

    enum.EnumMeta.__subclasscheck__, enum.EnumMeta.__instancecheck__ = check_class, check_instance


_checks_enums()
