"""The trusted side: executes the tests, calls the program by message, and decides.

A process of its own, one a worker, so that what a program answers can stall or exhaust nothing but this process.
"""

from __future__ import annotations

import gc
import os
import re
import resource
import signal
import socket
import sys
from dataclasses import fields, replace
from importlib import import_module
from json import dumps, loads
from tempfile import TemporaryFile
from typing import Any

from mucode_core.errors import ProblemError, SandboxError
from mucode_core.sandbox.base import UNCALLED, Job, Limits, Verdicts
from mucode_core.sandbox.guest.calls import NODES
from mucode_core.sandbox.guest.lockdown import die_with_parent, hide_memory, stay_on
from mucode_core.sandbox.guest.packages import Packages
from mucode_core.sandbox.guest.semaphores import provide_semaphores
from mucode_core.sandbox.judge import streams
from mucode_core.sandbox.judge.asserts import leaves_traces, prepare_asserts
from mucode_core.sandbox.judge.cpu_limit import CLOCK, Stalled
from mucode_core.sandbox.judge.guards.annotations import guard_annotations
from mucode_core.sandbox.judge.guards.confinement import confine_judge
from mucode_core.sandbox.judge.guards.surroundings import Surroundings
from mucode_core.sandbox.judge.lent.hosted import watch_dataclasses
from mucode_core.sandbox.judge.lent.inspected import watch_inspection
from mucode_core.sandbox.judge.lent.module import make_solution
from mucode_core.sandbox.judge.lent.patches import watch_patches
from mucode_core.sandbox.judge.lent.settings import note_seeds
from mucode_core.sandbox.judge.reader import Plan
from mucode_core.sandbox.judge.scores import Score, Scores
from mucode_core.sandbox.judge.stops import ProgramGone, ReadTooFar, Stop
from mucode_core.sandbox.judge.suites.calls import prepare_calls, show_call
from mucode_core.sandbox.judge.suites.failures import fail_raised, fail_stopped
from mucode_core.sandbox.judge.suites.outputs import judge_output, show_input
from mucode_core.sandbox.judge.suites.pytest_module import make_pytest
from mucode_core.sandbox.judge.syntax.imports import PROGRAM
from mucode_core.sandbox.judge.syntax.names import BASE
from mucode_core.sandbox.judge.zygote_client import Run, Zygotes, launch_apart, launch_behind, launch_here
from mucode_core.sandbox.protocol import read_frame, write_frame
from mucode_core.types import CallTest, Comparison, StdinTest, Test, Verdict

_MEMORY = 4 << 30
_FIELDS = tuple(field.name for field in fields(Verdict))
"""All of plain types."""
_FINAL = ("timeout", "memory_exceeded", "output_exceeded")
"""What ends a program's run on further inputs."""
_LATE = 1.1
"""How much of its CPU limit a program may use before it is ended; more than all of it is late."""
_CODE: Any = vars(SystemExit)["code"]
_EXIT_CODE = re.compile(r"-?[0-9]{1,20}")
_FIX_PRELUDE = "fix the prelude of the problem, which runs before each program"


