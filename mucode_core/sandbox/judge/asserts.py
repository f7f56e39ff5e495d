"""Tests that are Python source: executed here, on proxies of what the program defines."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import Any

from mucode_core.errors import ProblemError, SandboxError
from mucode_core.sandbox.base import Job
from mucode_core.sandbox.directories import Directory
from mucode_core.sandbox.judge import feedback as text
from mucode_core.sandbox.judge import test_suite
from mucode_core.sandbox.judge.lent.functions import MODULE
from mucode_core.sandbox.judge.lent.settings import Settings
from mucode_core.sandbox.judge.proxies import Channel
from mucode_core.sandbox.judge.proxy_classes import is_proxy
from mucode_core.sandbox.judge.recording.asked import ASK
from mucode_core.sandbox.judge.scores import Scores
from mucode_core.sandbox.judge.stops import Misbehaved, Stop
from mucode_core.sandbox.judge.suites.calls import RunTests
from mucode_core.sandbox.judge.suites.failures import fail_raised, require_imports
from mucode_core.sandbox.judge.syntax.definitions import find_definition
from mucode_core.sandbox.judge.syntax.names import BASE, NUMPY_NAMES
from mucode_core.sandbox.judge.zygote_client import Run
from mucode_core.types import CallTest


def leaves_traces(job: Job) -> bool:
    """Whether the tests of a job can change what those of the next job find in the judge's process.

    Raises:
        ProblemError: A test is of another kind, or not Python.
    """
    return job.kind == "assert" and bool(job.tests) and _compile(job).leaves_traces


def prepare_asserts(job: Job) -> tuple[Sequence[str], RunTests]:
    """The sources of the tests, and what runs them.

    Raises:
        ProblemError: See `leaves_traces`.
    """
    compiled = _compile(job)
    return compiled.sources[1:], partial(_run_asserts, job=job, compiled=compiled)


def _compile(job: Job) -> test_suite.Suite:
    tests = tuple(test for test in (*job.tests, *job.private_tests) if isinstance(test, str))
    if len(tests) != len(job.tests) + len(job.private_tests):
        raise ProblemError("a test of another kind in a problem of kind 'assert'", hint="fix the problem")
    return _compile_once(job.setup, tests, job.entry_point, job.records)


_compile_once = lru_cache(256)(test_suite.compile_suite)


def _run_asserts(run: Run, scores: Scores, job: Job, compiled: test_suite.Suite) -> Iterator[str | CallTest]:
    """Runs program, setup and tests; yields each test's text before the test runs."""
    channel = run.channel
    _equip(channel, compiled)
    module = sys.modules[MODULE] = types.ModuleType(MODULE)
    namespace = vars(module)
    namespace |= {**BASE, **test_suite.HELPERS}
    if scores.recorder is not None:
        namespace[ASK] = scores.recorder.ask
    if compiled.reads_numpy and "numpy" in sys.modules:
        namespace |= dict.fromkeys(NUMPY_NAMES, sys.modules["numpy"])
    try:
        given = _given(channel, compiled, job.code)
        channel.send({"source": job.code, "names": compiled.names, "given": given, "prelude": job.prelude})
        namespace.update(_offered(channel, compiled))
        channel.files = Directory(".") if compiled.works_with_files else None
        exec(compiled.setup, namespace)
        for number, name, _ in given:
            channel.mirror.give(namespace[name], number)
    except (ProblemError, SandboxError, Stop):
        raise
    except BaseException as error:  # noqa: BLE001 - the program's exceptions, of any class
        require_imports(compiled.sources[0], error, run)
        for score in scores.unfinished():
            fail_raised(score, "", error, run)
        return
    for index, (test, code) in enumerate(zip(compiled.sources[1:], compiled.tests, strict=True)):
        score = scores.begin(index, channel.num_calls, channel.num_delegated)
        yield test.strip()
        try:
            exec(code, namespace)
            channel.end_test()
        except test_suite.MismatchError as wrong:
            channel.end_test()
            if score.failure is None:
                shown = (text.show(wrong.got), text.show(wrong.expected))
                source = compiled.source_of(wrong.number)
                source = test.strip() if len(test) <= 2 * len(source) else source
                score.fail("failed", text.wrong_value(source, *shown, job.feedback))
        except (ProblemError, SandboxError, Stop):
            raise
        except BaseException as error:  # noqa: BLE001 - see above
            channel.end_test()
            require_imports(test, error, run)
            fail_raised(score, test.strip(), error, run)
        else:
            score.num_passed += 1


def _equip(channel: Channel, compiled: test_suite.Suite) -> None:
    channel.mirror.definition_of = compiled.definition_of
    if compiled.sets_alarms:
        channel.turn.hold_alarms()
    if compiled.settings:
        Settings(compiled.settings).watch(channel)


def _given(channel: Channel, compiled: test_suite.Suite, code: str) -> list[tuple[int, str, str]]:
    """Number, name and source of the classes of the setup that the program mentions: it has them from the start."""
    names = [name for name in compiled.setup_classes if re.search(rf"\b{name}\b", code)]
    definitions = [(name, find_definition(compiled.sources, name)) for name in names]
    return [(channel.mirror.reserve(), name, source) for name, source in definitions if source is not None]


def _offered(channel: Channel, compiled: test_suite.Suite) -> dict[str, Any]:
    answer = channel.receive()
    offered = answer[1] if answer[0] == "ready" and len(answer) == 2 else None
    if not isinstance(offered, dict) or not set(offered) <= set(compiled.names):
        raise Misbehaved("not a list of names")
    if any(isinstance(form, list) and form[:1] == ["function"] for form in offered.values()):
        raise Misbehaved("a function of the judge's")
    with channel.mirror.exchange:
        values = {name: channel.decode(form) for name, form in offered.items()}
    if any(not is_proxy(value) for value in values.values()):
        channel.num_calls += 1
    return values
