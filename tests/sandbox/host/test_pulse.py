"""Pauses of the machine are noticed, and what was late meanwhile is run again."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from mucode_core.sandbox import Limits, ProcessSandbox
from mucode_core.sandbox.host import pulse as pulse_module
from mucode_core.sandbox.host.judge_process import JudgeProcess
from mucode_core.sandbox.host.pulse import PAUSE_S, Pulse
from tests.sandbox.sandbox_jobs import make_job, run_jobs


@pytest.fixture
def pool() -> Iterator[ProcessSandbox]:
    with ProcessSandbox(1) as opened:
        yield opened


def test_a_pause_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    offset = 0.0
    clock = time.monotonic
    monkeypatch.setattr(pulse_module.time, "monotonic", lambda: clock() + offset)
    pulse = Pulse()
    start = pulse_module.time.monotonic()
    assert not pulse.has_paused_since(start)
    offset = PAUSE_S + 5
    assert pulse.has_paused_since(start)
    time.sleep(0.3)
    assert pulse.has_paused_since(start)
    pulse.close()
    assert not pulse.has_paused_since(start + offset + 60)


@pytest.mark.parametrize(("paused", "runs"), [(True, 2), (False, 1)])
def test_what_was_late_in_a_pause_is_run_again(
    pool: ProcessSandbox, monkeypatch: pytest.MonkeyPatch, paused: bool, runs: int
) -> None:
    asked: list[str] = []
    ask = JudgeProcess.ask

    def late_at_first(judge: JudgeProcess, *rest: object) -> dict[str, object]:
        answer = ask(judge, *rest)  # type: ignore[arg-type]
        asked.append("x")
        return (
            answer
            if len(asked) > 1
            else {**answer, "verdicts": [v | {"status": "timeout"} for v in answer["verdicts"]]}
        )

    monkeypatch.setattr(JudgeProcess, "ask", late_at_first)
    monkeypatch.setattr(Pulse, "has_paused_since", lambda *_: paused)
    (verdict,) = run_jobs(pool, [make_job("def f(x): return x", "assert f(4) == 4")])
    assert (verdict.status, len(asked)) == ("passed" if paused else "timeout", runs)


def test_answers_that_take_too_long_to_check_are_checked_again(
    pool: ProcessSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    ask = JudgeProcess.ask

    def note(judge: JudgeProcess, *rest: object) -> dict[str, object]:
        answer = ask(judge, *rest)  # type: ignore[arg-type]
        asked.append(answer["stalled"])
        return answer

    monkeypatch.setattr(JudgeProcess, "ask", note)
    test = "f(1)\nwhile True: pass"
    (verdict,) = run_jobs(pool, [make_job("def f(x): return x", test, limits=Limits(cpu_s=0.1))])
    assert (verdict.status, asked) == ("timeout", [True, True])
