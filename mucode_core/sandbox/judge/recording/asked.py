"""Test code that asks a program for its outputs in place of judging them.

Each assert becomes the calls of the program that it makes: `assert sorted(f(3)) == [4]` asks for `sorted(f(3))`. What
the assert compares them with is gone.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

ASK = "<ask>"
"""The name of `Recorder.ask` in a test's source; no Python source can spell it."""
_AROUND = ("list", "tuple", "set", "frozenset", "sorted", "dict")
"""Built-in functions that make data of an iterator, or forget an order: what they give is asked for."""
_CHAIN = (ast.Attribute, ast.Subscript, ast.Call)


class AskForOutputs(ast.NodeTransformer):
    """Replaces asserts, and calls of unittest's assert methods."""

    def __init__(self, trees: Sequence[ast.AST], names: set[str]) -> None:
        """For tests that take `names` from the program."""
        self._names = names
        self._results: set[str] = set()
        """Variables of the tests that hold what the program gave, or that it may have changed in place."""
        for node in (node for tree in trees for node in ast.walk(tree)):
            self._results.update(self._results_of(node))

    def _results_of(self, node: ast.AST) -> list[str]:
        if isinstance(node, ast.Assign) and self._find(node.value):
            return [name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and self._find(node.value):
            return [argument.id for argument in node.value.args if isinstance(argument, ast.Name)]
        return []

    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        return self._ask(node.test, node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr.startswith("assert"):
            return self._ask(ast.Tuple(call.args, ast.Load()), node)
        return self.generic_visit(node)

    def _ask(self, asserted: ast.expr, node: ast.stmt) -> list[ast.stmt]:
        no_arguments = ast.arguments([], [], None, [], [], None, [])
        questions = [ast.Lambda(no_arguments, wanted) for wanted in self._find(asserted)]
        calls = [ast.Expr(ast.Call(ast.Name(ASK, ast.Load()), [question], [])) for question in questions]
        return [ast.copy_location(one, node) for one in (calls or [ast.Pass()])]

    def _find(self, node: ast.AST) -> list[ast.expr]:
        """The outermost expressions that only the program decides."""
        if isinstance(node, ast.expr) and self._is_output(node):
            return [node]
        if isinstance(node, (ast.GeneratorExp, ast.ListComp, ast.SetComp)):
            found = self._find(node.elt)
            return [ast.ListComp(ast.Tuple(found, ast.Load()), node.generators)] if found else []
        if isinstance(node, (ast.Lambda, ast.DictComp)):
            return []
        return [wanted for child in ast.iter_child_nodes(node) for wanted in self._find(child)]

    def _is_output(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _AROUND:
            return len(node.args) == 1 and not node.keywords and self._is_output(node.args[0])
        is_called = False
        while isinstance(node, _CHAIN):
            is_called = is_called or isinstance(node, ast.Call)
            node = node.func if isinstance(node, ast.Call) else node.value
        if not isinstance(node, ast.Name):
            return False
        return node.id in self._results or (is_called and node.id in self._names)
