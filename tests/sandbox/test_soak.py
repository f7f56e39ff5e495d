"""Thousands of hostile and honest programs in random order: right verdicts, nothing left, memory flat.

`MUCODE_SOAK_JOBS` sets how many programs are run.
"""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from mucode_core.problems import load_problems
from mucode_core.sandbox import Job, Limits, Sandbox
from tests.conftest import real_data
from tests.sandbox.attacks.groups import GROUPS
from tests.sandbox.sandbox_jobs import open_backend
from tests.sandbox.traces import helpers, traces

NUM_JOBS = int(os.environ.get("MUCODE_SOAK_JOBS", "1000"))
GROWTH_MB = 96
"""Of one helper, from the first tenth of the run on: what the allocator keeps of the largest answer, and no more."""
TOO_SLOW = ("mbpp/123",)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ["process", pytest.param("container", marks=pytest.mark.docker)])
def test_hostile_and_honest_programs_in_random_order(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    jobs = draw_jobs(random.Random(0), NUM_JOBS)
    warm_up = NUM_JOBS // 10
    with open_backend(name, 2) as sandbox:
        wrong = run_checked(sandbox, jobs[:warm_up])
        before = memory_mb()
        wrong += run_checked(sandbox, jobs[warm_up:])
        after = memory_mb()
        left = traces()
    with capsys.disabled():
        print(f"\n{NUM_JOBS} programs; resident memory of helpers, MB: {before} after {warm_up}, {after} at the end")
    assert wrong == []
    assert left == []
    assert all(mb - before.get(helper, mb) < GROWTH_MB for helper, mb in after.items())


def draw_jobs(draw: random.Random, count: int) -> list[tuple[Job, bool]]:
    """Jobs and whether each must pass: half attacks, half real programs; no two are the same."""
    attacks = [attack for rows in GROUPS.values() for attack in rows.values() if not attack.slow]
    problems = [p for p in load_problems("mbpp", real_data("mbpp.jsonl")) if p.problem_id not in TOO_SLOW]
    jobs: list[tuple[Job, bool]] = []
    for serial in range(count):
        if draw.random() < 0.5:
            attack = draw.choice(attacks)
            job, passes = attack.job(), attack.passes
        else:
            p = draw.choice(problems)
            tests = p.public_tests + p.private_tests
            job = Job(p.reference_solution or "", tests, "assert", p.setup, p.entry_point, Limits(cpu_s=10))
            passes = True
        jobs.append((replace(job, code=f"{job.code}\n# {serial}"), passes))
    return jobs


def run_checked(sandbox: Sandbox, jobs: list[tuple[Job, bool]]) -> list[str]:
    """The programs whose verdict is not what it must be."""
    verdicts = sandbox.run(job for job, _ in jobs)
    pairs = zip(jobs, verdicts, strict=True)
    return [f"{public}\n{job.code[:500]}" for (job, passes), (public, _) in pairs if public.passed is not passes]


def memory_mb() -> dict[str, int]:
    """Resident memory by helper; a helper that was replaced has another number."""
    names = {pid: "judge" if "judge.judge" in words else "zygote" for pid, words in helpers().items()}
    return {f"{name} {pid}": int(Path(f"/proc/{pid}/statm").read_text().split()[1]) >> 8 for pid, name in names.items()}
