"""Test files in the form of pytest and unittest: their functions and methods are found and run as one test."""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import itertools
import os
import pathlib
import tempfile
import unittest
import unittest.mock
from collections.abc import Callable, Generator
from types import SimpleNamespace
from typing import Any, NamedTuple

from mucode_core.errors import ProblemError
from mucode_core.sandbox.judge.suites.pytest_module import IS_FIXTURE, PARAMETERS
from mucode_core.sandbox.judge.suites.trees import nodes_of

RUN = "<run tests>"
"""The name of `run_collected` in a test's source; no Python source can spell it."""
_MAINS = (("unittest", "main"), ("pytest", "main"))


def collect(tree: ast.Module) -> None:
    """Has a file run the tests that it defines and does not mention elsewhere; a call of `main` is taken out.

    Imports of the program (`from solution import f`) go: what a test reads and nothing defines is the program's.
    """
    tree.body = [node for node in tree.body if not _is_main(node)]
    names = [node.name for node in _tests_of(tree)]
    tree.body = [part for node in tree.body for part in _without_import(node)]
    if names:
        arguments: list[ast.expr] = [ast.Constant(name) for name in names]
        space = ast.Call(ast.Name("globals", ast.Load()), [], [])
        call = ast.Call(ast.Name(RUN, ast.Load()), [space, *arguments], [])
        tree.body.append(ast.Expr(call))
        ast.fix_missing_locations(tree)


def _is_main(node: ast.stmt) -> bool:
    """A call of `unittest.main` or `pytest.main`."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    called = node.value.func
    if not isinstance(called, ast.Attribute) or not isinstance(called.value, ast.Name):
        return False
    return (called.value.id, called.attr) in _MAINS


def count_tests(source: str) -> int:
    """How many test functions and test methods a file has that it does not run itself."""
    found = _tests_of(ast.parse(source.strip()))
    return sum(1 if isinstance(node, ast.FunctionDef) else len(_methods(node)) for node in found)


def _tests_of(tree: ast.Module) -> list[ast.FunctionDef | ast.ClassDef]:
    nodes = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    return [node for node in nodes if _is_test(node) and not _is_used(node, tree)]


def _is_used(node: ast.FunctionDef | ast.ClassDef, tree: ast.Module) -> bool:
    """Whether another statement mentions what a definition defines."""
    others = nodes_of(*(other for other in tree.body if other is not node))
    return any(isinstance(name, ast.Name) and name.id == node.name for name in others)


def _is_test(node: ast.FunctionDef | ast.ClassDef) -> bool:
    return node.name.startswith("test") if isinstance(node, ast.FunctionDef) else bool(_methods(node))


def _methods(node: ast.ClassDef) -> list[str]:
    functions = [part for part in node.body if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return [part.name for part in functions if part.name.startswith("test")]


def _without_import(node: ast.stmt) -> list[ast.stmt]:
    if not isinstance(node, ast.ImportFrom) or node.module != "solution":
        return [node]
    renamed = [alias for alias in node.names if alias.asname not in (None, alias.name)]
    return [ast.parse(f"{alias.asname} = {alias.name}").body[0] for alias in renamed]


def run_collected(space: dict[str, Any], *names: str) -> None:
    """Runs test functions, and the test methods of classes, in their order; the first failure ends it.

    Raises:
        ProblemError: A test needs a fixture that there is not.
    """
    for name in names:
        found = space[name]
        if not isinstance(found, type):
            _run_function(found, space)
            continue
        methods = [each for each in dir(found) if each.startswith("test")]
        if issubclass(found, unittest.TestCase):
            with contextlib.suppress(unittest.SkipTest):
                unittest.TestSuite(map(found, methods)).debug()
            continue
        for method in methods:
            instance = found()
            for hook in ("setup_method", "setUp"):
                if hasattr(instance, hook):
                    getattr(instance, hook)()
            _run_function(getattr(instance, method), space)


def _run_function(function: Any, space: dict[str, Any]) -> None:
    for combination in itertools.product(*getattr(function, PARAMETERS, [])):
        given = {name: value for case in combination for name, value in case.items()}
        with contextlib.ExitStack() as stack, contextlib.suppress(unittest.SkipTest):
            function(**given, **_fixtures(function, given, space, stack))


def _fixtures(
    function: Any, given: dict[str, Any], space: dict[str, Any], stack: contextlib.ExitStack
) -> dict[str, Any]:
    """The values of a function's parameters that are fixtures."""
    values: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name in given or parameter.default is not inspect.Parameter.empty:
            continue
        fixture = space.get(name)
        if getattr(fixture, IS_FIXTURE, False):
            made = fixture(**_fixtures(fixture, {}, space, stack))  # type: ignore[misc]
            if inspect.isgenerator(made):
                values[name] = next(made)
                stack.callback(next, made, None)
            else:
                values[name] = made
        elif name in _BUILT_IN:
            values[name] = stack.enter_context(_BUILT_IN[name]())
        else:
            raise ProblemError(f"no fixture {name!r} here", location="test", hint="use another form of the test")
    return values


class _Printed(NamedTuple):
    out: str
    err: str


@contextlib.contextmanager
def _captured() -> Generator[SimpleNamespace]:
    out, err = io.StringIO(), io.StringIO()

    def read() -> _Printed:
        found = _Printed(out.getvalue(), err.getvalue())
        for stream in (out, err):
            stream.seek(0)
            stream.truncate()
        return found

    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield SimpleNamespace(readouterr=read)


@contextlib.contextmanager
def _patched() -> Generator[SimpleNamespace]:
    """Changes of attributes, items and environment variables, for one test."""
    with contextlib.ExitStack() as stack:

        def set_attribute(target: Any, *rest: Any, **_: Any) -> None:
            if isinstance(target, str):
                stack.enter_context(unittest.mock.patch(target, *rest))
            else:
                stack.enter_context(unittest.mock.patch.object(target, *rest))

        def set_item(target: dict[Any, Any], key: Any, value: Any) -> None:
            stack.enter_context(unittest.mock.patch.dict(target, {key: value}))

        def set_variable(name: str, value: Any) -> None:
            stack.enter_context(unittest.mock.patch.dict(os.environ, {name: str(value)}))

        yield SimpleNamespace(setattr=set_attribute, setitem=set_item, setenv=set_variable)


@contextlib.contextmanager
def _made_directory() -> Generator[pathlib.Path]:
    yield pathlib.Path(tempfile.mkdtemp())


_BUILT_IN: dict[str, Callable[[], contextlib.AbstractContextManager[Any]]] = {
    "capsys": _captured,
    "monkeypatch": _patched,
    "tmp_path": _made_directory,
}