class Judge:
    """Runs jobs one after another."""

    def __init__(self, zygotes: Zygotes, surroundings: Surroundings) -> None:
        self._zygotes, self._surroundings = zygotes, surroundings
        self._originals = streams.note_originals()
        self._leaves_traces = True
        """Whether tests ran that can change what the next ones find."""
        self.is_unsure = False
        """Whether the last job could have ended otherwise on a quieter machine."""
        self.outputs: list[tuple[str, str]] | None = None
        """Kind and digest per test of the last job, where it records outputs."""
        self.printed: tuple[str, int] | None = None
        """Output and exit code of the last job, where it `prints`."""
        self._sound: set[str] = set()
        """Preludes that run by themselves."""

    @property
    def left(self) -> dict[str, bool]:
        """Whether a process of the last job was killed, and not by a limit; and whether this one is spent."""
        killed = any(run.was_killed for run in self._zygotes.runs)
        is_spent = CLOCK.has_stalled or (self._leaves_traces and self._surroundings.is_spent())
        return {"killed": killed, "spent": is_spent}

    def run(self, job: Job) -> Verdicts:
        """The verdicts on one job's tests and private tests.

        Programs have a little more than their CPU seconds: `is_unsure` reports those that were late by little.

        Raises:
            ProblemError: The job's own test code is broken, or passes what no program can be given.
        """
        plan: Plan = {}
        self._zygotes.runs.clear()
        while True:
            self._renew_for(job)
            scores = Scores(job)
            self.is_unsure, self.printed = False, None
            used_s = 0.0
            try:
                if not job.tests:
                    scores.public.fail_raised("", "RuntimeError", "there are no tests", "")
                elif job.kind == "stdin":
                    used_s = self._run_stdin(job, scores)
                else:
                    used_s = self._run_together(job, scores, plan)
            except ReadTooFar:
                continue
            except MemoryError:
                for score in scores.unfinished():
                    score.fail_raised("", "MemoryError", "the answer is too large", "", "memory_exceeded")
            self.outputs = scores.recorder.outputs() if scores.recorder is not None else None
            public, private = scores.public.verdict(used_s), scores.private.verdict(0.0)
            if not (public.passed or public.num_passed or private.num_passed):
                self._require_prelude(job)
            return public, private

    def _renew_for(self, job: Job) -> None:
        """Makes the surroundings what they were, where tests could have changed them or can see a change."""
        had_left, self._leaves_traces = self._leaves_traces, leaves_traces(job)
        if had_left or self._leaves_traces:
            self._surroundings.renew()

    def _require_prelude(self, job: Job) -> None:
        """Runs what precedes the program without it, since what a program says of its prelude proves nothing.

        Raises:
            ProblemError: It fails by itself: then no program is at fault.
        """
        prelude = f"{job.prelude}\n{job.setup}" if job.kind == "call" else job.prelude
        if not prelude.strip() or prelude in self._sound:
            return
        source = f"{NODES}\n{prelude}" if job.kind == "call" else prelude
        run = self._zygotes.start((source,), _widen(job.limits), [])
        try:
            with CLOCK.limiting(job.limits):
                run.channel.send({"source": "", "names": [], "given": [], "prelude": source})
                run.channel.receive()
        except Stop as stop:
            raise ProblemError("the prelude does not end as it should", hint=_FIX_PRELUDE) from stop
        except (Exception, SystemExit) as error:
            problem = f"the prelude raises {type(error).__name__}: {error}"
            raise ProblemError(problem, hint=_FIX_PRELUDE) from error
        finally:
            run.finish()
        self._sound.add(prelude)

    def _run_together(self, job: Job, scores: Scores, plan: Plan) -> float:
        """Runs all tests in one process; returns the CPU seconds it used.

        Raises:
            ReadTooFar: The tests are to be run again by the plan as it is now.
        """
        sources, run_tests = prepare_calls(job) if job.kind == "call" else prepare_asserts(job)
        run = self._zygotes.start((job.code, job.prelude, job.setup, *sources), _widen(job.limits), [])
        run.channel.reader.plan = plan
        run.channel.identity = _identity(job)
        location: str | CallTest = ""
        stalled = False
        try:
            with CLOCK.limiting(job.limits):
                for test in run_tests(run, scores):
                    location = test
        except Stop as stop:
            run.finish()
            stalled = isinstance(stop, Stalled)
            if run.channel.problem is not None:
                raise run.channel.problem from stop
            if isinstance(run.channel.ending, ReadTooFar):
                raise run.channel.ending from stop
            shown = show_call(location, job.entry_point) if isinstance(location, CallTest) else str(location)
            for score in scores.unfinished():
                fail_stopped(score, shown, stop, run, job.limits)
        finally:
            run.finish()
            self._leaves_traces |= run.channel.mirror.has_admitted
            if self._leaves_traces:
                self._originals.restore()
        self.is_unsure = not stalled and run.may_end_otherwise(job.limits.cpu_s)
        scores.note_delegated(run.channel)
        for score in scores.uncalled(run.channel.num_calls) if scores.recorder is None else ():
            score.fail_raised("", "RuntimeError", UNCALLED, "")
        return run.cpu_s

    def _run_stdin(self, job: Job, scores: Scores) -> float:
        used_s = 0.0
        for index, test in enumerate((*job.tests, *job.private_tests)):
            if not isinstance(test, StdinTest):
                raise ProblemError("a test of another kind in a problem of kind 'stdin'", hint="fix the problem")
            if any(s.failure is not None and s.failure[0] in _FINAL for s in (scores.public, scores.private)):
                for score in scores.unfinished():
                    score.failure = score.failure or scores.public.failure
                break
            used_s += self._run_one_stdin(job, test, scores.begin(index, 0))
        return used_s

    def _run_one_stdin(self, job: Job, test: StdinTest, score: Score) -> float:
        """Runs the program on one input; returns the CPU seconds it used."""
        location = "" if job.prints else show_input(test)
        with TemporaryFile() as given, TemporaryFile() as taken:
            given.write(test.input.encode("utf-8", "surrogatepass"))
            given.flush()
            given.seek(0)
            streams = [given.fileno(), taken.fileno()]
            run = self._zygotes.start((job.code, job.prelude), _widen(job.limits), streams)
            ending = _await_exit(run, job)
            self.is_unsure |= run.may_end_otherwise(job.limits.cpu_s)
            if os.fstat(taken.fileno()).st_size >= job.limits.output_mb << 20:
                score.fail_raised(location, "RuntimeError", "the program printed too much", "", "output_exceeded")
                return run.cpu_s
            taken.seek(0)
            printed = taken.read().decode("utf-8", "replace")
        if job.prints:
            self.printed = printed, _exit_code(ending, run)
        if isinstance(ending, Stop):
            fail_stopped(score, location, ending, run, job.limits)
        elif ending is not None:
            fail_raised(score, location, ending, run)
        elif job.prints:
            score.num_passed += 1
        else:
            judge_output(self._zygotes, job, test, printed, score)
        return run.cpu_s


