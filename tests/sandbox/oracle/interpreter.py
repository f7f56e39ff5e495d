"""The oracle: program and tests in one plain interpreter, as harnesses without a sandbox run them.

Nothing is isolated, so it is for trusted cases alone. One process serves many cases; each runs in a fork of its own.
The served half (`main`) imports nothing of this project: what the sandbox gets wrong must not be wrong here too.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import json
import os
import random
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

_PRELOADED = """
import math, re, copy, datetime, itertools, collections, heapq, functools, hashlib, string, os, sys
import bisect, operator, random, statistics, time, json, decimal, fractions
from typing import *
from collections import *
"""
"""What published harnesses import for program and tests."""
_WARM = ("asyncio", "dataclasses", "enum", "inspect", "unittest.mock", "concurrent.futures")
"""Slow to import, and often used."""
_ENVIRONMENT = {
    "PATH": os.defpath,
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "TZ": "UTC",
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
}
LATE = "the program took too long"
"""Detail of a test that was not reached in time."""
_CPU_S = 3
_WALL = 5
"""How many times its CPU limit a program may wait, for each test."""
_PAUSE_S = 0.01
"""Between two looks at the clock of a process that has nearly used its CPU seconds."""
_STACK_BYTES, _THREAD_STACK_BYTES, _MEMORY_BYTES = 512 << 20, 32 << 20, 4 << 30


@dataclass(frozen=True)
class Case:
    """One program and its tests; `kind` names what the case is about."""

    kind: str
    code: str
    tests: tuple[str, ...]
    setup: str = ""
    entry_point: str = "f"
    input: str | None = None
    """Standard input of a program that prints; `tests` is then the expected output alone."""


@dataclass(frozen=True)
class Outcome:
    """What a plain interpreter makes of a case."""

    passed: tuple[bool, ...]
    """A test each."""
    detail: tuple[str, ...]
    """An exception's class and text for each test that failed."""


class Interpreter:
    """A process that runs cases one after another."""

    def __init__(self) -> None:
        command = [sys.executable, "-s", "-B", "-P", str(Path(__file__).resolve())]
        environment = _ENVIRONMENT
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            preexec_fn=_raise_stack_limit,  # noqa: PLW1509 - the stack is laid out when the process starts
        )

    def __enter__(self) -> Interpreter:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def run(self, case: Case, cpu_s: int = _CPU_S) -> Outcome:
        """The outcome of each test of the case; CPU seconds, so that a busy machine makes no program late."""
        if case.input is not None:
            return run_printing(case, cpu_s)
        program = {"code": case.code, "setup": case.setup, "entry_point": case.entry_point}
        rows = self._ask(program | {"tests": case.tests, "cpu_s": cpu_s})
        return Outcome(tuple(row is None for row in rows), tuple(row or "" for row in rows))

    def probe(self, code: str, setup: str, bodies: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """What each expression yields: ("value", repr), ("object", "1" where it is true), or ("raises", class name).

        Each runs after statements of its own; "object" is what has no literal.
        """
        return [tuple(row) for row in self._ask({"code": code, "setup": setup, "probes": list(bodies)})]

    def _ask(self, request: dict[str, Any]) -> list[Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def _raise_stack_limit() -> None:
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (_STACK_BYTES if hard < 0 else min(_STACK_BYTES, hard), hard))


def _cpu_of(pid: int) -> float:
    """CPU seconds of a process that has not been waited for; the clock's number is Linux's encoding of the id.

    The kernel's limit on CPU seconds would count whole ticks, up to twice as many on a busy machine.
    """
    return time.clock_gettime((~pid << 3) | 2)


def run_printing(case: Case, cpu_s: int) -> Outcome:
    """Runs a program that reads and prints as a script; its output must have the expected tokens, its status be 0."""
    (expected,) = case.tests
    with tempfile.TemporaryDirectory() as scratch:
        script = Path(scratch, "solution.py")
        script.write_text(case.code)
        given = Path(scratch, "given")
        given.write_text(case.input or "", newline="")
        command = [sys.executable, "-s", "-B", str(script)]
        environment = _ENVIRONMENT
        with given.open() as stdin, tempfile.TemporaryFile("w+") as stdout:
            process = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=stdout,
                stderr=subprocess.DEVNULL,
                cwd=scratch,
                env=environment,
                preexec_fn=_raise_stack_limit,  # noqa: PLW1509 - as above
            )
            if not _ends_in_time(process, cpu_s):
                return Outcome((False,), (LATE,))
            stdout.seek(0)
            printed = stdout.read()
    passed = process.returncode == 0 and printed.split() == expected.split()
    return Outcome((passed,), ("" if passed else f"status {process.returncode}, printed {printed[:200]!r}",))


