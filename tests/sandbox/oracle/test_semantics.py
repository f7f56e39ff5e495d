"""The documentation's table of semantics is what the sandbox shows."""

from __future__ import annotations

from mucode_core.sandbox import ProcessSandbox
from tests.sandbox.oracle import semantics
from tests.sandbox.oracle.interpreter import Interpreter


def test_the_table_is_what_the_sandbox_shows(sandbox: ProcessSandbox) -> None:
    with Interpreter() as oracle:
        found = semantics.table(semantics.shown(sandbox, oracle))
    assert semantics.documented() == found, "run `python -m tests.sandbox.oracle.semantics --write`"


def test_constructs_are_named_once() -> None:
    names = [row.construct for row in semantics.ROWS]
    assert len(set(names)) == len(names)