def _identity(job: Job) -> tuple[object, ...]:
    """What decides a verdict, so that the same job meets the same random choices."""
    return job.code, job.setup, job.tests, job.private_tests, job.entry_point


def _widen(limits: Limits) -> Limits:
    return replace(limits, cpu_s=limits.cpu_s * _LATE)


def _await_exit(run: Run, job: Job) -> BaseException | Stop | None:
    """Runs a program that reads and prints; what it ended with, None for a plain exit."""
    try:
        with CLOCK.limiting(job.limits):
            run.channel.send({"source": job.code, "names": None, "files": {}, "prelude": job.prelude})
            run.channel.receive()
    except Stop as stop:
        run.finish()
        return None if isinstance(stop, ProgramGone) and run.exit_status == 0 else stop
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the exception that the program reports
        return error
    finally:
        run.finish()
    return None


def _exit_code(ending: BaseException | Stop | None, run: Run) -> int:
    """The exit code that an interpreter would have ended with, as far as it is known."""
    code = _CODE.__get__(ending) if isinstance(ending, SystemExit) else None  # a class of the program has ended, too
    if type(code) is str and _EXIT_CODE.fullmatch(code):  # a program reports its exceptions in words
        return int(code) & 0xFF
    return 0 if ending is None else run.exit_status or 1


def main() -> None:
    """Serves the owner over standard input until it closes.

    Arguments on the command line: the parent's process id, the directory that holds numpy or '', a scratch directory,
    the packages that programs may import as JSON, the backend ("process" or "container"), the address of this judge's
    location in it, and the CPU core to stay on or -1.
    """
    parent, numpy_home, scratch, packages, backend, address = int(sys.argv[1]), *sys.argv[2:7]
    core = int(sys.argv[7])
    die_with_parent(parent)
    stay_on(core)
    hide_memory()
    owner = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    launch = launch_here(address, packages) if backend == "process" else launch_behind(address, core)
    launch = launch_apart(launch, owner)
    if numpy_home:
        sys.path.append(numpy_home)
        import_module("numpy")  # now: an import that a limit interrupts cannot be repeated
    sys.modules["pytest"] = make_pytest()
    guard_annotations(BASE)
    watch_patches()
    watch_inspection()
    watch_dataclasses()
    note_seeds()
    sys.modules[PROGRAM] = make_solution()
    provide_semaphores()
    sys.setrecursionlimit(4800)  # some 15 frames for each call within another, see `proxies`
    sys.set_int_max_str_digits(0)
    zygotes = Zygotes(Packages.from_json(packages), launch)
    layers = confine_judge(scratch, numpy_home)  # once all is open that the rules do not name
    signal.signal(signal.SIGPROF, CLOCK.ring)
    signal.signal(signal.SIGINT, lambda number, frame: None)  # the owner ends its judges; see `_run_asserts`
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    judge = Judge(zygotes, Surroundings(scratch))  # last: it measures what is to stay as it is
    gc.collect()
    gc.freeze()  # what is loaded stays
    write_frame(owner, dumps({"layers": [*zygotes.layers, *layers]}).encode())
    while True:
        try:
            request = read_frame(owner)
        except EOFError:
            break
        write_frame(owner, dumps(_answer(judge, loads(request))).encode())


def _answer(judge: Judge, request: dict[str, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {**request, "limits": Limits(**request["limits"])}
    parts["compare"] = Comparison(**request["compare"])
    for key in ("tests", "private_tests"):
        parts[key] = tuple(map(_read_test, request[key]))
    job = Job(**parts)
    try:
        public, private = judge.run(job)
    except (ProblemError, SandboxError) as error:  # its own failures end this process
        return {"problem_fault": [error.problem, error.location, error.hint], **judge.left}
    found: dict[str, Any] = {"verdicts": [{name: getattr(one, name) for name in _FIELDS} for one in (public, private)]}
    found |= {"late": judge.is_unsure, **judge.left}
    if judge.printed is not None:
        found["printed"] = judge.printed
    return found if judge.outputs is None else found | {"outputs": judge.outputs}


def _read_test(test: Any) -> Test:
    if isinstance(test, str):
        return test
    kind = CallTest if "arguments" in test else StdinTest
    parts: dict[str, Any] = {**test, "alternatives": tuple(test["alternatives"])}
    return kind(**parts)
