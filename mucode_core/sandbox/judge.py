"""The trusted side: executes the tests, calls the program by message, and decides.

A process of its own, one a worker, so that what a program answers can stall or exhaust nothing but this process.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import resource
import signal
import socket
import sys
import time
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from tempfile import TemporaryFile
from typing import Any

from mucode_core.errors import SandboxError
from mucode_core.sandbox import feedback as text
from mucode_core.sandbox import remote, suite
from mucode_core.sandbox.base import FeedbackStyle, Job, Limits, Verdicts
from mucode_core.sandbox.launch import read_frame, write_frame
from mucode_core.sandbox.lockdown import die_with_parent, hide_memory, stay_on
from mucode_core.sandbox.stdio import outputs_match
from mucode_core.sandbox.zygotes import Run, Zygotes, launch_behind, launch_here
from mucode_core.types import StdinTest, Verdict, VerdictStatus

_NUMPY = re.compile(r"\bnumpy\b|\bnp\.")
_CACHED_SUITES = 256
_MEMORY = 4 << 30
_FINAL = ("timeout", "memory_exceeded", "output_exceeded")
"""What ends a program's run on further inputs."""
_LATE = 1.1
"""How much of its CPU seconds a program may use before it is ended; more than all of them is late."""
_CPU_S, _CPU_PER_PROGRAM_S, _CPU_GRACE_S = 4.0, 2.0, 3


class _Stalled(remote.Stop):
    """Judging took more CPU than it may: the program's answers are made to be slow."""


@dataclass
class _Score:
    """What is known so far; the first failure decides status and feedback."""

    code: str
    style: FeedbackStyle
    num_tests: int
    num_passed: int = 0
    failure: tuple[VerdictStatus, str] | None = field(default=None)

    def fail(self, status: VerdictStatus, feedback: str) -> None:
        if self.failure is None:
            self.failure = (status, feedback)

    def fail_raised(self, test: str, name: str, message: str, frames: str, status: VerdictStatus = "error") -> None:
        self.fail(status, text.raised(test, text.tidy(name), text.tidy(message), frames, self.style))

    def verdict(self, cpu_s: float) -> Verdict:
        status, feedback = self.failure or ("passed", "")
        return Verdict(status, self.num_passed, self.num_tests, feedback, cpu_s)


class _Scores:
    """The scores of a job's two sets of tests, which run one after the other."""

    def __init__(self, job: Job) -> None:
        self.public = _Score(job.code, job.feedback, len(job.tests))
        self.private = _Score(job.code, job.feedback, len(job.private_tests))
        self._next = 0
        self._calls_before_private = 0

    def begin(self, index: int, num_calls: int) -> _Score:
        """The score that test number `index` counts for, now that it begins."""
        self._next = index + 1
        if index < self.public.num_tests:
            return self.public
        if index == self.public.num_tests:
            self._calls_before_private = num_calls
        return self.private

    def unfinished(self) -> list[_Score]:
        """Where a test was running or still to come when the program stopped."""
        ended_public = self._next > self.public.num_tests
        return [self.private] if ended_public else [s for s in (self.public, self.private) if s.num_tests]

    def uncalled(self, num_calls: int) -> list[_Score]:
        """Scores without a failure although none of their tests called the program."""
        in_public = self._calls_before_private if self._next > self.public.num_tests else num_calls
        calls = [(self.public, in_public), (self.private, num_calls)]
        return [score for score, count in calls if count == 0 and score.num_tests and score.failure is None]


