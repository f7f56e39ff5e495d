"""Time limits of reference solutions."""

from __future__ import annotations

from mucode_core.problems.budgets import check_references, set_time_limits
from mucode_core.sandbox.base import Limits
from tests.conftest import make_problem
from tests.sandbox.test_grading import ScriptedSandbox


def test_references_run_with_their_problems_limit_or_a_generous_one() -> None:
    sandbox = ScriptedSandbox()
    rows = [make_problem("own", reference_solution="right", time_limit_s=7.5), make_problem(reference_solution="right")]
    assert [problem.problem_id for problem, _, _ in check_references(rows, sandbox, Limits())] == ["own", "p"]
    own, ample = (job.limits.cpu_s for job in sandbox.jobs)
    assert own == 7.5
    assert ample >= 60


def test_references_of_problems_with_a_limit_are_not_run_for_one() -> None:
    sandbox = ScriptedSandbox()
    rows = [make_problem(str(i), reference_solution="right", time_limit_s=7.5 if i % 2 else None) for i in range(5)]
    limited = list(set_time_limits(rows, sandbox, Limits()))
    assert [(p.problem_id, p.time_limit_s) for p in limited] == [("0", 1), ("1", 7.5), ("2", 1), ("3", 7.5), ("4", 1)]
    assert len(sandbox.jobs) == 3
