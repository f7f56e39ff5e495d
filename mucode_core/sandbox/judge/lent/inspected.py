"""`inspect.getmembers` and `inspect.getsource` of what the program defines, for tests."""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any

from mucode_core.sandbox.judge.asking import OWN, current
from mucode_core.sandbox.judge.lent.module import Solution
from mucode_core.sandbox.judge.proxy_classes import ProgramClass, ProgramFunction, ProgramMixin, is_proxy, own_names

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def watch_inspection() -> None:
    """Has the functions of `inspect` know the program's objects, from now on."""
    members, source, is_abstract = inspect.getmembers, inspect.findsource, inspect.isabstract

    def getmembers(object: Any, predicate: Callable[[Any], Any] | None = None) -> list[tuple[str, Any]]:  # noqa: A002 - its name
        if not is_proxy(object):
            return members(object, predicate)
        return [(name, value) for name, value in _members(object) if predicate is None or predicate(value)]

    def findsource(object: Any) -> tuple[list[str], int]:  # noqa: A002 - see above
        kind: Any = type(object)
        if kind is Solution:
            return _lines(), 0
        return _find(object.__qualname__) if issubclass(kind, (ProgramClass, ProgramFunction)) else source(object)

    def isabstract(object: Any) -> bool:  # noqa: A002 - see above
        is_own = issubclass(type(object), ProgramClass)
        return bool(getattr(object, "__abstractmethods__", ())) if is_own else is_abstract(object)

    inspect.getmembers, inspect.findsource, inspect.isabstract = getmembers, findsource, isabstract


def _members(target: Any) -> Iterator[tuple[str, Any]]:
    """Names and values; where the class here has a method for all objects of the program, what all objects have."""
    kind: Any = target if isinstance(target, type) else type(target)
    own = {name for base in type.mro(kind) for name in own_names(base).get(OWN, ())}
    ours = {name for name, value in own_names(ProgramMixin).items() if isinstance(value, types.FunctionType)} - own
    for name in sorted(set(dir(target))):
        try:
            value = getattr(target, name)
        except AttributeError:
            continue
        yield name, getattr(object if isinstance(target, type) else object(), name, value) if name in ours else value


def _lines() -> list[str]:
    return [f"{line}\n" for line in str(current().identity[0]).splitlines()]


def _find(name: str) -> tuple[list[str], int]:
    """The program's source, and where in it something is defined. That it is what bears the name is its own word.

    Raises:
        OSError: No definition has this name.
    """
    found = [node for qualified, node in _definitions(ast.parse(str(current().identity[0])), "") if qualified == name]
    if not found:
        raise OSError("could not get source code")
    current().num_delegated += 1
    return _lines(), min(node.lineno for node in (found[-1], *found[-1].decorator_list)) - 1


def _definitions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Any]]:
    """All functions and classes, by their qualified names."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _SCOPES):
            yield from _definitions(child, prefix)
            continue
        yield prefix + child.name, child
        inner = "." if isinstance(child, ast.ClassDef) else ".<locals>."
        yield from _definitions(child, prefix + child.name + inner)
