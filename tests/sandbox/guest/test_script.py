# ruff: noqa: E501 - programs, one a line
"""How whole programs end, and what their streams are: each right one prints 6 in a plain interpreter."""

from __future__ import annotations

import pytest

from mucode_core.sandbox import Sandbox
from mucode_core.types import StdinTest
from tests.sandbox.sandbox_jobs import make_job, run_jobs

TEST = StdinTest("3\n1 2 3\n", "6\n")
READ = "import sys\nr = sum(map(int, sys.stdin.read().split()[1:]))\n"
RIGHT = {
    "thread, not joined": READ + "import threading, time\nthreading.Thread(target=lambda: (time.sleep(.05), print(r))).start()",
    "stack and recursion": READ + "import threading\nsys.setrecursionlimit(1 << 25)\nthreading.stack_size(1 << 27)\ndef d(n): return r if n == 0 else d(n - 1)\nthreading.Thread(target=lambda: print(d(20000))).start()",
    "atexit": READ + "import atexit\natexit.register(print, r)",
    "atexit of a thread": READ + "import atexit, threading\nthreading.Thread(target=lambda: atexit.register(print, r)).start()",
    "buffered, written at exit": READ + "import atexit, io\nout = sys.stdout = io.StringIO()\natexit.register(lambda: sys.__stdout__.write(out.getvalue()))\nprint(r)",
    "timer": READ + "import threading\nthreading.Timer(.05, print, [r]).start()",
    "executor": READ + "from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor(2).submit(print, r)",
    "finalizer of a global": READ + "class A:\n    def __del__(self): print(r)\na = A()",
    "finalizer in a cycle": READ + "class A:\n    def __del__(self): print(r)\na = A()\na.a = a\ndel a",
    "finalizer of a kept module": READ + "class A:\n    def __init__(self, r): self.r = r\n    def __del__(self): print(self.r)\na = A(r)\nsys.kept = sys.modules['__main__']",
    "weakref.finalize": READ + "import weakref\nclass A: ...\na = A()\nweakref.finalize(a, print, r)",
    "file not closed": READ + "out = open(1, 'w')\nout.write(str(r))",
    "device not closed": READ + "out = open('/dev/stdout', 'w')\nout.write(str(r))",
    "wrapper in place of stdout": READ + "import io\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer, write_through=False)\nprint(r)",
    "fdopen": READ + "import os\nout = os.fdopen(1, 'w', 1 << 16)\nout.write(str(r))",
    "seek": "import sys\nsys.stdin.read()\nsys.stdin.seek(0)\nprint(sum(map(int, sys.stdin.read().split()[1:])))",
    "/dev/stdin": "print(sum(map(int, open('/dev/stdin').read().split()[1:])))",
    "/proc/self/fd/0": "import pathlib\nprint(sum(map(int, pathlib.Path('/proc/self/fd/0').read_text().split()[1:])))",
    "os.open": "import os\nprint(sum(map(int, os.read(os.open('/dev/stdin', os.O_RDONLY), 99).split()[1:])))",
    "numpy and /dev/stdin": "import numpy as np\nprint(int(np.fromfile('/dev/stdin', dtype=int, sep=' ')[1:].sum()))",
    "exit False": READ + "print(r)\nsys.exit(False)",
    "exit None": READ + "print(r)\nsys.exit(None)",
    "exit 0 in atexit": READ + "print(r)\nimport atexit\natexit.register(sys.exit, 1)",
    "exit 256": READ + "print(r)\nsys.exit(256)",
    "os._exit": READ + "print(r, flush=True)\nimport os\nos._exit(0)",
    "exception in a thread": READ + "print(r)\nimport threading\nthreading.Thread(target=lambda: 1 / 0).start()",
    "main guard": READ + "if __name__ == '__main__':\n    print(r)",
    "asyncio": READ + "import asyncio\nasync def main(): print(r)\nasyncio.run(main())",
    "pause": READ + "import signal\nsignal.signal(signal.SIGALRM, lambda *_: print(r))\nsignal.setitimer(signal.ITIMER_REAL, .05)\nsignal.pause()",
    "sigwait": READ + "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [14])\nsignal.setitimer(signal.ITIMER_REAL, .05)\nsignal.sigwait([14])\nprint(r)",
    "alias of a closed stdout": READ + "print(r)\nsys.stdout.close()",
}  # fmt: skip
WRONG = {
    "exit True": READ + "print(r)\nsys.exit(True)",
    "exit 1": READ + "print(r)\nsys.exit(1)",
    "exit with a message": READ + "print(r)\nsys.exit('0')",
    "exit with a float": READ + "print(r)\nsys.exit(0.0)",
    "os._exit loses the buffer": READ + "print(r)\nimport os\nos._exit(0)",
    "daemon thread": READ + "import threading, time\nthreading.Thread(target=lambda: (time.sleep(60), print(r)), daemon=True).start()",
    "exception": READ + "print(r)\nraise ValueError",
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_a_program_ends_as_in_an_interpreter(lone_sandbox: Sandbox, name: str) -> None:
    (verdict,) = run_jobs(lone_sandbox, [make_job(RIGHT[name], TEST, kind="stdin")])
    assert (verdict.status, verdict.feedback) == ("passed", "")


@pytest.mark.parametrize("name", WRONG)
def test_another_end_is_no_pass(lone_sandbox: Sandbox, name: str) -> None:
    (verdict,) = run_jobs(lone_sandbox, [make_job(WRONG[name], TEST, kind="stdin")])
    assert verdict.status in ("failed", "error")


def test_an_endless_thread_is_out_of_time(lone_sandbox: Sandbox) -> None:
    code = "import threading\ndef g():\n    while True: pass\nthreading.Thread(target=g).start()"
    (verdict,) = run_jobs(lone_sandbox, [make_job(code, TEST, kind="stdin")])
    assert verdict.status == "timeout"


def test_input_of_any_characters_is_given(lone_sandbox: Sandbox) -> None:
    code = "import sys\nprint(len(sys.stdin.buffer.read()))"
    (verdict,) = run_jobs(lone_sandbox, [make_job(code, StdinTest("\ud800\r\n", "5"), kind="stdin")])
    assert verdict.status == "passed"


def test_carriage_returns_stay(lone_sandbox: Sandbox) -> None:
    (verdict,) = run_jobs(lone_sandbox, [make_job("print(repr(input()))", StdinTest("a\r\n", r"'a\r'"), kind="stdin")])
    assert verdict.status == "passed"
