"""Test files for pytest and unittest, as data sets keep them, taken apart into one source for each test.

The judge finds and runs the test of each source; see `sandbox/judge/suites/collected.py`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy

from mucode_core.answers.syntax import parse_module
from mucode_core.errors import DataError
from mucode_core.problems.suites import parse_python

_CASES = ("TestCase", "IsolatedAsyncioTestCase")


def split_tests(source: str, module: str, field: str, location: str) -> list[str]:
    """One source for each test function and each test method of a file, with all else that the file defines.

    Tests call the program's names as their own, so imports of the program are taken out.

    Args:
        source: The file.
        module: The name under which it imports the program, "solution".
        field: The row's field, for errors.
        location: The row's.

    Raises:
        DataError: It is not Python, or has no test.
    """
    tree = _Importless(module).visit(parse_python(source, field, location))
    ast.fix_missing_locations(tree)
    sources = list(_parts(tree))
    if not sources:
        hint = "tests are functions named test_..., methods of a TestCase, or plain assert statements"
        raise DataError(f"{field}: no tests", location=location, hint=hint)
    return sources


def _parts(tree: ast.Module) -> Iterator[str]:
    tests = [node for node in tree.body if _is_test(node) or _methods(node)]
    common = [node for node in tree.body if node not in tests and not _is_main(node)]
    if not tests and any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
        yield ast.unparse(ast.Module(common, []))
    for node in tests:
        for name in _methods(node) or [""]:
            alone = deepcopy(node)
            if isinstance(alone, ast.ClassDef):
                alone.body = [part for part in alone.body if not _is_test(part) or getattr(part, "name", "") == name]
            yield ast.unparse(ast.Module([*common, alone], []))


def _is_test(node: ast.stmt) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test")


def _is_case(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).rpartition(".")[2] in _CASES for base in node.bases)


def _methods(node: ast.stmt) -> list[str]:
    """Test methods of a class that either framework collects."""
    if not isinstance(node, ast.ClassDef) or not (_is_case(node) or node.name.startswith("Test")):
        return []
    return [part.name for part in node.body if isinstance(part, ast.FunctionDef) and _is_test(part)]


def _is_main(node: ast.stmt) -> bool:
    """`if __name__ == "__main__":`, or a call that would run all tests."""
    return ast.unparse(node).startswith(("if __name__ ==", "unittest.main(", "pytest.main("))


class _Importless(ast.NodeTransformer):
    """Takes out imports of the program; `solution.f` becomes `f`, and another name given to it an assignment."""

    def __init__(self, module: str) -> None:
        self._module = module

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | list[ast.stmt]:
        if node.module != self._module:
            return node
        renamed = [alias for alias in node.names if alias.asname and alias.asname != alias.name]
        return [parse_module(f"{alias.asname} = {alias.name}").body[0] for alias in renamed]

    def visit_Import(self, node: ast.Import) -> ast.stmt | list[ast.stmt]:
        node.names = [alias for alias in node.names if alias.name != self._module or alias.asname]
        return node if node.names else []

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id == self._module:
            return ast.copy_location(ast.Name(node.attr, node.ctx), node)
        self.generic_visit(node)
        return node
