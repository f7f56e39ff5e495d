"""Walks over the syntax trees of tests: every suite is walked when a problem's first program comes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import cast

_HARMLESS_NODES = frozenset(
    {
        *(ast.Module, ast.Expr, ast.Assert, ast.Assign, ast.For, ast.If, ast.FunctionDef, ast.arguments, ast.arg),
        *(ast.Return, ast.Pass, ast.Name, ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.Starred),
        *(ast.Call, ast.keyword, ast.Compare, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.IfExp, ast.Subscript, ast.Slice),
        *(ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.comprehension),
        *(*ast.operator.__subclasses__(), *ast.unaryop.__subclasses__()),
        *(*ast.cmpop.__subclasses__(), *ast.boolop.__subclasses__()),
    }
)
_LEAVES = frozenset(
    {*(int, str, bytes, float, complex, bool, type(None), type(...)), *ast.expr_context.__subclasses__()}
)
"""What a node has besides other nodes: places, names, constants, and how a name is used."""
_PURE: tuple[Callable[..., object], ...] = (
    *(abs, all, any, bool, bytes, chr, complex, dict, divmod, enumerate, filter, float, frozenset, int, isinstance),
    *(len, list, map, max, min, next, ord, pow, range, repr, reversed, round, set, sorted, str, sum, tuple, zip),
    *(AssertionError, Exception, IndexError, KeyError, TypeError, ValueError, ZeroDivisionError),
)
_PURE_NAMES = frozenset(function.__name__ for function in _PURE)


def nodes_of(*trees: ast.AST) -> list[ast.AST]:
    """All nodes of some trees, breadth first; as `ast.walk` gives them, at a third of its time."""
    found: list[ast.AST] = [*trees]
    for node in found:
        for value in vars(node).values():
            kind = type(value)
            if kind in _LEAVES:
                continue
            if kind is list:
                found += [item for item in value if type(item) not in _LEAVES]
            else:
                found.append(value)
    return found


def are_harmless(nodes: Iterable[ast.AST], names: set[str]) -> bool:
    """Whether code changes nothing but its own variables: it reads these names, pure functions, and no attribute.

    Args:
        nodes: All of the code.
        names: Stand for what belongs to a program, which another process keeps.
    """
    read: set[str] = set()
    bound: set[str] = set()
    for node in nodes:
        kind = type(node)
        if kind not in _HARMLESS_NODES:
            return False
        if kind is ast.Name:
            name = cast("ast.Name", node)
            (read if type(name.ctx) is ast.Load else bound).add(name.id)
        elif kind is ast.FunctionDef:
            bound.add(cast("ast.FunctionDef", node).name)
        elif kind is ast.arg:
            bound.add(cast("ast.arg", node).arg)
    return read <= bound | names | _PURE_NAMES
