"""Test suites written as `check(candidate)`: their statements and self-contained asserts."""

from __future__ import annotations

import ast
import builtins
import warnings
from collections.abc import Collection, Sequence

from mucode_core.answers.syntax import parse_module
from mucode_core.errors import DataError, show


def parse_python(source: str, field: str, location: str) -> ast.Module:
    """The syntax tree of a data set's code.

    Raises:
        DataError: It is not Python, with the field.
    """
    try:
        return parse_module(source.strip())  # some suites begin with a space
    except (SyntaxError, ValueError, RecursionError) as error:
        hint = "fix the code, or remove the row"
        raise DataError(f"{field}: not Python: {error}", location=location, hint=hint) from error


def check_tests(field: str, source: str, location: str) -> None:
    """Refuses test code that does not compile, which no program could pass.

    Raises:
        DataError: With the field and the syntax error.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in strings, which the judge accepts
        try:
            compile(source.strip(), "<tests>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            hint = "fix the tests, or remove the row"
            raise DataError(
                f"{field}: {show(source.strip())} is not Python: {error}", location=location, hint=hint
            ) from error


def is_suite(source: str) -> bool:
    """Whether the code defines a `check(candidate)` that asserts anything: otherwise any program would pass."""
    try:
        tree = parse_module(source.strip())
    except (SyntaxError, ValueError, RecursionError):
        return False
    check = _find_check(tree)
    return check is not None and any(isinstance(node, ast.Assert) for node in ast.walk(check))


def _find_check(tree: ast.Module) -> ast.FunctionDef | None:
    return next((n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "check" and n.args.args), None)


def split_first_assert(suite: str, entry_point: str, location: str) -> tuple[str, str] | None:
    """The first self-contained assert of `check`, and the suite without it.

    The second text is empty if no assert remains. None if no assert is self-contained.
    """
    tree = parse_python(suite, "test", location)
    check = _find_check(tree)
    if check is None:
        return None
    parameter = check.args.args[0].arg
    for index, statement in enumerate(check.body):
        if isinstance(statement, ast.Assert) and _is_self_contained(statement, parameter):
            renamed = _Rename(parameter, entry_point).visit(parse_module(ast.unparse(statement)))
            check.body = [*check.body[:index], *check.body[index + 1 :]] or [ast.Pass()]
            rest = ast.unparse(tree)
            return ast.unparse(ast.Assert(test=renamed.body[0].test)), rest if is_suite(rest) else ""
    return None


def _is_self_contained(statement: ast.Assert, parameter: str) -> bool:
    """Whether it uses the candidate, and besides it only names that it binds itself or common built-ins."""
    names = {node.id for node in ast.walk(statement.test) if isinstance(node, ast.Name)}
    bound = {node.id for node in ast.walk(statement.test) if isinstance(node, ast.Name) and not _loads(node)}
    return parameter in names and names - bound - {parameter} <= _PLAIN


def _loads(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


_PLAIN = frozenset(
    "abs all any bool dict float int isinstance len list math max min range round set sorted str sum tuple".split()  # noqa: SIM905
)


class _Rename(ast.NodeTransformer):
    def __init__(self, old: str, new: str) -> None:
        self._old, self._new = old, new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.copy_location(ast.Name(id=self._new, ctx=node.ctx), node) if node.id == self._old else node


def helpers_of(declaration: str, entry_point: str, field: str, location: str) -> str:
    """Imports and helper functions that a declaration defines besides the entry point, for suites that use them."""
    tree = parse_python(f"{declaration.rstrip()}\n    pass\n", field, location)
    kept = [node for node in tree.body if not (isinstance(node, ast.FunctionDef) and node.name == entry_point)]
    return "\n".join(ast.unparse(node) for node in kept)


def compare_shapes(suite: str) -> str:
    """An EvalPlus suite that compares shapes before values: numpy broadcasts, so `[]` would be close to any list."""
    return suite.replace(_ALLCLOSE, f"assert np.shape(out) == np.shape(exp) and {_ALLCLOSE.removeprefix('assert ')}")


def leave_out(suite: str, indices: Collection[int], location: str) -> str:
    """An EvalPlus suite without some of its `inputs`; the suite computes its results itself."""
    tree = parse_python(suite, "test", location)
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List) and _names(node) == ["inputs"]:
            node.value.elts = [e for index, e in enumerate(node.value.elts) if index not in indices]
    return ast.unparse(tree)


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


_ALLCLOSE = "assert np.allclose(out, exp, "


def find_entry_point(tests: Sequence[str], code: str, field: str, location: str) -> str:
    """The function that the tests call: one that the reference solution defines, else one that is not a built-in.

    Args:
        tests: Python sources.
        code: The reference solution; may be empty.
        field: The row's field that has the tests, for errors.
        location: The row's.

    Raises:
        DataError: A test is not Python, or none calls a function.
    """
    called: list[str] = []
    for test in tests:
        called += _called_names(test, field, location)
    defined = {name for name in called if f"def {name}" in code or f"class {name}" in code or f"{name} =" in code}
    builtin = vars(builtins)
    for names in ([n for n in called if n in defined], [n for n in called if n not in builtin], called):
        if names:
            return max(dict.fromkeys(names), key=names.count)
    raise DataError(
        f"{field}: {show(tests[0])} calls no function", location=location, hint="use tests that call the program"
    )


def _called_names(test: str, field: str, location: str) -> list[str]:
    try:
        tree = parse_module(test.strip())
    except (SyntaxError, ValueError, RecursionError) as error:
        hint = "fix the test, or remove the problem"
        raise DataError(f"{field}: {show(test)} is not Python ({error})", location=location, hint=hint) from error
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call.func.id for call in calls if isinstance(call.func, ast.Name)]
