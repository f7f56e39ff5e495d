"""Remarks on the rows of a data set: what is not run, which packages programs need."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator, Sequence

from mucode_core.answers.syntax import parse_module
from mucode_core.problems.reading import ReadRow
from mucode_core.problems.registry import find_dataset
from mucode_core.problems.suite_checks import Finding
from mucode_core.sandbox.guest.packages import find_packages
from mucode_core.types import Problem

_FOR_TESTS = frozenset({"pytest", "solution"})
"""Modules that tests import and programs do not need."""


class Remarks:
    """What users of a data set should know about single rows.

    Args:
        packages: Those that programs may import (`sandbox.packages`).
    """

    def __init__(self, packages: Sequence[str]) -> None:
        self._importable = importable_modules(packages)

    def on(self, read: ReadRow) -> Iterator[Finding]:
        """The remarks on one row."""
        for note in find_dataset(read.problem.dataset).notes(read.row):
            yield Finding(read.problem.problem_id, note)
        yield from check_imports(read.problem, self._importable)


def importable_modules(packages: Sequence[str]) -> Collection[str]:
    """The modules that programs may import besides the standard library's.

    Args:
        packages: The setting `sandbox.packages`.
    """
    try:
        return find_packages(packages).modules.keys()
    except LookupError:  # opening the sandbox says so
        return packages


def check_imports(problem: Problem, importable: Collection[str]) -> Iterator[Finding]:
    """A finding if the problem needs modules that programs may not import."""
    texts = [text for text in (*problem.public_tests, *problem.private_tests) if isinstance(text, str)]
    found = dict.fromkeys(name for text in (problem.reference_solution or "", *texts) for name in _imported(text))
    missing = [name for name in found if name not in importable and name not in sys.stdlib_module_names | _FOR_TESTS]
    if missing:
        yield Finding(problem.problem_id, f"programs need {', '.join(missing)}: name them in sandbox.packages")


def _imported(source: str) -> Iterator[str]:
    """Top-level modules that a program cannot do without: it imports them outside `try`."""
    if "import" not in source:
        return
    try:
        tree = parse_module(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the reference's verdict says so
        return
    attempted = {inner for node in ast.walk(tree) if isinstance(node, ast.Try) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if node in attempted:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
