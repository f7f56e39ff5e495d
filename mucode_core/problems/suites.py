"""Test suites written as `check(candidate)`: the statements they are made of, and asserts that stand alone."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Collection

from mucode_core.errors import DataError


def parse_python(source: str, place: str) -> ast.Module:
    """The syntax tree of a data set's code.

    Raises:
        DataError: It is not Python.
    """
    try:
        return ast.parse(source.strip())  # some suites begin with a blank
    except (SyntaxError, ValueError, RecursionError) as error:
        raise DataError(f"not Python: {error}", place=place, cure="mend the code, or leave the row out") from error


def check_tests(field: str, source: str, place: str) -> None:
    """Refuses test code that no program could pass because it does not compile.

    Raises:
        DataError: With the field and what is wrong.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd escapes in strings: the judge takes them as they are
        try:
            compile(source.strip(), "<tests>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            cure = "mend the tests, or leave the row out"
            raise DataError(
                f"{field}: {source.strip()!r:.80} is not Python: {error}", place=place, cure=cure
            ) from error


def is_suite(source: str) -> bool:
    """Whether the code defines a `check(candidate)` that asserts anything: one that does not passes any program."""
    try:
        tree = ast.parse(source.strip())
    except (SyntaxError, ValueError, RecursionError):
        return False
    check = _find_check(tree)
    return check is not None and any(isinstance(node, ast.Assert) for node in ast.walk(check))


def _find_check(tree: ast.Module) -> ast.FunctionDef | None:
    return next((n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "check" and n.args.args), None)


def split_first_assert(suite: str, entry_point: str, place: str) -> tuple[str, str] | None:
    """The first assert of `check` that needs nothing else of the suite, and the suite without it.

    The second text is empty where no assert is left. None where no assert stands alone.
    """
    tree = parse_python(suite, place)
    check = _find_check(tree)
    if check is None:
        return None
    parameter = check.args.args[0].arg
    for index, statement in enumerate(check.body):
        if isinstance(statement, ast.Assert) and _stands_alone(statement, parameter):
            renamed = _Rename(parameter, entry_point).visit(ast.parse(ast.unparse(statement)))
            check.body = [*check.body[:index], *check.body[index + 1 :]] or [ast.Pass()]
            rest = ast.unparse(tree)
            return ast.unparse(ast.Assert(test=renamed.body[0].test)), rest if is_suite(rest) else ""
    return None


def _stands_alone(statement: ast.Assert, parameter: str) -> bool:
    """Reads no name but the candidate and the language's own, and calls the candidate."""
    names = {node.id for node in ast.walk(statement.test) if isinstance(node, ast.Name)}
    own = {node.id for node in ast.walk(statement.test) if isinstance(node, ast.Name) and not _loads(node)}
    return parameter in names and names - own - {parameter} <= _PLAIN


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


def helpers_of(declaration: str, entry_point: str, place: str) -> str:
    """What a declaration defines beside the entry point, for suites that use it: imports and helper functions."""
    tree = parse_python(f"{declaration.rstrip()}\n    pass\n", place)
    kept = [node for node in tree.body if not (isinstance(node, ast.FunctionDef) and node.name == entry_point)]
    return "\n".join(ast.unparse(node) for node in kept)


def compare_shapes(suite: str) -> str:
    """An EvalPlus suite that compares shapes before values: numpy broadcasts, so `[]` is close to any list there."""
    return suite.replace(_ALLCLOSE, f"assert np.shape(out) == np.shape(exp) and {_ALLCLOSE.removeprefix('assert ')}")


def leave_out(suite: str, indices: Collection[int], place: str) -> str:
    """An EvalPlus suite without some of its `inputs`; the suite computes its results itself."""
    tree = parse_python(suite, place)
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List) and _names(node) == ["inputs"]:
            node.value.elts = [e for index, e in enumerate(node.value.elts) if index not in indices]
    return ast.unparse(tree)


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


_ALLCLOSE = "assert np.allclose(out, exp, "