def _ends_in_time(process: subprocess.Popen[bytes], cpu_s: int) -> bool:
    """Waits for a process; ends it and says no once it has used its CPU seconds, or waited for far longer."""
    end = time.monotonic() + _WALL * cpu_s
    left = float(cpu_s)
    while left > 0 and time.monotonic() < end:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(left, _PAUSE_S))
            return True
        left = cpu_s - _cpu_of(process.pid)
    process.kill()
    process.wait()
    return False


def main() -> None:
    """Serves requests, a line of JSON each, until standard input closes."""
    exec(_PRELOADED, {})
    for name in _WARM:
        importlib.import_module(name)
    replies = os.fdopen(os.dup(1), "w")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        for line in sys.stdin:
            request = json.loads(line)
            if "numpy" in line:
                importlib.import_module("numpy")  # once, here: each fork has it
            num_rows = len(request.get("tests") or request.get("probes") or [])
            found, late = _fork(request, null)
            rows = found[:num_rows]
            ended = LATE if late else "the program ended before its tests did"
            missing: Any = ["raises", "no program"] if "probes" in request else ended
            replies.write(json.dumps(rows + [missing] * (num_rows - len(rows))) + "\n")
            replies.flush()
            for left in Path().iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()


def _fork(request: dict[str, Any], null: int) -> tuple[list[Any], bool]:
    """The rows that a forked child writes before it ends, and whether it was too late for more."""
    cpu_s = request.get("cpu_s", _CPU_S)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.dup2(null, 0)
        _serve_child(request, writer)
    os.close(writer)
    data, late = _read_in_time(reader, child, cpu_s)
    os.close(reader)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    rows: list[Any] = []
    for line in data.splitlines():
        with contextlib.suppress(ValueError):
            rows.append(json.loads(line))
    return rows, late


def _read_in_time(reader: int, child: int, cpu_s: int) -> tuple[bytes, bool]:
    """What a child writes until it ends, or is too late for more: it has used its CPU seconds, or waits for long."""
    data = b""
    end = time.monotonic() + _WALL * cpu_s
    left = float(cpu_s)
    while left > 0 and time.monotonic() < end:
        if select.select([reader], [], [], max(left, _PAUSE_S))[0]:
            part = os.read(reader, 1 << 16)
            if not part:
                return data, False
            data += part
            end = time.monotonic() + _WALL * cpu_s
        left = cpu_s - _cpu_of(child)
    return data, True


def _serve_child(request: dict[str, Any], writer: int) -> NoReturn:
    os.setsid()
    sys.argv = ["solution.py"]
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    threading.stack_size(_THREAD_STACK_BYTES)  # else as large as the main one
    try:
        for row in _rows(request):
            os.write(writer, json.dumps(row).encode() + b"\n")
    finally:
        os._exit(0)


def _rows(request: dict[str, Any]) -> Iterator[Any]:
    """A row a test: None for passed, else what was raised; or a row a probe."""
    module = types.ModuleType("solution")
    sys.modules["solution"] = module
    space = module.__dict__
    exec(_PRELOADED, space)
    if "numpy" in str(request) or "np." in str(request):
        exec("import numpy\nimport numpy as np", space)
    random.seed(0)
    begun = _raised(lambda: (_run(request["code"], space), _run(request["setup"], space)))
    for body, expression in request.get("probes", ()):
        yield ["raises", "no program"] if begun else _probe(body, expression, dict(space))
    for test in request.get("tests", ()):
        yield begun or _raised(functools.partial(_run_test, test, request["entry_point"], space))


def _run(source: str, space: dict[str, Any]) -> None:
    exec(compile(source, "solution.py", "exec", dont_inherit=True), space)


def _run_test(test: str, entry_point: str, space: dict[str, Any]) -> None:
    _run(test.strip(), space)
    tree = ast.parse(test.strip())
    defines = any(isinstance(node, ast.FunctionDef) and node.name == "check" for node in tree.body)
    calls = any(isinstance(node, ast.Expr) and ast.unparse(node).startswith("check(") for node in tree.body)
    if defines and not calls:
        _run(f"check({entry_point})", space)


def _raised(run: Any) -> str | None:
    try:
        run()
    except BaseException as error:  # noqa: BLE001 - whatever it is, the test failed by it
        with contextlib.suppress(Exception):
            return f"{type(error).__name__}: {str(error)[:200]}"
        return type(error).__name__
    return None


def _probe(body: str, expression: str, space: dict[str, Any]) -> list[str]:
    try:
        _run(body, space)
        value = eval(compile(expression, "solution.py", "eval"), space)
        shown = repr(value)
        with contextlib.suppress(Exception):
            again = ast.literal_eval(shown)
            if type(again) is type(value) and again == value and (value == again) is True:
                return ["value", shown]
        return ["object", "1" if value else ""]
    except BaseException as error:  # noqa: BLE001 - see above
        return ["raises", type(error).__name__]


if __name__ == "__main__":
    main()
