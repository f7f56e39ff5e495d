"""Builds the classes that stand for those of the program."""

from __future__ import annotations

import abc
import contextlib
from typing import Any

from mucode_core.sandbox.judge.asking import OWN, current
from mucode_core.sandbox.judge.proxy_classes import (
    FORWARDED,
    LIBRARY,
    MADE_WITH,
    PLAIN,
    ProgramClass,
    ProgramMixin,
    read_attribute,
)
from mucode_core.sandbox.naming import ASKED, UNHASHABLE
from mucode_core.sandbox.raised import members_of


class _Member:
    """A name of a class that has a plain base, whose own methods would be found first."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: Any) -> Any:
        return current().ask("attribute", owner if instance is None else instance, name=self._name)

    def __set__(self, instance: Any, value: Any) -> None:
        current().ask("set_attribute", instance, (value,), name=self._name)

    def __delete__(self, instance: Any) -> None:
        current().ask("delete_attribute", instance, name=self._name)


class _Doc:
    """The docstring of a class; an object may have its own, as descriptors do that take over a function's."""

    def __init__(self, text: str | None) -> None:
        self._text = text

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self._text if instance is None else read_attribute(instance, "__doc__")

    def __set__(self, instance: Any, value: Any) -> None:
        current().ask("set_attribute", instance, (value,), name="__doc__")


def build_class(
    names: list[str],
    doc: str | None,
    bases: list[type],
    own: list[str],
    members: list[str],
    library: tuple[str, str] | None,
) -> Any:
    """A class that stands for one of the program.

    Args:
        names: Name, qualified name, module.
        doc: Its docstring.
        bases: Classes of this process: proxies, plain types, exceptions, or markers that only say what it is.
        own: Special methods that the class itself defines.
        members: Other names that it defines, where it has a plain base.
        library: Module and name of the class of the standard library that it is.
    """
    real = tuple(base for base in bases if isinstance(base, ProgramClass) or _is_real(base))
    if not any(isinstance(base, ProgramClass) for base in real):
        real = (ProgramMixin, *real)
    namespace: dict[str, Any] = {"__module__": names[2], "__qualname__": names[1], "__doc__": _Doc(doc)}
    namespace[OWN] = frozenset(name for name in own if name.startswith("__"))
    namespace |= {name: _Member(name) for name in own if name in MADE_WITH}
    namespace |= {name: FORWARDED[name] for name in own if name in FORWARDED}
    if UNHASHABLE in own:
        namespace["__hash__"] = None
    if library is not None:
        namespace[LIBRARY] = library
    if ASKED in own:
        namespace["_is_asked"] = True
    if not {"__get__", "__set__", "__set_name__"}.isdisjoint(own):
        namespace["_is_descriptor"] = True
    namespace |= {name: _Member(name) for name in members if not name.startswith("__") and name != "_markers"}
    namespace |= {name: _Member(name) for name in members_of(real)}
    namespace["_markers"] = tuple(base for base in bases if base not in real and base is not type)
    is_weak = any(base.__weakrefoffset__ for base in real) or any(base.__itemsize__ for base in real)
    namespace["__slots__"] = () if is_weak else ("__weakref__",)
    try:
        made = type.__new__(ProgramClass, names[0], real, namespace)
    except TypeError:  # bases that do not go together here
        namespace["__slots__"] = ("__weakref__",)
        made = type.__new__(ProgramClass, names[0], (ProgramMixin,), namespace)
    for marker in namespace["_markers"]:
        if isinstance(marker, abc.ABCMeta):
            with contextlib.suppress(TypeError, RuntimeError):
                marker.register(made)
    return made


def _is_real(base: type) -> bool:
    """Whether proxies derive from the class itself: plain data and exceptions."""
    return base in PLAIN or (base.__module__ == "builtins" and issubclass(base, BaseException))
