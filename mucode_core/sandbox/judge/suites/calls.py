"""Tests that are calls: arguments and expected value as JSON, the value compared here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from mucode_core.errors import ProblemError, SandboxError
from mucode_core.sandbox.base import Job
from mucode_core.sandbox.guest.calls import NODES
from mucode_core.sandbox.judge import feedback as text
from mucode_core.sandbox.judge.recording.recorder import Recorder
from mucode_core.sandbox.judge.scores import Score, Scores
from mucode_core.sandbox.judge.suites.failures import fail_raised
from mucode_core.sandbox.judge.suites.values import as_json, values_match
from mucode_core.sandbox.judge.zygote_client import Run
from mucode_core.types import CallTest, Comparison

RunTests = Callable[[Run, Scores], Iterator[str | CallTest]]
"""Runs all tests against a program that awaits its source; yields each test before it runs."""


def prepare_calls(job: Job) -> tuple[Sequence[str], RunTests]:
    """No sources besides the setup, and what runs the tests.

    Raises:
        ProblemError: There is a test of another kind, or nothing to call.
    """
    tests = [test for test in (*job.tests, *job.private_tests) if isinstance(test, CallTest)]
    if len(tests) != len(job.tests) + len(job.private_tests):
        raise ProblemError("a test of another kind in a problem of kind 'call'", hint="fix the problem")
    if not job.entry_point:
        raise ProblemError("no entry point to call", hint="name the function, or the method as Solution.method")
    return (), partial(_run_calls, job=job, tests=tests)


def show_call(test: CallTest, entry_point: str) -> str:
    """The test as an assert, for feedback.

    Raises:
        ProblemError: Its arguments or its value are not JSON.
    """
    try:
        return f"assert {test.as_source(entry_point)}"
    except (ValueError, RecursionError) as error:
        hint = "write arguments and values as JSON"
        raise ProblemError(f"not JSON: {error}", location="a call", hint=hint) from error


def _run_calls(run: Run, scores: Scores, job: Job, tests: Sequence[CallTest]) -> Iterator[CallTest]:
    channel = run.channel
    try:
        # the setup is for the program: there is no other code of the tests
        prelude = f"{NODES}\n{job.prelude}\n{job.setup}"
        channel.send({"source": job.code, "names": [], "given": [], "prelude": prelude})
        if channel.receive() != ["ready", {}]:
            raise channel.refuse("not ready")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the program's exceptions, of any class
        for score in scores.unfinished():
            fail_raised(score, "", error, run)
        return
    for index, test in enumerate(tests):
        score = scores.begin(index, channel.num_calls, channel.num_delegated)
        yield test
        _run_call(run, score, test, index, job)


def _run_call(run: Run, score: Score, test: CallTest, index: int, job: Job) -> None:
    wanted = [_parse(value, index) for value in (test.expected, *test.alternatives)]
    try:
        got = run.channel.ask("call_entry_point", 0, (test.arguments, job.in_place), name=job.entry_point)
        _judge_value(score, test, got, wanted, job)
    except (ProblemError, SandboxError):
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - see above
        _parse(test.arguments, index)
        fail_raised(score, show_call(test, job.entry_point), error, run)


def _judge_value(score: Score, test: CallTest, got: Any, wanted: list[Any], job: Job) -> None:
    """Notes what a call returned; a value that holds itself, or nests too deep, raises."""
    if score.recorder is not None:
        _record(score.recorder, got, job.compare)
    elif any(values_match(got, value, job.compare) for value in wanted):
        score.num_passed += 1
    else:
        values = text.show(got), text.show(wanted[0])
        score.fail("failed", text.wrong_value(show_call(test, job.entry_point), *values, job.feedback))


def _record(recorder: Recorder, got: Any, compare: Comparison) -> None:
    """Notes what a call returned, as JSON has it and as the problem's rule reads it."""
    is_ordered = compare.rule != "unordered"
    is_set = type(got) in (set, frozenset)
    recorder.add(as_json(list(got) if is_set and not is_ordered else got), is_ordered)


def _parse(value: str, index: int) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        hint = "write arguments and values as JSON"
        raise ProblemError(f"not JSON: {error}", location=f"test {index + 1}", hint=hint) from error
