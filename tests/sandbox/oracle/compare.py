"""The sandbox's verdicts beside the oracle's, and what is left of a program that they disagree on."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mucode_core.errors import SandboxError
from mucode_core.sandbox import Job, Limits, Sandbox
from mucode_core.sandbox.base import UNCALLED
from mucode_core.types import StdinTest, Verdict
from tests.sandbox.oracle.exceptions import reason_for
from tests.sandbox.oracle.interpreter import LATE, Case, Interpreter, Outcome

_LIMITS = Limits(cpu_s=2.0, memory_mb=1024)
_UNHURRIED_S = 60
"""CPU seconds for whatever was late on one side: how long a program takes is not what is compared."""
_BATCH = 200


@dataclass(frozen=True)
class Disagreement:
    """A case on which sandbox and oracle differ."""

    case: Case
    outcome: Outcome
    verdict: Verdict

    @property
    def kind(self) -> str:
        """Which way they differ: a wrong pass is worse than a wrong failure."""
        if self.verdict.status == "fault":  # type: ignore[comparison-overlap]
            return "no verdict"
        wrong_pass = self.verdict.num_passed > sum(self.outcome.passed)
        return "wrong pass" if wrong_pass else "wrong failure"

    def shown(self) -> str:
        """Program, tests and both verdicts, for a reader."""
        oracle = " ".join(
            "pass" if ok else f"fail ({why})" for ok, why in zip(self.outcome.passed, self.outcome.detail, strict=True)
        )
        last = self.verdict.feedback.strip().rpartition("\n")[2]
        parts = [f"### {self.kind}: {self.case.kind}", "```python", self.case.code.strip()]
        parts += ["# setup", self.case.setup.strip()] if self.case.setup else []
        given = [] if self.case.input is None else [f"# input: {self.case.input!r}; expected: {self.case.tests[0]!r}"]
        for test in given or self.case.tests:
            parts += ["# test", test]
        status = f"{self.verdict.status}, {self.verdict.num_passed} of {self.verdict.num_tests}: {last}"
        return "\n".join([*parts, "```", f"CPython: {oracle}", f"sandbox: {status}", ""])


def job_of(case: Case, cpu_s: float = _LIMITS.cpu_s) -> Job:
    """The sandbox's job for a case."""
    limits = replace(_LIMITS, cpu_s=cpu_s)
    if case.input is not None:
        return Job(case.code, (StdinTest(case.input, case.tests[0]),), "stdin", "", "", limits)
    return Job(case.code, case.tests, "assert", case.setup, case.entry_point, limits)


def judge(sandbox: Sandbox, cases: Sequence[Case], cpu_s: float = _LIMITS.cpu_s) -> list[Verdict]:
    """One verdict per case; see `judge_jobs`."""
    jobs = [job_of(case, cpu_s) for case in cases]
    return [
        verdict
        for start in range(0, len(jobs), _BATCH)
        for verdict in judge_jobs(sandbox, jobs[start : start + _BATCH])
    ]


def judge_jobs(sandbox: Sandbox, jobs: Sequence[Job]) -> list[Verdict]:
    """One verdict per job; status "fault" where there is none because the judge blames the problem or itself."""
    try:
        outcomes = list(sandbox.run(jobs))
    except SandboxError as error:
        if len(jobs) == 1:
            return [_fault(jobs[0], error)]
        middle = len(jobs) // 2
        return judge_jobs(sandbox, jobs[:middle]) + judge_jobs(sandbox, jobs[middle:])
    pairs = zip(jobs, outcomes, strict=True)
    return [outcome[0] if isinstance(outcome, tuple) else _fault(job, outcome) for job, outcome in pairs]


def _fault(job: Job, error: object) -> Verdict:
    return Verdict("fault", 0, len(job.tests), str(error), 0.0)  # type: ignore[arg-type]


def disagreements(
    sandbox: Sandbox, oracle: Interpreter, cases: Sequence[Case], verdicts: Sequence[Verdict] | None = None
) -> Iterator[Disagreement]:
    """The cases, outside the documented exceptions, that the two judge differently.

    `verdicts` are what `judge` has found for the cases, where it has been asked already.
    """
    for case, verdict in zip(cases, judge(sandbox, cases) if verdicts is None else verdicts, strict=True):
        if reason_for(case) is None and (found := _compare(sandbox, oracle, case, verdict)):
            yield found


def _compare(sandbox: Sandbox, oracle: Interpreter, case: Case, verdict: Verdict) -> Disagreement | None:
    """How the two differ; where one was late, both run the program again without hurry before that counts."""
    outcome = oracle.run(case)
    found = _differ(case, outcome, verdict)
    was_late = verdict.status == "timeout" or verdict.cpu_s >= _LIMITS.cpu_s  # the status is of the first failure
    if found and (was_late or LATE in outcome.detail):
        (verdict,) = judge_jobs(sandbox, [job_of(case, _UNHURRIED_S)])
        found = _differ(case, oracle.run(case, _UNHURRIED_S), verdict)
    return found


def _differ(case: Case, outcome: Outcome, verdict: Verdict) -> Disagreement | None:
    if verdict.feedback.endswith(UNCALLED):  # no evidence for a program: documented, and not what is measured here
        return None
    agree = verdict.num_passed == sum(outcome.passed) and verdict.passed == all(outcome.passed)
    return None if agree else Disagreement(case, outcome, verdict)


def minimise(sandbox: Sandbox, oracle: Interpreter, found: Disagreement, num_tries: int = 300) -> Disagreement:
    """The disagreement with tests and statements removed for as long as it stays one of the same kind."""
    if found.verdict.status == "timeout":
        return found  # each try would take its whole limit
    tries = 0

    def still(case: Case) -> Disagreement | None:
        nonlocal tries
        tries += 1
        (verdict,) = judge(sandbox, [case])
        smaller = None if reason_for(case) else _compare(sandbox, oracle, case, verdict)
        return smaller if smaller and smaller.kind == found.kind else None

    best = found
    if len(found.case.tests) > 1:
        best = next(filter(None, (still(replace(found.case, tests=(test,))) for test in found.case.tests)), found)
    progress = True
    while progress and tries < num_tries:
        progress = False
        for smaller in _smaller(best.case):
            if tries < num_tries and (left := still(smaller)):
                best, progress = left, True
                break
    return best


def _smaller(case: Case) -> Iterator[Case]:
    """The case with one statement less, the longest first."""
    for code in _without_a_statement(case.code):
        yield replace(case, code=code)
    for setup in _without_a_statement(case.setup):
        yield replace(case, setup=setup)
    if case.input is None:
        for index, test in enumerate(case.tests):
            for shorter in _without_a_statement(test):
                yield replace(case, tests=(*case.tests[:index], shorter, *case.tests[index + 1 :]))


def _without_a_statement(source: str) -> list[str]:
    blocks = [
        (number, name)
        for number, node in enumerate(ast.walk(ast.parse(source)))
        for name in ("body", "orelse", "finalbody")
        if isinstance(getattr(node, name, None), list)
    ]
    found: list[str] = []
    for number, name in blocks:
        size = len(getattr(list(ast.walk(ast.parse(source)))[number], name))
        for index in range(size):
            tree = ast.parse(source)
            block = getattr(list(ast.walk(tree))[number], name)
            del block[index]
            if not block and name == "body" and number:
                block.append(ast.Pass())
            text = ast.unparse(ast.fix_missing_locations(tree))
            if len(text) < len(source.strip()):
                found.append(text)
    return sorted(set(found), key=len)
