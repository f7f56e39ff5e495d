"""How tests import the program: `from solution import f`, `import solution`. What they import is the program's."""

from __future__ import annotations

import ast
from typing import TypeGuard

from mucode_core.sandbox.judge.syntax.trees import nodes_of

PROGRAM = "solution"
"""The module that a program is to its tests."""


def bind_imports(tree: ast.Module) -> set[str]:
    """Takes imports of the program out of a file, which then reads the names themselves; which these are.

    `import solution as s` makes every `s.name` a name, unless the tests do more with the module than call what it has;
    a renamed one becomes an assignment. `*` stands for itself.
    """
    imported: set[str] = set()
    modules: set[str] = set()
    if not any(isinstance(node, (ast.Import, ast.ImportFrom)) for node in tree.body):
        return imported
    is_kept = _is_object(tree)
    tree.body = [part for node in tree.body for part in _without_import(node, imported, modules, is_kept)] or [
        ast.Pass()
    ]
    if modules and is_kept:
        imported |= {node.attr for node in ast.walk(tree) if _is_of(node, modules)}
    elif modules:
        _Names(modules, imported).visit(tree)
    ast.fix_missing_locations(tree)
    return imported


def _is_object(tree: ast.Module) -> bool:
    """Whether a file handles the program's module as an object: patches it, sets something in it, hands it on."""
    imports = [alias for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    modules = {alias.asname or PROGRAM for alias in imports if alias.name == PROGRAM}
    if not modules:
        return False
    nodes = nodes_of(tree)
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    found = [node for node in nodes if _is_of(node, modules)]
    plain = {id(node.value) for node in found if id(node) in called or node.attr[:1].isupper()}
    texts = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    uses = (id(node) for node in nodes if isinstance(node, ast.Name) and node.id in modules)
    return not plain.issuperset(uses) or any(text.startswith(f"{PROGRAM}.") for text in texts)


def _is_of(node: ast.AST, modules: set[str]) -> TypeGuard[ast.Attribute]:
    """Whether a node is `solution.name`, read."""
    if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
        return False
    return isinstance(node.value, ast.Name) and node.value.id in modules


def _without_import(node: ast.stmt, imported: set[str], modules: set[str], is_kept: bool) -> list[ast.stmt]:
    if isinstance(node, ast.ImportFrom) and node.module == PROGRAM and not node.level:
        imported |= {alias.name for alias in node.names}
        renamed = [alias for alias in node.names if alias.asname not in (None, alias.name)]
        return [ast.parse(f"{alias.asname} = {alias.name}").body[0] for alias in renamed]
    if isinstance(node, ast.Import) and any(alias.name == PROGRAM for alias in node.names):
        modules |= {alias.asname or PROGRAM for alias in node.names if alias.name == PROGRAM}
        if is_kept:
            return [node]
        node.names = [alias for alias in node.names if alias.name != PROGRAM]
        return [node] if node.names else []
    return [node]


class _Names(ast.NodeTransformer):
    """Makes attributes of the program's module names."""

    def __init__(self, modules: set[str], imported: set[str]) -> None:
        self._modules, self._imported = modules, imported

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if _is_of(node, self._modules):
            self._imported.add(node.attr)
            return ast.copy_location(ast.Name(node.attr, ast.Load()), node)
        return self.generic_visit(node)  # type: ignore[return-value]
