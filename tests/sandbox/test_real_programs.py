"""Real problems and their references; for real model programs see oracle/test_oracle.py."""

from __future__ import annotations

import pytest

from mucode_core.problems import load_problems
from mucode_core.sandbox import Job, Limits, ProcessSandbox
from mucode_core.types import Problem
from tests.conftest import real_data
from tests.sandbox.sandbox_jobs import run_jobs


def reference_job(problem: Problem, cpu_s: float) -> Job:
    assert problem.reference_solution is not None
    tests = problem.public_tests + problem.private_tests
    limits = Limits(cpu_s=cpu_s)
    return Job(problem.reference_solution, tests, "assert", problem.setup, problem.entry_point, limits)


def test_a_sample_of_mbpp_references_passes(sandbox: ProcessSandbox) -> None:
    problems = [p for p in load_problems("mbpp", real_data("mbpp.jsonl")) if p.problem_id != "mbpp/123"]
    chosen = problems[::17] + [p for p in problems if p.setup]
    verdicts = run_jobs(sandbox, [reference_job(p, 5) for p in chosen])
    assert [p.problem_id for p, v in zip(chosen, verdicts, strict=True) if not v.passed] == []


@pytest.mark.slow
def test_all_mbpp_references_pass(sandbox: ProcessSandbox) -> None:
    problems = load_problems("mbpp", real_data("mbpp.jsonl"))
    verdicts = run_jobs(sandbox, [reference_job(p, 20) for p in problems])
    assert [p.problem_id for p, v in zip(problems, verdicts, strict=True) if not v.passed] == []
    assert len(problems) == 974
