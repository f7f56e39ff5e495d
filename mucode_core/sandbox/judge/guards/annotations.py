"""Annotations that are texts: `typing` and `inspect` evaluate them where they run, and a program writes what it likes.

A test that asks for the type hints of a program's function must not run the program's code in the judge, nor let it
change anything there.
"""

from __future__ import annotations

import dis
import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable
from typing import Any

from mucode_core.sandbox.judge.asking import current
from mucode_core.sandbox.judge.proxy_classes import is_proxy

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


def _asking(original: Callable[..., Any], operation: str) -> Callable[..., Any]:
    """A function of the library that asks the program about what is the program's."""

    @functools.wraps(original)
    def ask(target: Any, *args: Any, **named: Any) -> Any:
        if not is_proxy(target) or args or not named.keys() <= {"include_extras", "eval_str"}:
            return original(target, *args, **named)
        return current().ask(operation, target, (), named)

    return ask


def guard_annotations(space: dict[str, Any]) -> None:
    """Has the standard library evaluate annotations by `evaluate`, in this process, from now on.

    Those of the program are evaluated by the program, where the names are that they mean.

    Args:
        space: Names that tests find without importing them.
    """
    hints, annotations = typing.get_type_hints, inspect.get_annotations
    typing.get_type_hints = _asking(hints, "hints")
    inspect.get_annotations = _asking(annotations, "annotations")
    space["get_type_hints"] = typing.get_type_hints
    names = (typing.__name__, inspect.__name__, "annotationlib")  # the last one since Python 3.14
    for module in (sys.modules[name] for name in names if name in sys.modules):
        vars(module)["eval"] = evaluate
