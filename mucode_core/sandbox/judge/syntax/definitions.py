"""The sources of classes that tests define, where these alone say what a class is: the program's side can run them.

A class that reads what the tests share with it, a list, a mock, a parameter, another class of theirs, has no such
source: its methods are lent instead (`lent.classes`).
"""

from __future__ import annotations

import ast
import symtable
import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import cast

from mucode_core.sandbox.judge.syntax.imports import PROGRAM
from mucode_core.sandbox.judge.syntax.names import TRUSTED
from mucode_core.sandbox.judge.syntax.trees import nodes_of

_MAKERS = ("namedtuple", "NamedTuple", "TypeVar", "Enum", "IntEnum", "Flag", "IntFlag", "StrEnum")
"""Calls that make classes: the program has none of them."""
_OF_TESTS = ("unittest", "pytest", "_pytest")
"""Modules whose objects belong to the tests."""
_CONSTANT = (ast.Constant, ast.Tuple, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop)


@lru_cache(64)
def find_definition(sources: tuple[str, ...], name: str) -> str | None:
    """The statements that define a class and all that it reads, as a module of their own; None if nothing does."""
    bindings: dict[str, ast.stmt] = {}
    for source in sources:
        for node in nodes_of(ast.parse(source.strip())):
            for bound in _bound_by(node):
                bindings.setdefault(bound, cast("ast.stmt", node))
    if name not in bindings:
        return None
    wanted, found = [name], dict[int, ast.stmt]()
    while wanted:
        statement = bindings.get(wanted.pop())
        if statement is None or id(statement) in found:
            continue
        found[id(statement)] = statement
        wanted += [node.id for node in nodes_of(statement) if isinstance(node, ast.Name)]
    ordered = [statement for statement in dict.fromkeys(bindings.values()) if id(statement) in found]
    return "\n".join(ast.unparse(statement) for statement in ordered)


def _bound_by(node: ast.AST) -> list[str]:
    """The names that a definition, an import or a plain assignment binds."""
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return list(map(_name_of, node.names))
    if isinstance(node, ast.Assign) and not any(isinstance(n, ast.Call) and _is_plain_name(n) for n in nodes_of(node)):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []


def _name_of(alias: ast.alias) -> str:
    return (alias.asname or alias.name).partition(".")[0]


def _import_of(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> ast.stmt:
    """The part of an import that binds one name."""
    return ast.Import([alias]) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, [alias], node.level)


def _is_plain_name(call: ast.Call) -> bool:
    """A call that may be one of the program; those that make classes are none."""
    return isinstance(call.func, ast.Name) and call.func.id not in _MAKERS


@lru_cache(256)
def find_source(sources: tuple[str, ...], name: str, is_derived: bool) -> str | None:
    """The same of a class that shares nothing with the tests, and all of whose names mean one thing.

    Args:
        sources: Of setup and tests.
        name: Of the class.
        is_derived: It derives from one of the program; its decorators are for the tests to apply.
    """
    bindings = _bindings(sources)
    wanted, found = [name], dict[str, ast.stmt]()
    while wanted:
        one = wanted.pop()
        places = bindings.get(one)
        if places is None or one in found:
            if one == name and places is None:
                return None
            continue
        statement = places[0]
        if statement is None or any(other is None or not _are_same(other, statement) for other in places[1:]):
            return None
        if one == name and is_derived and isinstance(statement, ast.ClassDef):
            statement = ast.ClassDef(statement.name, statement.bases, statement.keywords, statement.body, [])
        reads = _reads(statement, bindings, one == name, is_derived)
        if reads is None:
            return None
        found[one] = statement
        wanted += reads
    return "\n".join(ast.unparse(found[one]) for one in bindings if one in found)


def _are_same(one: ast.stmt, other: ast.stmt) -> bool:
    return one is other or ast.dump(one) == ast.dump(other)


Bindings = dict[str, list[ast.stmt | None]]
"""What binds each name outside of class bodies; None for what is no definition: a parameter, a loop."""


@lru_cache(16)
def _bindings(sources: tuple[str, ...]) -> Bindings:
    found: Bindings = {}
    for source in sources:
        nodes = nodes_of(ast.parse(source.strip()))
        of_classes = {id(part) for node in nodes if isinstance(node, ast.ClassDef) for part in node.body}
        known = set[int]()
        for node in nodes:
            for name, statement in _all_bound_by(node, known):
                if id(node) not in of_classes:
                    found.setdefault(name, []).append(statement)
    return found


def _all_bound_by(node: ast.AST, known: set[int]) -> Iterator[tuple[str, ast.stmt | None]]:
    """Names that a node binds, and the statement that does; `known` are targets that belong to such a statement."""
    if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        yield node.name, node
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from ((_name_of(alias), _import_of(node, alias)) for alias in node.names)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            known.add(id(target))
            if isinstance(target, ast.Name):
                yield target.id, node
    elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load) and id(node) not in known:
        yield node.id, None
    elif isinstance(node, ast.arg):
        yield node.arg, None
    elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
        yield node.name, None
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest, None
    elif isinstance(node, (ast.Global, ast.Nonlocal)):
        yield from ((name, None) for name in node.names)


def _reads(statement: ast.stmt, bindings: Bindings, is_class: bool, is_derived: bool) -> list[str] | None:
    """The names that a definition needs; None where it shares more with the tests than what never changes."""
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        module = statement.names[0].name if isinstance(statement, ast.Import) else statement.module or ""
        root = module.partition(".")[0]
        is_there = root in sys.stdlib_module_names or root in (PROGRAM, "numpy")
        return [] if is_there and root not in _OF_TESTS else None
    if isinstance(statement, ast.Assign):
        is_maker = is_class and isinstance(statement.value, ast.Call) and not _is_plain_name(statement.value)
        is_constant = all(isinstance(node, _CONSTANT) for node in nodes_of(statement.value))
        return _names_in(statement, bindings, is_derived) if is_maker or is_constant else None
    if isinstance(statement, ast.ClassDef) is not is_class:
        return None
    return _names_in(statement, bindings, is_derived)


def _names_in(statement: ast.stmt, bindings: Bindings, is_derived: bool) -> list[str] | None:
    """The names that are not a statement's own; None where it assigns to one, or the program would act once more."""
    try:
        top = symtable.symtable(ast.unparse(statement), "<tests>", "exec")
    except SyntaxError:  # `nonlocal`
        return None
    names = {one.get_name() for one in top.get_symbols() if one.is_referenced() and not one.is_assigned()}
    at_once = set() if is_derived else set(names)
    """Read when the statement is executed, other than for its bases."""
    tables = list(top.get_children())
    for table in tables:
        tables += table.get_children()
        read = {one.get_name() for one in table.get_symbols() if one.is_global()}
        if any(one.is_global() and one.is_assigned() for one in table.get_symbols()):
            return None
        names |= read
        at_once |= read if table.get_type() == "class" else set()
    return list(names) if at_once <= bindings.keys() | TRUSTED else None
