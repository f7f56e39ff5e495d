"""Which names of tests are the program's: those that they read where nothing trusted has bound them."""

from __future__ import annotations

import ast
import builtins
import dis
from collections.abc import Callable, Iterable, Sequence
from types import CodeType, ModuleType
from typing import Any, cast

from mucode_core.sandbox.guest.program import PRELOADED
from mucode_core.sandbox.judge.lent.functions import MODULE
from mucode_core.sandbox.judge.syntax.imports import PROGRAM
from mucode_core.sandbox.judge.syntax.trees import nodes_of

NUMPY_NAMES = ("np", "numpy")
"""What tests may read without importing it, where numpy is installed."""


def _make_base() -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": MODULE}
    exec(PRELOADED, namespace)
    return namespace


BASE = _make_base()
_UNCALLABLE = frozenset(
    name for name, value in BASE.items() if type(value) is ModuleType or type(value).__module__ == "typing"
)
"""Usual names that no test can call: modules, and what only annotates."""
TRUSTED = frozenset(vars(builtins)) | frozenset(BASE)
"""Names that need no definition; they mean the same to program and tests, unless one of them binds them."""
_LOADS = frozenset({"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"})
_STORES = frozenset({"STORE_NAME", "STORE_GLOBAL"})
_BY_NAME = _LOADS | _STORES


def program_names(trees: Sequence[ast.Module], entry_point: str, imported: set[str]) -> tuple[tuple[str, ...], bool]:
    """The names that a program may supply, and whether numpy is read without an import.

    Args:
        trees: Setup and tests, without their imports of the program.
        entry_point: Of the program.
        imported: What the tests import from it; `*` for all.
    """
    nodes = nodes_of(*trees)
    read, defined, called = _used(nodes)
    free = read - defined
    unclear = read & defined - TRUSTED
    if unclear:
        free |= _free_names(trees, unclear)
    own = {entry_point, *imported} & read | (free & called & _UNCALLABLE)
    missing = {name for name in free - TRUSTED if name.isidentifier()}  # not the names of the judge's helpers
    if "*" in imported:
        own |= free.intersection(BASE)
    if not missing and not own and not imported and not any(map(_mentions_program, nodes)):
        # then all that they touch are classes of the program with names that tests need not import
        own = {name for name in free.intersection(BASE) if name[0].isupper() or isinstance(BASE[name], type)}
    judges = {name for node in nodes for name in _judging_names(node, entry_point)} if missing - own else set[str]()
    return tuple(sorted((missing - set(NUMPY_NAMES) - judges) | own)), not missing.isdisjoint(NUMPY_NAMES)


def _mentions_program(node: ast.AST) -> bool:
    """Whether code may get hold of the program's module in a way of its own."""
    words = (getattr(node, name, None) for name in ("id", "name", "asname", "module", "value", "attr"))
    return any(type(word) is str and PROGRAM in word for word in words)


def _used(nodes: Iterable[ast.AST]) -> tuple[set[str], set[str], set[str]]:
    """The names that are read anywhere, bound anywhere, and called."""
    read, bound, called = set[str](), set[str](), set[str]()
    for node in nodes:
        kind = type(node)
        if kind is ast.Name:
            name = cast("ast.Name", node)
            (read if type(name.ctx) is ast.Load else bound).add(name.id)
        elif kind is ast.Call:
            function = cast("ast.Call", node).func
            if type(function) is ast.Name:
                called.add(function.id)
        elif kind in _DEFINING:
            bound.update(_DEFINING[kind](node))
    return read, bound, called


_DEFINING: dict[type, Callable[[Any], list[str]]] = {
    ast.FunctionDef: lambda node: [node.name],
    ast.AsyncFunctionDef: lambda node: [node.name],
    ast.ClassDef: lambda node: [node.name],
    ast.arg: lambda node: [node.arg],
    ast.alias: lambda node: [(node.asname or node.name).partition(".")[0]],
    ast.ExceptHandler: lambda node: [node.name] if node.name else [],
}
"""Nodes that bind names besides assignments, and which."""


def _free_names(trees: Sequence[ast.Module], names: set[str]) -> set[str]:
    """Which of some names are read as a global where no test before, nor the file around it, has bound them.

    Functions run later than they are defined: what their file binds anywhere they find, and those of the setup what any
    test binds.
    """
    free, bound, of_setup = set[str](), set[str](), set[str]()
    for index, tree in enumerate(trees):
        code = compile(tree, "<names>", "exec", dont_inherit=True)
        later = _inner_reads(code, names)
        bound |= _bound_by_functions(code, names)
        for step in _steps(code, names):
            if step.opname in _STORES:
                bound.add(step.argval)
            elif step.opname in _LOADS and step.argval not in bound:
                free.add(step.argval)
        if index:
            free |= later - bound
        else:
            of_setup = later
    return free | (of_setup - bound)


def _steps(code: CodeType, names: set[str]) -> list[dis.Instruction]:
    """Which instructions read or bind some names otherwise than as variables of a function."""
    if names.isdisjoint(code.co_names):
        return []
    return [step for step in dis.get_instructions(code) if step.opname in _BY_NAME and step.argval in names]


def _inner_reads(code: CodeType, names: set[str]) -> set[str]:
    """Which of some names functions and classes in a file read as globals."""
    found: set[str] = set()
    for inner in _inner_codes(code):
        steps = _steps(inner, names)
        own = {step.argval for step in steps if step.opname == "STORE_NAME"}  # of a class
        found |= {step.argval for step in steps if step.opname in _LOADS} - own
        found |= _inner_reads(inner, names)
    return found


def _bound_by_functions(code: CodeType, names: set[str]) -> set[str]:
    """Which of some names functions in a file declare `global` and bind."""
    found: set[str] = set()
    for inner in _inner_codes(code):
        found |= {step.argval for step in _steps(inner, names) if step.opname == "STORE_GLOBAL"}
        found |= _bound_by_functions(inner, names)
    return found


def _inner_codes(code: CodeType) -> list[CodeType]:
    return [value for value in code.co_consts if isinstance(value, CodeType)]


def _judging_names(node: ast.AST, entry_point: str) -> list[str]:
    """A helper that alone decides on the entry point's answer: `assert helper(f(x), expected)`."""
    if not isinstance(node, ast.Assert) or not isinstance(node.test, ast.Call) or not entry_point:
        return []
    call = node.test
    inner = nodes_of(*call.args)
    asks = any(isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == entry_point for n in inner)
    is_other = isinstance(call.func, ast.Name) and call.func.id != entry_point
    return [call.func.id] if asks and is_other and isinstance(call.func, ast.Name) else []
