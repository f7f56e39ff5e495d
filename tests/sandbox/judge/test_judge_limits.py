"""What judging may use, and that one job's limits and draws do not reach the next."""

from __future__ import annotations

import pytest

from mucode_core.sandbox import Limits, ProcessSandbox
from mucode_core.types import StdinTest
from tests.sandbox.sandbox_jobs import make_job, run_jobs


def test_tests_that_draw_inputs_draw_the_same_each_time() -> None:
    test = "from random import randint\nassert f(randint(1, 10**9)) == 0"
    jobs = [make_job(f"def f(x): return x  # {i}", test) for i in range(3)]
    with ProcessSandbox(1) as sandbox:
        assert len({verdict.feedback for verdict in run_jobs(sandbox, jobs)}) == 1


def test_values_that_hold_themselves_take_no_time_to_compare_or_show() -> None:
    code = "import copy\ndef f(v):\n    for _ in range(3): v.append(v)\n    return copy.deepcopy(v)"
    with ProcessSandbox(1) as sandbox:
        (verdict,) = run_jobs(sandbox, [make_job(code, "assert not f(f([9]))", "assert len(f([9])) == 4")])
    assert (verdict.status, verdict.num_passed) == ("failed", 1)


def test_changes_too_large_for_the_programs_memory_are_told_apart() -> None:
    code = "def f(v):\n    v *= 1 << 23\n    return 0"
    test = "x = [1]\ntry: f(x)\nexcept Exception: pass"
    with ProcessSandbox(1) as sandbox:
        (verdict,) = run_jobs(sandbox, [make_job(code, test, limits=Limits(cpu_s=5, memory_mb=96))])
    assert (verdict.status, verdict.num_passed) == ("memory_exceeded", 0)


@pytest.mark.slow
def test_a_flood_of_output_is_a_wrong_answer() -> None:
    code = "import os\nb = b'\\xff ' * ((1 << 25) - 9)\nwhile b: b = b[os.write(1, b):]"
    job = make_job(code, StdinTest("", "5"), kind="stdin", entry_point="", limits=Limits(cpu_s=9, output_mb=64))
    with ProcessSandbox(1) as sandbox:
        (verdict,) = run_jobs(sandbox, [job])
        assert verdict.status == "failed"
        assert next(run_jobs(sandbox, [make_job("def f(x): return x", "assert f(1) == 1")])).passed


@pytest.mark.slow
def test_the_limit_of_one_job_does_not_end_later_ones() -> None:
    first = make_job("def f(x): return x", "assert f(1) == 1", limits=Limits(cpu_s=0.1))
    printing = "print('a ' * 12_000_000)"
    later = [
        make_job(f"{printing}  # {i}", StdinTest("", "a " * 9), kind="stdin", entry_point="", limits=Limits(cpu_s=5))
        for i in range(40)
    ]
    with ProcessSandbox(1) as sandbox:
        verdicts = list(run_jobs(sandbox, [first, *later]))
    assert {verdict.status for verdict in verdicts[1:]} == {"failed"}
