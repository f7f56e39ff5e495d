"""Answers made to break the judge end as verdicts: as values, and as arguments of later calls."""

from __future__ import annotations

import os

import pytest

from mucode_core.sandbox import Sandbox
from tests.sandbox.oracle.hostile import unsound
from tests.sandbox.sandbox_jobs import make_job, run_jobs
from tests.sandbox.traces import helpers

_NUM_FAST, _NUM_SLOW = 100, int(os.environ.get("MUCODE_FUZZ_CASES", "1000"))
_SLOW_SEED = int(os.environ.get("MUCODE_FUZZ_SEED", "0")) + _NUM_FAST


def _check(sandbox: Sandbox, seeds: range) -> None:
    before = {pid for pid, words in helpers().items() if "judge.judge" in words}
    assert list(unsound(sandbox, seeds)) == []
    honest = make_job("import os\ndef f(x): return x + 1 + len(os.listdir('.'))", "assert f(3) == 4")
    assert [verdict.passed for verdict in run_jobs(sandbox, [honest] * 4)] == [True] * 4
    assert before <= helpers().keys(), "no judge had to be replaced"


@pytest.mark.timeout(120)
def test_hostile_answers_are_verdicts(lone_sandbox: Sandbox) -> None:
    _check(lone_sandbox, range(_NUM_FAST))


def test_no_hostile_program_gives_the_right_answer_by_accident(lone_sandbox: Sandbox) -> None:
    called_by_itself = 30009169  # its instances return the answer when called
    assert list(unsound(lone_sandbox, [called_by_itself])) == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_more_hostile_answers_are_verdicts(sandbox: Sandbox) -> None:
    _check(sandbox, range(_SLOW_SEED, _SLOW_SEED + _NUM_SLOW))
