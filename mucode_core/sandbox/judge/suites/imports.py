"""How tests import the program: `from solution import f`, `import solution`. What they import is the program's."""

from __future__ import annotations

import ast

PROGRAM = "solution"
"""The module that a program is to its tests."""


def bind_imports(tree: ast.Module) -> set[str]:
    """Takes imports of the program out of a file, which then reads the names themselves; which these are.

    `import solution as s` makes every `s.name` a name; a renamed one becomes an assignment.
    """
    imported: set[str] = set()
    modules: set[str] = set()
    if not any(isinstance(node, (ast.Import, ast.ImportFrom)) for node in tree.body):
        return imported
    tree.body = [part for node in tree.body for part in _without_import(node, imported, modules)] or [ast.Pass()]
    if modules:
        _Names(modules, imported).visit(tree)
    ast.fix_missing_locations(tree)
    return imported


def _without_import(node: ast.stmt, imported: set[str], modules: set[str]) -> list[ast.stmt]:
    if isinstance(node, ast.ImportFrom) and node.module == PROGRAM and not node.level:
        imported |= {alias.name for alias in node.names if alias.name != "*"}
        renamed = [alias for alias in node.names if alias.asname not in (None, alias.name)]
        return [ast.parse(f"{alias.asname} = {alias.name}").body[0] for alias in renamed]
    if isinstance(node, ast.Import) and any(alias.name == PROGRAM for alias in node.names):
        modules |= {alias.asname or PROGRAM for alias in node.names if alias.name == PROGRAM}
        node.names = [alias for alias in node.names if alias.name != PROGRAM]
        return [node] if node.names else []
    return [node]


class _Names(ast.NodeTransformer):
    """Makes attributes of the program's module names."""

    def __init__(self, modules: set[str], imported: set[str]) -> None:
        self._modules, self._imported = modules, imported

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id in self._modules and isinstance(node.ctx, ast.Load):
            self._imported.add(node.attr)
            return ast.copy_location(ast.Name(node.attr, ast.Load()), node)
        return self.generic_visit(node)  # type: ignore[return-value]
