"""Programs and tests without what may differ between copies: names, comments, docstrings, layout."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Collection

from mucode_core.answers.syntax import parse_module

_CALLED = "f"


def program_shape(source: str) -> str:
    """The syntax tree with the names that the program binds numbered in order of appearance, without docstrings.

    The source itself where it is not Python.
    """
    tree = _parse(source)
    if tree is None:
        return source
    _drop_docstrings(tree)
    return ast.dump(_Numbered(_bound_names(tree)).visit(tree))


def assert_shapes(source: str, entry_point: str) -> list[str]:
    """Each assert of a test, with the function under test called `f`; the whole source where it asserts nothing."""
    tree = _parse(source)
    if tree is None:
        return [source]
    names = {entry_point: _CALLED, "candidate": _CALLED}
    asserts = [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    return [ast.unparse(_Renamed(names).visit(ast.Assert(test=node.test))) for node in asserts] or [source]


def _parse(source: str) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return parse_module(source.strip())
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # some contest solutions are Python 2
            return None


def _drop_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            body = [one for one in node.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
            node.body = body or [ast.Pass()]


def _bound_names(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
    return found


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(id=self._names.get(node.id, node.id), ctx=node.ctx)


class _Numbered(ast.NodeTransformer):
    """Numbers the bound names; types are dropped, since copies differ in them."""

    def __init__(self, bound: Collection[str]) -> None:
        self._bound = bound
        self._numbers: dict[str, str] = {}

    def _number(self, name: str) -> str:
        return self._numbers.setdefault(name, f"v{len(self._numbers)}") if name in self._bound else name

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(id=self._number(node.id), ctx=node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(arg=self._number(node.arg))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name, node.returns = self._number(node.name), None
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = self._number(node.name)
        return self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        node.arg = self._number(node.arg) if node.arg else node.arg
        return self.generic_visit(node)
