"""Class statements of tests: those that the program may have a part in ask whether it has."""

from __future__ import annotations

import ast
from collections.abc import Container, Sequence

from mucode_core.sandbox.judge.lent.hosted import HOST, RENEW
from mucode_core.sandbox.judge.syntax.trees import nodes_of


def host_classes(nodes: Sequence[ast.AST], candidates: Container[str]) -> None:
    """Has class statements ask whether the program has a part in their classes, where it may have one.

    Args:
        nodes: All of the tests.
        candidates: Names of the program; what is called of these with a class may be its decorator.
    """
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    called = _called_with(nodes, {node.name for node in classes}, candidates) if classes else {}
    for node in classes:
        roots = [*filter(None, map(_root_of, node.decorator_list)), *called.get(node.name, ())]
        members = _described_in(node)
        if roots or node.decorator_list or members:
            names = ast.Tuple([ast.Constant(name) for name in members], ast.Load())
            call = ast.Call(_name(HOST), [names, *map(_name, roots)], [])
            node.decorator_list = [_name(RENEW), *node.decorator_list, call]
            _placed(call, node)
            _placed(node.decorator_list[0], node)


def _called_with(nodes: Sequence[ast.AST], classes: set[str], candidates: Container[str]) -> dict[str, list[str]]:
    """For each class the functions of the program that statements call with it: `C = decorate(C)`, `register(C)`."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        if not isinstance(node, (ast.Assign, ast.Expr)) or not isinstance(node.value, ast.Call):
            continue
        name = _root_of(node.value)
        if isinstance(node.value.func, ast.Name) and name is not None and name in candidates:
            given = [one.id for one in node.value.args if isinstance(one, ast.Name) and one.id in classes]
            for one in given:
                found.setdefault(one, []).append(name)
            if given:
                call = ast.Call(_name(RENEW), [node.value, *map(_name, given)], [])
                node.value = _placed(call, node)
    return found


def _root_of(node: ast.expr) -> str | None:
    """The name that an expression such as `registry.add("x")` begins with."""
    while isinstance(node, (ast.Call, ast.Attribute)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _placed(made: ast.expr, node: ast.AST) -> ast.expr:
    """The same expression, all of which is new, at the place of another node."""
    for part in nodes_of(made):
        if not hasattr(part, "lineno"):
            ast.copy_location(part, node)
    return made


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _described_in(node: ast.ClassDef) -> list[str]:
    """Members of a class that a test writes as one would descriptors: decorated functions, `x = Field()`.

    The answer of a function, `x = f(3)`, is none, whatever it is: by that a program could get hold of a test's class.
    """
    found: list[str] = []
    for part in node.body:
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)) and part.decorator_list:
            found.append(part.name)
        elif isinstance(part, (ast.Assign, ast.AnnAssign)) and isinstance(part.value, ast.Call):
            targets = part.targets if isinstance(part, ast.Assign) else [part.target]
            if (_root_of(part.value) or "_")[0].isupper():
                found += [target.id for target in targets if isinstance(target, ast.Name)]
    return found