class Judge:
    """Runs jobs one after another."""

    def __init__(self, zygotes: Zygotes) -> None:
        self._zygotes = zygotes

    def run(self, job: Job) -> Verdicts:
        """The verdicts on one job's tests and private tests.

        Programs have a little more than their CPU seconds: the first verdict's `cpu_s` tells who was late by little.

        Raises:
            SandboxError: The job's own test code is broken.
        """
        scores = _Scores(job)
        used_s = 0.0
        try:
            if job.tests:
                used_s = self._run_stdin(job, scores) if job.kind == "stdin" else self._run_asserts(job, scores)
            else:
                scores.public.fail_raised("", "RuntimeError", "there are no tests", "")
        except MemoryError:
            for score in scores.unfinished():
                score.fail_raised("", "MemoryError", "the answer is too large", "", "memory_exceeded")
        return scores.public.verdict(used_s), scores.private.verdict(0.0)

    def _run_asserts(self, job: Job, scores: _Scores) -> float:
        """Runs all tests in one process; returns the CPU seconds it used."""
        tests = tuple(test for test in (*job.tests, *job.private_tests) if isinstance(test, str))
        if len(tests) != len(job.tests) + len(job.private_tests):
            raise SandboxError("an input/output test in a problem of kind 'assert'", cure="mend the problem")
        compiled = _compile(job.setup, tests, job.entry_point)
        needs_numpy = any(_NUMPY.search(source) for source in (job.code, job.setup, *tests))
        run = self._zygotes.start(needs_numpy, _widen(job.limits), [])
        place = ""
        try:
            with _CLOCK.limiting(job.limits):
                for test in _tests_of(run, job, tests, compiled, scores):
                    place = test
        except remote.Stop as stop:
            run.finish()
            for score in scores.unfinished():
                _fail_stopped(score, place, stop, run, job.limits)
        finally:
            run.finish()
        for score in scores.uncalled(run.channel.num_calls):
            score.fail_raised("", "RuntimeError", "no test called the program", "")
        return run.cpu_s

    def _run_stdin(self, job: Job, scores: _Scores) -> float:
        used_s = 0.0
        for index, test in enumerate((*job.tests, *job.private_tests)):
            if not isinstance(test, StdinTest):
                raise SandboxError("an assert in a problem of kind 'stdin'", cure="mend the problem")
            if any(s.failure is not None and s.failure[0] in _FINAL for s in (scores.public, scores.private)):
                for score in scores.unfinished():
                    score.failure = score.failure or scores.public.failure
                break
            used_s += self._run_one_stdin(job, test, scores.begin(index, 0), used_s)
        return used_s

    def _run_one_stdin(self, job: Job, test: StdinTest, score: _Score, used_s: float) -> float:
        """Runs the program on one input; returns the CPU seconds it used."""
        place = f"Input:\n{test.input.rstrip()}"
        with TemporaryFile() as given, TemporaryFile() as taken:
            given.write(test.input.encode())
            given.flush()
            given.seek(0)
            streams = [given.fileno(), taken.fileno()]
            run = self._zygotes.start(bool(_NUMPY.search(job.code)), _widen(job.limits), streams, used_s)
            ending = _await_exit(run, job.code)
            if os.fstat(taken.fileno()).st_size >= job.limits.output_mb << 20:
                score.fail_raised(place, "RuntimeError", "the program printed too much", "", "output_exceeded")
                return run.cpu_s
            taken.seek(0)
            printed = taken.read().decode("utf-8", "replace")
        if isinstance(ending, remote.Stop):
            _fail_stopped(score, place, ending, run, job.limits)
        elif ending is not None:
            _fail_raised(score, place, ending, run)
        elif outputs_match(printed, test.output):
            score.num_passed += 1
        else:
            shown = text.wrong_value(place, printed.strip(), test.output.strip(), job.feedback)
            score.fail("failed", text.tidy(shown))
        return run.cpu_s


def _widen(limits: Limits) -> Limits:
    return replace(limits, cpu_s=limits.cpu_s * _LATE)


def _await_exit(run: Run, code: str) -> Exception | remote.Stop | None:
    """Runs a program that reads and prints; what it ended with, None for a plain exit."""
    try:
        run.channel.send({"source": code, "names": None})
        run.channel.receive()
    except remote.Stop as stop:
        run.finish()
        return None if isinstance(stop, remote.ProgramGone) and run.exited_well else stop
    except Exception as error:  # noqa: BLE001 - the exception that the program reports
        return None if _is_plain_exit(run, error) else error
    finally:
        run.finish()
    return None


@lru_cache(_CACHED_SUITES)
def _compile(setup: str, tests: tuple[str, ...], entry_point: str) -> suite.Suite:
    return suite.compile_suite(setup, tests, entry_point)


def _tests_of(run: Run, job: Job, tests: tuple[str, ...], compiled: suite.Suite, scores: _Scores) -> Iterator[str]:
    """Runs program, setup and tests; yields each test's text before the test runs."""
    channel = run.channel
    channel.write_back = compiled.write_back
    namespace = {**suite.BASE, **suite.HELPERS}
    random.seed(0)  # some tests draw their inputs
    try:
        channel.send({"source": job.code, "names": compiled.names})
        namespace.update(_offered(channel, compiled))
        exec(compiled.setup, namespace)
    except SandboxError:
        raise
    except Exception as error:  # noqa: BLE001 - the program's exceptions, of any class
        for score in scores.unfinished():
            _fail_raised(score, "", error, run)
        return
    for index, (test, code) in enumerate(zip(tests, compiled.tests, strict=True)):
        score = scores.begin(index, channel.num_calls)
        yield test.strip()
        try:
            exec(code, namespace)
            _end_with(channel)
        except suite.MismatchError as wrong:
            shown = (text.show(wrong.got), text.show(wrong.expected))
            source = compiled.source_of(wrong.number)
            source = test.strip() if len(test) <= 2 * len(source) else source
            score.fail("failed", text.wrong_value(source, *shown, job.feedback))
        except SandboxError:
            raise
        except Exception as error:  # noqa: BLE001 - see above
            _fail_raised(score, test.strip(), error, run)
        else:
            score.num_passed += 1


def _end_with(channel: remote.Channel) -> None:
    """Ends the job of a program that has ended, where a bare `except` of the test hid it."""
    if channel.ending is not None:
        raise channel.ending


