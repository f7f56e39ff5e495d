"""Tests that look at what the program defines without calling it: `issubclass(A, B)`, `A.__name__`, `callable(f)`.

They ask the program for nothing, yet a program without the class would fail. A name counts as read where an assert that
runs hands it to a call or looks at an attribute of it; that it is there at all proves nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any


def note_reads(nodes: Sequence[ast.AST], names: set[str], helper: str) -> bool:
    """Has asserts pass what they look at through a helper, which counts it; whether any does.

    Args:
        nodes: All of the tests.
        names: What the program supplies.
        helper: The name of a function of one argument that gives it back.
    """
    calls = [node for node in nodes if type(node) is ast.Call]
    called = {id(call.func) for call in calls}
    called |= {
        id(arg) for call in calls if isinstance(call.func, ast.Name) and call.func.id == "check" for arg in call.args
    }
    if not any(type(node) is ast.Name and node.id in names and id(node) not in called for node in nodes):
        return False  # all are called
    looked_at = _LookedAt(names, helper)
    for node in nodes:
        if type(node) is ast.Assert:
            node.test = ast.fix_missing_locations(looked_at.visit(node.test))
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr.startswith("assert"):
            args = [looked_at.visit(arg) for arg in call.args]
            args = list(map(looked_at.read, args)) if call.func.attr in _ABOUT_CLASSES else args
            call.args = list(map(ast.fix_missing_locations, args))
    return True


_ABOUT_CLASSES = ("assertIsSubclass", "assertHasAttr", "assertIsInstance")


class _LookedAt(ast.NodeTransformer):
    """Names of the program's that are arguments of calls or have an attribute looked at, not those that are called."""

    def __init__(self, names: set[str], helper: str) -> None:
        self._names, self._helper = names, helper

    def read(self, node: ast.expr) -> ast.expr:
        """The same value, counted where it is one of the names."""
        if not isinstance(node, ast.Name) or node.id not in self._names:
            return node
        call = ast.Call(ast.Name(self._helper, ast.Load()), [node], [])
        return ast.copy_location(call, node)

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        node.args = [self.read(arg) for arg in node.args]
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        self.generic_visit(node)
        if node.attr.startswith("__"):  # others are asked of the program
            node.value = self.read(node.value)
        return node

    def visit_Compare(self, node: ast.Compare) -> Any:
        self.generic_visit(node)
        if any(isinstance(one, (ast.In, ast.NotIn)) for one in node.ops):
            node.left = self.read(node.left)
        return node
