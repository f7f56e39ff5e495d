"""Annotations that are texts: `typing` and `inspect` evaluate them where they run, and a program writes what it likes.

A test that asks for the type hints of a program's function must not run the program's code in the judge, nor let it
change anything there.
"""

from __future__ import annotations

import dis
import inspect
import sys
import types
import typing
from typing import Any

_NAMING = frozenset({
    "CACHE", "EXTENDED_ARG", "NOP", "RESUME", "RETURN_VALUE", "RETURN_CONST", "LOAD_NAME", "LOAD_CONST",
    "LOAD_SMALL_INT", "BINARY_SUBSCR", "BUILD_TUPLE", "BUILD_LIST", "UNARY_NEGATIVE",
})  # fmt: skip
"""Instructions that only name and put together; none calls, binds or walks over anything."""
_OPERATORS = ("|", "[]")


def evaluate(source: Any, *spaces: Any, **named: Any) -> Any:
    """What an annotation stands for, as `eval` has it.

    Raises:
        NameError: It does more than name types.
    """
    code = source if isinstance(source, types.CodeType) else compile(source, "<annotation>", "eval", dont_inherit=True)
    if not all(map(_names, dis.get_instructions(code))):
        raise NameError("an annotation that does more than name types is not evaluated")
    return eval(code, *spaces, **named)  # noqa: S307 - checked above


def _names(step: dis.Instruction) -> bool:
    if step.opname == "BINARY_OP":
        return step.argrepr in _OPERATORS
    if step.opname == "LOAD_ATTR":  # special attributes lead from any value to all modules
        return not str(step.argval).startswith("__")
    return step.opname in _NAMING


def guard_annotations() -> None:
    """Has the standard library evaluate annotations by `evaluate`, in this process, from now on."""
    names = (typing.__name__, inspect.__name__, "annotationlib")  # the last one since Python 3.14
    for module in (sys.modules[name] for name in names if name in sys.modules):
        vars(module)["eval"] = evaluate
