from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from hypothesis import given
from hypothesis import strategies as st

from mucode_core.sandbox.base import Job, Limits, Verdicts
from mucode_core.sandbox.grading import NO_CODE_FEEDBACK, grade_programs
from mucode_core.types import Problem, Verdict
from tests.conftest import make_problem


class ScriptedSandbox:
    """Passes programs that spell 'right'; says in the feedback what it ran; takes jobs `ahead` of its verdicts."""

    isolation = "none"

    def __init__(self, ahead: int = 1) -> None:
        self.jobs: list[Job] = []
        self._ahead = ahead

    def run(self, jobs: Iterable[Job]) -> Iterator[Verdicts]:
        waiting: list[Job] = []
        for job in jobs:
            self.jobs.append(job)
            waiting.append(job)
            if len(waiting) >= self._ahead:
                yield self._judge(waiting.pop(0))
        yield from map(self._judge, waiting)

    def _judge(self, job: Job) -> Verdicts:
        def verdict(tests: tuple[object, ...]) -> Verdict:
            if not tests:
                return Verdict("passed", 0, 0, "", 0.0)
            passed = job.code == "right"
            return Verdict("passed" if passed else "failed", int(passed), len(tests), f"{job.code}{tests}", 0.0)

        return verdict(job.tests), verdict(job.private_tests)

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def grade(sandbox: ScriptedSandbox, rows: Iterable[tuple[Problem, str | None]]) -> list[tuple[Verdict, Verdict]]:
    return list(grade_programs(sandbox, rows, limits=Limits(), feedback="brief"))


_tests = st.lists(st.sampled_from(["a", "b"]), max_size=2).map(tuple)
_rows = st.lists(st.tuples(_tests, _tests, st.sampled_from([None, "right", "wrong"])), max_size=12)


@given(_rows, st.integers(1, 5))
def test_each_row_gets_its_own_verdicts_in_order(
    rows: list[tuple[tuple[str, ...], tuple[str, ...], str | None]], ahead: int
) -> None:
    problems = [make_problem(public_tests=public, private_tests=private) for public, private, _ in rows]
    codes = [code for *_, code in rows]
    found = grade(ScriptedSandbox(ahead), zip(problems, codes, strict=True))
    assert len(found) == len(rows)
    for (public, private, code), verdicts in zip(rows, found, strict=True):
        for tests, verdict in zip((public, private), verdicts, strict=True):
            if code is None:
                assert verdict == Verdict("no_code", 0, len(tests), NO_CODE_FEEDBACK, 0.0)
            elif not tests:
                assert verdict == Verdict("passed", 0, 0, "", 0.0)
            else:
                assert verdict.feedback == f"{code}{tests}"
                assert verdict.passed is (code == "right")


def test_the_problems_time_limit_wins() -> None:
    sandbox = ScriptedSandbox()
    grade(sandbox, [(make_problem(time_limit_s=7.5), "right"), (make_problem(), "right")])
    assert [job.limits.cpu_s for job in sandbox.jobs] == [7.5, Limits().cpu_s]


def test_public_and_private_tests_share_a_run_and_are_judged_apart() -> None:
    sandbox = ScriptedSandbox()
    problem = make_problem(setup="x = 1")
    grade(sandbox, [(problem, "right")])
    assert [(job.tests, job.private_tests) for job in sandbox.jobs] == [(problem.public_tests, problem.private_tests)]
    assert {(job.setup, job.entry_point, job.feedback) for job in sandbox.jobs} == {("x = 1", "f", "brief")}


def test_rows_are_taken_as_needed() -> None:
    taken = 0

    def rows() -> Iterator[tuple[Problem, str]]:
        nonlocal taken
        for _ in range(1000):
            taken += 1
            yield make_problem(), "right"

    verdicts = grade_programs(ScriptedSandbox(ahead=8), rows(), limits=Limits(), feedback="full")
    next(verdicts)
    assert taken <= 8
