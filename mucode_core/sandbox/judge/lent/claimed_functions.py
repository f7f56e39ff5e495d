"""Functions of the program, of any kind: `isinstance` and the name of their type say of which."""

from __future__ import annotations

import functools
import types
from typing import Any

from mucode_core.sandbox.judge.proxy_classes import ProgramFunction, ProgramMethod, asked_attribute

_OTHERS: tuple[Any, ...] = (
    types.BuiltinFunctionType,
    types.MethodWrapperType,
    types.MethodDescriptorType,
    functools.partial,
    type(functools.lru_cache(len)),
)
"""Besides functions in Python and methods. They have no `__code__`, which what meets a plain function asks for."""


def _claiming(claimed: type) -> type[ProgramFunction]:
    namespace = {
        "__slots__": (),
        "__class__": property(lambda self: claimed),
        "__doc__": asked_attribute("__doc__"),
        "__module__": asked_attribute("__module__"),
    }
    return type(claimed.__name__, (ProgramFunction,), namespace)


FUNCTIONS: dict[Any, type[ProgramFunction]] = {
    "function": ProgramFunction,
    "method": ProgramMethod,
    **{kind.__name__: _claiming(kind) for kind in _OTHERS},
}
"""By the name of their type."""
