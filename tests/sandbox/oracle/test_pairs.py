"""Honest pairs pass, here and where program and tests share one interpreter."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mucode_core.sandbox import ProcessSandbox
from tests.sandbox.oracle.interpreter import Case, Interpreter
from tests.sandbox.oracle.more_pairs import MORE, WRONG
from tests.sandbox.oracle.pairs import PAIRS as FIRST
from tests.sandbox.sandbox_jobs import make_job, run_jobs

PAIRS = {**FIRST, **MORE}
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


def _plain(pairs: dict[str, tuple[str, tuple[str, ...]]]) -> list[str]:
    return [name for name, (_, tests) in pairs.items() if not any(one in str(tests) for one in _FRAMEWORKS)]


@pytest.mark.parametrize("name", _plain(PAIRS))
def test_a_plain_interpreter_agrees(name: str, oracle: Interpreter) -> None:
    code, tests = PAIRS[name]
    outcome = oracle.run(Case(name, code.removeprefix("\ufeff"), tests))
    assert all(outcome.passed), outcome.detail


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_program_fails(name: str, sandbox: ProcessSandbox) -> None:
    code, tests = WRONG[name]
    (verdict,) = run_jobs(sandbox, [make_job(code, *tests)])
    assert verdict.num_passed == 0 and verdict.status in ("failed", "error")


@pytest.mark.parametrize("name", _plain(WRONG))
def test_a_wrong_program_fails_in_a_plain_interpreter(name: str, oracle: Interpreter) -> None:
    code, tests = WRONG[name]
    assert not any(oracle.run(Case(name, code, tests)).passed)
