"""Whole programs that read and print: how they read, how they write, how they end."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

import random

from tests.sandbox.oracle.interpreter import Case

_HEADS = ["", "import threading\nthreading.stack_size(1 << 26)\nsys.setrecursionlimit(10**6)\n", "sys.setrecursionlimit(10**6)\n", "from __future__ import annotations\n", "import resource\nresource.setrlimit(resource.RLIMIT_STACK, (1 << 26, resource.getrlimit(resource.RLIMIT_STACK)[1]))\n", "import os\nos.environ['X'] = '1'\n", "import signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\n", "import locale\nlocale.setlocale(locale.LC_ALL, '')\n", "import warnings\nwarnings.simplefilter('ignore')\n"]  # fmt: skip
_READS = ["d = sys.stdin.read().split()", "d = [input() for _ in range(2)]\nd = ' '.join(d).split()", "d = open(0).read().split()", "d = sys.stdin.buffer.read().decode().split()", "input = sys.stdin.readline\nd = (input() + input()).split()", "d = [w for line in sys.stdin for w in line.split()]", "import fileinput\nd = [w for line in fileinput.input() for w in line.split()]", "import os\nd = os.read(0, 1 << 16).decode().split()", "d = []\nwhile True:\n    try: d += input().split()\n    except EOFError: break", "it = iter(sys.stdin.read().split())\nd = [*it]", "d = list(map(str.strip, sys.stdin.readlines()))\nd = ' '.join(d).split()", "import io\nd = io.BufferedReader(io.FileIO(0)).read().decode().split()", "import mmap\nd = mmap.mmap(0, 0, access=mmap.ACCESS_READ).read().decode().split()", "d = open('/dev/stdin').read().split()", "sys.stdin.readline()\nsys.stdin.seek(0)\nd = sys.stdin.read().split()", "import os\nd = os.fdopen(0).read().split()", "d = next(sys.stdin).split() + next(sys.stdin).split()", "n, *rest = sys.stdin\nd = [n.strip(), *rest[0].split()]", "import pathlib\nd = pathlib.Path('/dev/stdin').read_text().split()", "sys.stdin.reconfigure(encoding='utf-8')\nd = sys.stdin.read().split()"]  # fmt: skip
_SOLVE = "def solve():\n    return sum(map(int, d[1:]))\n"
_WRITES = ["print(solve())", "sys.stdout.write(str(solve()) + '\\n')", "print(solve(), end='')", "print(solve(), flush=True)", "sys.stdout.buffer.write(b'%d\\n' % solve())", "import os\nos.write(1, str(solve()).encode())", "sys.stdout = io_ = __import__('io').StringIO()\nprint(solve())\nsys.__stdout__.write(io_.getvalue())", "import atexit\natexit.register(lambda: print(solve()))", "import threading\nthreading.Thread(target=lambda: print(solve())).start()", "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.05), print(solve()))).start()", "import threading\nt = threading.Thread(target=lambda: print(solve()))\nt.start()\nt.join()", "from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor(2).submit(lambda: print(solve()))", "import threading\nthreading.Timer(0.02, lambda: print(solve())).start()", "print('debug', file=sys.stderr)\nprint(solve())", "print(*[solve()], sep='\\n')", "open(1, 'w').write(str(solve()))", "open('/dev/stdout', 'w').write(str(solve()))", "import contextlib\nwith contextlib.redirect_stdout(sys.__stdout__): print(solve())", "class D:\n    def __del__(self): print(solve())\nD()", "def main():\n    print(solve())\nif __name__ == '__main__':\n    main()", "import asyncio\nasync def main(): print(solve())\nasyncio.run(main())", "import weakref\nclass A: pass\na = A()\nweakref.finalize(a, lambda: print(solve()))", "import threading\nthreading.Thread(target=lambda: (__import__('time').sleep(0.3), print(solve())), daemon=True).start()", "import logging\nlogging.basicConfig(stream=sys.stdout, format='%(message)s')\nlogging.warning(solve())", "import multiprocessing.dummy as m\nprint(m.Pool(2).map(lambda _: solve(), [0])[0])", "sys.stdout = open(1, 'w')\nprint(solve())", "print(solve())\nprint(end='')\nsys.stdout.flush()"]  # fmt: skip
_ENDS = ["", "", "sys.exit()", "sys.exit(0)", "sys.exit(1)", "sys.exit('message')", "exit()", "quit(0)", "sys.exit(False)", "sys.exit(None)", "raise SystemExit", "import os\nos._exit(0)", "import os\nsys.stdout.flush()\nos._exit(0)", "import os\nos._exit(3)", "1 / 0", "raise KeyboardInterrupt", "sys.stdout.close()", "del d", "input()", "try: input()\nexcept EOFError: pass", "import os\nos.close(1)", "import threading\nthreading.Thread(target=lambda: 1 / 0).start()", "import atexit\natexit.register(lambda: 1 / 0)", "import atexit\natexit.register(sys.exit, 1)", "import sys\nsys.excepthook = lambda *a: None\n1 / 0", "sys.exit(2**32)", "sys.exit(256)", "sys.exit(True)", "sys.exit([])", "import os, signal\nsignal.raise_signal(signal.SIGTERM)"]  # fmt: skip


def script(draw: random.Random) -> Case:
    """A program that sums numbers; about half of the expectations are wrong."""
    numbers = [draw.randrange(-5, 2**40) for _ in range(draw.randrange(1, 5))]
    head = draw.choice(_HEADS) if draw.random() < 0.4 else ""
    write, end = draw.choice(_WRITES), draw.choice(_ENDS)
    if "hread" in write and ("_exit" in end or "close" in end or "raise_signal" in end):
        end = ""  # which comes first is left to chance
    first = "" if "__future__" not in head else head
    code = (
        first
        + "import sys\n"
        + ("" if first else head)
        + draw.choice(_READS)
        + "\n"
        + _SOLVE
        + write
        + "\n"
        + end
        + "\n"
    )
    wrong = draw.random() < 0.3
    expected = str(sum(numbers) + (draw.choice([1, -1, 10**6]) if wrong else 0))
    last = draw.choice(["\n", "", "\r\n", "\n\n"])
    given = f"{len(numbers)}\n{' '.join(map(str, numbers))}{last}"
    return Case("scripts", code, (expected,), input=given)
