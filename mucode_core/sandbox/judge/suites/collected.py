"""Test files in the form of pytest and unittest: their functions and methods are found and run as one test."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, TypeGuard

from mucode_core.sandbox.judge.asking import current
from mucode_core.sandbox.judge.proxy_classes import is_proxy
from mucode_core.sandbox.judge.suites.outcomes import forget_refused, raise_refused
from mucode_core.sandbox.judge.suites.running import run_tests
from mucode_core.sandbox.judge.syntax.trees import nodes_of

RUN = "<run tests>"
"""The name of `run_collected` in a test's source; no Python source can spell it."""
_AT_START, _BEFORE = "<names of the setup>", "<names before>"
"""Names of what a file finds, in the names that all tests of a problem share."""
_FRAMEWORKS = ("unittest", "pytest")
_CASES = ("TestCase", "IsolatedAsyncioTestCase")
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_MODULE_HOOKS = ("setUpModule", "tearDownModule", "setup_module", "teardown_module")


def collect(tree: ast.Module) -> None:
    """Has a file run the tests that it defines; main guards and calls of `main` are taken out.

    What pytest would find is looked for when the file has been executed, as functions and classes may be defined
    anywhere; a file without anything like a test keeps its main guards.
    """
    tree.body = [node for node in tree.body if not _is_main(node, tree)]
    if not any(map(_may_test, _defining(tree.body))):
        return
    tree.body = [part for node in tree.body for part in _without_guard(node) if not _is_main(part, tree)]
    own = {name for node in tree.body if (name := _called_alone(node))}
    names = [name for node in _defining(tree.body) for name in _bound(node)]
    runs_itself = [node.name for node in tree.body if _is_plain(node) and node.name in own]
    classes = [node.name for node in _defining(tree.body) if isinstance(node, ast.ClassDef) and _methods(node)]
    place = _first_place(tree.body)
    tree.body.insert(place, _call_run([]))
    tree.body.append(_call_run([list(dict.fromkeys(names)), runs_itself, sorted(_called(tree)), classes]))
    ast.fix_missing_locations(tree)


def _call_run(lists: list[list[str]]) -> ast.stmt:
    arguments: list[ast.expr] = [ast.Tuple([ast.Constant(name) for name in names], ast.Load()) for names in lists]
    space = ast.Call(ast.Name("globals", ast.Load()), [], [])
    return ast.Expr(ast.Call(ast.Name(RUN, ast.Load()), [space, *arguments], []))


def _first_place(body: list[ast.stmt]) -> int:
    """Behind docstring and imports from `__future__`."""
    place = 0
    for node in body:
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not is_text and not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            break
        place += 1
    return place