def _offered(channel: remote.Channel, compiled: suite.Suite) -> dict[str, Any]:
    answer = channel.receive()
    offered = answer[1] if answer[0] == "ready" and len(answer) == 2 else None
    if not isinstance(offered, dict) or not set(offered) <= set(compiled.names):
        raise remote.Misbehaved("not a list of names")
    values = {name: channel.decode(form) for name, form in offered.items()}
    if any(not isinstance(value, remote.ProgramObject) for value in values.values()):
        channel.num_calls += 1
    return values


def _is_plain_exit(run: Run, error: Exception) -> bool:
    told = run.channel.error
    return (
        told is not None and told[0] is error and told[1].name == "SystemExit" and told[1].message in ("", "0", "None")
    )


def _fail_raised(score: _Score, test: str, error: Exception, run: Run) -> None:
    told = run.channel.error
    if told is not None and told[0] is error:
        frames = text.traceback_lines(score.code, told[1].frames)
        status: VerdictStatus = "memory_exceeded" if told[1].name == "MemoryError" else "error"
        score.fail_raised(test, told[1].name, told[1].message, frames, status)
    elif isinstance(error, MemoryError):
        score.fail_raised(test, "MemoryError", "the answer is too large", "", "memory_exceeded")
    else:
        is_assert = isinstance(error, AssertionError)
        score.fail_raised(test, type(error).__name__, text.message_of(error), "", "failed" if is_assert else "error")


def _fail_stopped(score: _Score, test: str, stop: remote.Stop, run: Run, limits: Limits) -> None:
    if isinstance(stop, _Stalled):
        score.fail_raised(test, "TimeoutError", "checking the answer took too long", "", "timeout")
    elif isinstance(stop, remote.OutputExceeded):
        score.fail_raised(test, "RuntimeError", "the answer is too large", "", "output_exceeded")
    elif isinstance(stop, remote.Misbehaved):
        score.fail_raised(test, "RuntimeError", "the answer is not a value", "")
    elif run.timed_out:
        score.fail_raised(test, "TimeoutError", f"the program took longer than {limits.cpu_s:g} s", "", "timeout")
    else:
        score.fail_raised(test, "RuntimeError", "the program ended before its tests did", "")


class _Clock:
    """Bounds the CPU of judging a program: an exception first, the kernel's SIGXCPU if stuck in one operation."""

    def __init__(self) -> None:
        self._running = False

    @contextlib.contextmanager
    def limiting(self, limits: Limits) -> Generator[None]:
        """Raises `_Stalled` in the block once it has used its CPU seconds, and never outside it."""
        allowed = _CPU_S + _CPU_PER_PROGRAM_S * limits.cpu_s
        soft = int(time.process_time() + allowed) + _CPU_GRACE_S
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        self._running = True
        signal.setitimer(signal.ITIMER_PROF, allowed)
        try:
            yield
        finally:
            self._running = False
            signal.setitimer(signal.ITIMER_PROF, 0)
            hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
            resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))

    def ring(self, number: int, frame: object) -> None:
        """Handles SIGPROF."""
        if self._running:
            self._running = False
            raise _Stalled


_CLOCK = _Clock()


def main() -> None:
    """Serves the owner over standard input until it closes.

    Arguments on the command line: the parent's process id, the directory that holds numpy or '', the kind of housing
    ("process" or "container"), the address of this judge's room in it, and the CPU core to stay on or -1.
    """
    parent, numpy_home, housing, address, core = int(sys.argv[1]), *sys.argv[2:5], int(sys.argv[5])
    die_with_parent(parent)
    stay_on(core)
    hide_memory()
    owner = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    if numpy_home:
        sys.path.append(numpy_home)
    sys.setrecursionlimit(4000)
    launch = launch_here(address, numpy_home) if housing == "process" else launch_behind(address, core)
    zygotes = Zygotes(bool(numpy_home), launch)
    judge = Judge(zygotes)
    signal.signal(signal.SIGPROF, _CLOCK.ring)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    write_frame(owner, json.dumps({"layers": zygotes.layers}).encode())
    while True:
        try:
            request = read_frame(owner)
        except EOFError:
            break
        write_frame(owner, json.dumps(_answer(judge, json.loads(request))).encode())


def _answer(judge: Judge, request: dict[str, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {**request, "limits": Limits(**request["limits"])}
    for key in ("tests", "private_tests"):
        parts[key] = tuple(test if isinstance(test, str) else StdinTest(**test) for test in request[key])
    job = Job(**parts)
    try:
        public, private = judge.run(job)
    except SandboxError as error:
        return {"fault": [error.problem, error.place, error.cure]}
    is_late = public.cpu_s > job.limits.cpu_s and "timeout" not in (public.status, private.status)
    return {"verdicts": [asdict(public), asdict(private)], "late": is_late}
