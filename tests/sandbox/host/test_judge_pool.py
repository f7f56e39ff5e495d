"""What a pool of judges does for its jobs, whatever houses them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from mucode_core.sandbox import Limits, ProcessSandbox
from mucode_core.sandbox.host import judge_process
from mucode_core.sandbox.host.judge_pool import _RunLock
from mucode_core.sandbox.host.judge_process import JudgeProcess
from tests.sandbox.sandbox_jobs import make_job, run_jobs

BURN = "import time\ndef f(seconds):\n    while time.process_time() < seconds: pass\n    return 4"


@pytest.fixture
def pool() -> Iterator[ProcessSandbox]:
    with ProcessSandbox(1) as opened:
        yield opened


def test_a_program_late_by_little_is_run_again_and_then_late(
    pool: ProcessSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ask = JudgeProcess.ask
    monkeypatch.setattr(
        JudgeProcess, "ask", lambda judge, job, message: (asked.append("x"), ask(judge, job, message))[1]
    )
    job = make_job(BURN, "assert f(1.04) == 4", limits=Limits(cpu_s=1.0))
    (verdict,) = run_jobs(pool, [job])
    assert (verdict.status, verdict.num_passed) == ("timeout", 0)
    assert verdict.feedback == "TimeoutError: the program took longer than 1 s"
    assert len(asked) == 2


def test_a_second_run_in_time_counts(pool: ProcessSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = JudgeProcess.ask
    late = iter([True, False])
    monkeypatch.setattr(JudgeProcess, "ask", lambda *rest: {**ask(*rest), "late": next(late)})
    (verdict,) = run_jobs(pool, [make_job("def f(x): return x", "assert f(4) == 4")])
    assert verdict.passed


def test_a_program_in_time_is_run_once(pool: ProcessSandbox) -> None:
    (verdict,) = run_jobs(pool, [make_job(BURN, "assert f(0.6) == 4", limits=Limits(cpu_s=1.0))])
    assert verdict.passed


def test_a_job_that_comes_again_is_not_run_again(pool: ProcessSandbox) -> None:
    job = make_job("import time\ndef f(x): return time.perf_counter_ns()", "assert f(1) == 2")
    first, second = run_jobs(pool, [job, job])
    (third,) = run_jobs(pool, [job])
    assert first.feedback == second.feedback == third.feedback
    (other,) = run_jobs(pool, [make_job(job.code, "assert f(1) == 2", limits=Limits(cpu_s=1.5))])
    assert other.feedback != first.feedback


def test_tests_that_wait_for_ever_are_the_problems_fault(pool: ProcessSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge_process, "_WATCH_EXTRA_S", 0.5)
    waiting = make_job("def f(x): return x", "import time\ntime.sleep(3600)", limits=Limits(cpu_s=0.1))
    (verdict,) = run_jobs(pool, [waiting])
    assert (verdict.status, verdict.feedback) == ("not_judged", "its tests do not end: they wait for something")
    monkeypatch.undo()
    (verdict,) = run_jobs(pool, [make_job("def f(x): return x", "assert f(4) == 4")])
    assert verdict.passed


def test_a_judge_that_has_met_slow_answers_is_replaced(pool: ProcessSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    judges: list[JudgeProcess] = []
    ask = JudgeProcess.ask
    monkeypatch.setattr(
        JudgeProcess, "ask", lambda judge, job, message: (judges.append(judge), ask(judge, job, message))[1]
    )
    slow = make_job("def f(x): return x", "f(1)\nwhile True: pass", limits=Limits(cpu_s=0.1))
    verdicts = run_jobs(pool, [slow, make_job("def f(x): return x", "assert f(4) == 4")])
    assert [verdict.status for verdict in verdicts] == ["timeout", "passed"]
    assert len({id(judge) for judge in judges}) == 2


def test_alone_waits_for_all_and_all_wait_for_alone() -> None:
    run_lock, inside, most = _RunLock(), [0, 0], [0, 0]

    def work(index: int) -> None:
        for _ in range(30):
            with run_lock.together() if index else run_lock.alone():
                inside[index > 0] += 1
                most[index > 0] = max(most[index > 0], inside[index > 0])
                assert not (inside[0] and inside[1])
                time.sleep(0.001)
                inside[index > 0] -= 1

    threads = [threading.Thread(target=work, args=(index,)) for index in (0, 0, 1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert most[0] == 1
    assert most[1] > 1
