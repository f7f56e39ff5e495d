"""Honest pairs pass, here and where program and tests share one interpreter."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mucode_core.sandbox import ProcessSandbox
from tests.sandbox.oracle.interpreter import Case, Interpreter
from tests.sandbox.oracle.pairs import PAIRS
from tests.sandbox.sandbox_jobs import make_job, run_jobs

_FRAMEWORKS = ("pytest", "unittest.TestCase", "def test", "solution.")
"""What the plain interpreter has no runner for."""


@pytest.fixture(scope="module")
def oracle() -> Iterator[Interpreter]:
    with Interpreter() as opened:
        yield opened


@pytest.mark.parametrize("name", PAIRS)
def test_a_right_program_passes(name: str, sandbox: ProcessSandbox) -> None:
    code, tests = PAIRS[name]
    (verdict,) = run_jobs(sandbox, [make_job(code, *tests)])
    assert verdict.passed, verdict.feedback


@pytest.mark.parametrize(
    "name", [name for name, (_, tests) in PAIRS.items() if not any(one in str(tests) for one in _FRAMEWORKS)]
)
def test_a_plain_interpreter_agrees(name: str, oracle: Interpreter) -> None:
    code, tests = PAIRS[name]
    outcome = oracle.run(Case(name, code.removeprefix("\ufeff"), tests))
    assert all(outcome.passed), outcome.detail