def _defining(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that a file executes when it is imported, also those within `if`, `try` and the like."""
    for node in body:
        yield node
        if isinstance(node, _Named):
            continue
        for name in ("body", "orelse", "finalbody"):
            yield from _defining(getattr(node, name, []))
        for part in (*getattr(node, "handlers", []), *getattr(node, "cases", [])):
            yield from _defining(part.body)


def _bound(node: ast.stmt) -> list[str]:
    """The names that a definition or an assignment binds."""
    if isinstance(node, _Named):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [name.id for target in targets for name in nodes_of(target) if isinstance(name, ast.Name)]


def _may_test(node: ast.stmt) -> bool:
    """Whether a statement may make a test: a class is one by its name, or by a base of any name."""
    if isinstance(node, ast.ClassDef) and (node.bases or node.name.startswith("Test")):
        return True
    if isinstance(node, ast.ClassDef):
        return False
    if any(name.startswith(("test", "Test")) for name in _bound(node)):
        return True
    is_call = isinstance(node, (ast.Assign, ast.Expr))
    return is_call and any(isinstance(name, ast.Name) and name.id == "globals" for name in nodes_of(node))


def _without_guard(node: ast.stmt) -> list[ast.stmt]:
    """Nothing, or what follows `else`, of `if __name__ == "__main__":`."""
    test = node.test if isinstance(node, ast.If) else None
    if not isinstance(node, ast.If) or not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.Eq):
        return [node]
    sides = [ast.unparse(side) for side in (test.left, *test.comparators)]
    return node.orelse if sorted(sides) == ["'__main__'", "__name__"] else [node]


def _is_main(node: ast.stmt, tree: ast.Module) -> bool:
    """A statement that only has all tests run: `unittest.main()`, `sys.exit(pytest.main())`."""
    value = node.value if isinstance(node, ast.Expr) else node.exc if isinstance(node, ast.Raise) else None
    while isinstance(value, ast.Call):
        called = value.func
        if isinstance(called, ast.Attribute) and called.attr == "main" and isinstance(called.value, ast.Name):
            return called.value.id in _FRAMEWORKS
        if isinstance(called, ast.Name) and called.id == "main":
            return any(isinstance(one, ast.ImportFrom) and _imports_main(one) for one in tree.body)
        value = value.args[0] if ast.unparse(called) in ("sys.exit", "exit", "SystemExit") and value.args else None
    return False


def _imports_main(node: ast.ImportFrom) -> bool:
    return node.module in _FRAMEWORKS and any((alias.asname or alias.name) == "main" for alias in node.names)


def _called_alone(node: ast.stmt) -> str | None:
    """What a statement calls that is nothing but a call without arguments."""
    call = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(call, ast.Call) or call.args or call.keywords or not isinstance(call.func, ast.Name):
        return None
    return call.func.id


def _is_plain(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    """A function of no parameters and no decorators, which is the same whatever calls it."""
    if not isinstance(node, ast.FunctionDef) or node.decorator_list or ast.unparse(node.args):
        return False
    return not any(isinstance(part, (ast.Yield, ast.YieldFrom)) for part in nodes_of(node))


def _called(tree: ast.Module) -> set[str]:
    """The names of functions and methods that are called in what the file or its tests run."""
    functions = {node.name: node for node in tree.body if isinstance(node, _Function)}
    runs = [node for node in functions.values() if _is_root(node)]
    nodes = [node for node in tree.body if not isinstance(node, _Function)] + runs
    waiting = {name: node for name, node in functions.items() if node not in runs}
    found: set[str] = set()
    while nodes:
        parts = nodes_of(*nodes)
        calls = [part.func for part in parts if isinstance(part, ast.Call)]
        found |= {one.id for one in calls if isinstance(one, ast.Name)}
        found |= {one.attr for one in calls if isinstance(one, ast.Attribute)}
        read = {part.id for part in parts if isinstance(part, ast.Name)}
        nodes = [waiting.pop(name) for name in read & waiting.keys()]
    return found


def _is_root(node: _Function) -> bool:
    """Whether a function is run though nothing calls it: a test, unless it may be a helper; or `check`."""
    is_test = node.name.startswith("test") and (not ast.unparse(node.args) or bool(node.decorator_list))
    return is_test or node.name == "check"


def count_tests(source: str) -> int:
    """How many tests a file can be taken apart into: functions and methods; 1 where they hang together.

    A function that has parameters and is called by the file itself is a helper, not a test.
    """
    tree = ast.parse(source.strip())
    tree.body = [part for node in tree.body for part in _without_guard(node)]
    called = _called(tree)
    tests = [node for node in tree.body if _count(node, called)]
    count = sum(_count(node, called) for node in tests)
    return min(count, 1) if _hang_together(tree, {node.name for node in tests if isinstance(node, _Named)}) else count


def _count(node: ast.stmt, called: set[str]) -> int:
    if isinstance(node, _Function):
        is_helper = node.name in called and bool(ast.unparse(node.args)) and not node.decorator_list
        return int(node.name.startswith("test") and not is_helper)
    return len(_methods(node)) if isinstance(node, ast.ClassDef) and _is_group(node) else 0


def _is_group(node: ast.ClassDef) -> bool:
    return bool(node.bases) or node.name.startswith("Test")


def _methods(node: ast.ClassDef) -> list[str]:
    return [part.name for part in node.body if isinstance(part, _Function) and part.name.startswith("test")]


def _hang_together(tree: ast.Module, names: set[str]) -> bool:
    """Whether a test is mentioned outside itself, or something is shared that is made once for all of them."""
    for node in tree.body:
        own = node.name if isinstance(node, _Named) else ""
        mentioned = {part.id for part in nodes_of(node) if isinstance(part, ast.Name)} - {own}
        if mentioned & names or own in _MODULE_HOOKS or _has_hidden_tests(node):
            return True
    calls = (part for part in nodes_of(tree) if isinstance(part, ast.Call))
    return any(keyword.arg == "scope" for call in calls for keyword in call.keywords)


def _has_hidden_tests(node: ast.stmt) -> bool:
    """Tests that are not plain functions of the file or methods of its classes."""
    if isinstance(node, ast.ClassDef):
        is_inherited = any(ast.unparse(base).rpartition(".")[2] not in _CASES for base in node.bases)
        inner = any(isinstance(part, ast.ClassDef) and _is_group(part) for part in node.body)
        return inner or (is_inherited and _is_group(node))
    if isinstance(node, _Function):
        return isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("test")
    return any(map(_may_test, _defining([node])))


def run_collected(
    space: dict[str, Any],
    names: tuple[str, ...] | None = None,
    runs_itself: tuple[str, ...] = (),
    called: tuple[str, ...] = (),
    classes: tuple[str, ...] = (),
) -> None:
    """Runs the tests of a file; the first failure ends it. Called without `names` before the file is executed.

    Files share their names: hooks, fixtures and tests of one are not those of the next.

    Args:
        space: The names that are bound.
        names: Those that the file itself binds, in their order.
        runs_itself: Test functions that it calls, and that are not run again.
        called: All that it calls.
        classes: Its classes that have tests.

    Raises:
        ProblemError: A test needs what is not here.
    """
    if names is None:
        forget_refused()
        before = {name: value for name, value in space.items() if name not in (_AT_START, _BEFORE)}
        space.setdefault(_AT_START, before)
        space[_BEFORE] = before
        return
    before = space.pop(_BEFORE)
    bound = {name: value for name, value in space.items() if name not in before or before[name] is not value}
    if any(is_proxy(value) for name, value in bound.items() if name.startswith(("test", "Test"))):
        current().num_delegated += 1  # a test that the program has decorated is what it made of it
    own = {
        name: value for name, value in bound.items() if name != _AT_START and (name in classes or not is_proxy(value))
    }
    ordered = {name: own[name] for name in names if name in own}
    tests = {name: value for name, value in (ordered | own).items() if name not in runs_itself}
    visible = {name: value for name, value in space[_AT_START].items() if name not in bound} | own
    try:
        run_tests(space, visible, tests, frozenset(called))
    finally:
        raise_refused()
