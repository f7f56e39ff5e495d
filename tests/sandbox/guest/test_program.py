# ruff: noqa: E501 - programs, one a line
"""What programs may rely on when their functions are called: each of these passes in a plain interpreter."""

from __future__ import annotations

import pytest

from mucode_core.sandbox import Sandbox
from tests.sandbox.sandbox_jobs import make_job, run_jobs

GUARDED = {
    "reads input": "def f(): return 1\nif __name__ == '__main__':\n    print(f(int(input())))",
    "unittest.main": "import unittest\ndef f(): return 1\nif __name__ == '__main__':\n    unittest.main()",
    "sys.exit(main())": "import sys\ndef f(): return 1\ndef main(): return 3\nif __name__ == '__main__':\n    sys.exit(main())",
    "argv": "import sys\ndef f(): return 1\nif '__main__' == __name__:\n    f(sys.argv[1])",
    "entry point after it": "if __name__ == '__main__':\n    raise SystemExit(1)\ndef f(): return 1",
}
MODULE = {
    "pickle": "import pickle\nclass A: x = 1\ndef f(): return pickle.loads(pickle.dumps(A())).x",
    "dataclass": "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int = 1\ndef f(): return A().x",
    "type hints": "import typing\nclass A: ...\ndef g(a: 'A'): ...\ndef f(): return int(typing.get_type_hints(g)['a'] is A)",
    "import __main__": "import __main__\nx = 1\ndef f(): return __main__.x",
    "its own module": "import sys\nx = 1\ndef f(): return sys.modules[__name__].x",
    "namedtuple": "import pickle\nfrom collections import namedtuple\nP = namedtuple('P', 'x')\ndef f(): return pickle.loads(pickle.dumps(P(1))).x",
    "enum": "import enum, copy\nclass E(enum.Enum): A = 1\ndef f(): return copy.deepcopy(E.A).value",
}
THREADS = {
    "asyncio.run": "import asyncio\nasync def g():\n    await asyncio.sleep(0)\n    return 1\ndef f(): return asyncio.run(g())",
    "asyncio.gather": "import asyncio\nasync def g(n):\n    await asyncio.sleep(0.01)\n    return n\nasync def h(): return sum(await asyncio.gather(g(0), g(1)))\ndef f(): return asyncio.run(h())",
    "asyncio.to_thread": "import asyncio\ndef f(): return asyncio.run(asyncio.to_thread(lambda: 1))",
    "asyncio queue and timeout": "import asyncio\nasync def g():\n    q = asyncio.Queue()\n    q.put_nowait(1)\n    return await asyncio.wait_for(q.get(), 1)\ndef f(): return asyncio.new_event_loop().run_until_complete(g())",
    "ThreadPool": "from multiprocessing.pool import ThreadPool\ndef f():\n    with ThreadPool(2) as p: return sum(p.map(int, '001'))",
    "multiprocessing.dummy": "from multiprocessing.dummy import Pool, Lock\ndef f():\n    p = Pool(2)\n    r = p.map(int, '1')\n    p.close()\n    p.join()\n    return r[0]",
    "multiprocessing primitives": "import multiprocessing as m\ndef f():\n    q, s = m.Queue(), m.Semaphore(1)\n    with s, m.RLock(), m.Lock(): q.put(1)\n    return q.get(timeout=1)",
    "executor": "from concurrent.futures import ThreadPoolExecutor, as_completed\ndef f():\n    e = ThreadPoolExecutor(3)\n    return sum(r.result() for r in as_completed([e.submit(int, c) for c in '001']))",
    "barrier and local": "import threading\ndef f():\n    b, out = threading.Barrier(2), []\n    ts = [threading.Thread(target=lambda: out.append(b.wait())) for _ in range(2)]\n    [t.start() for t in ts]\n    [t.join() for t in ts]\n    return sum(out)",
    "socketpair": "import socket\ndef f():\n    a, b = socket.socketpair()\n    with a, b:\n        a.send(b'x')\n        return len(b.recv(2))",
    "selectors": "import selectors, socket\ndef f():\n    a, b = socket.socketpair()\n    with selectors.DefaultSelector() as s, a, b:\n        s.register(b, 1)\n        a.sendall(b'x')\n        return len(s.select(1))",
    "alarm": "import signal, time\nclass E(Exception): pass\ndef g(*_): raise E\ndef f():\n    signal.signal(signal.SIGALRM, g)\n    try:\n        signal.setitimer(signal.ITIMER_REAL, 0.01)\n        time.sleep(5)\n    except E: return 1",
}
FILES = {
    "shutil.copy": "import shutil\ndef f():\n    open('a', 'w').write('1')\n    shutil.copy('a', 'b')\n    return int(open('b').read())",
    "shutil.copy2": "import shutil, os\ndef f():\n    open('a', 'w').write('1')\n    os.utime('a', (5, 5))\n    shutil.copy2('a', 'b')\n    return int(os.stat('b').st_mtime == 5)",
    "shutil.copytree and rmtree": "import shutil, os\ndef f():\n    os.makedirs('d/e')\n    open('d/e/a', 'w').close()\n    shutil.copytree('d', 'g')\n    shutil.move('g', 'h')\n    shutil.rmtree('d')\n    return len(os.listdir('h/e'))",
    "chmod": "import os, stat\ndef f():\n    open('a', 'w').close()\n    os.chmod('a', 0o640)\n    return int(stat.S_IMODE(os.stat('a').st_mode) == 0o640)",
    "sqlite in a file": "import sqlite3\ndef f():\n    with sqlite3.connect('t.db') as c:\n        c.execute('create table t (a int)')\n        c.execute('insert into t values (1)')\n    return sqlite3.connect('t.db').execute('select a from t').fetchone()[0]",
    "tempfile": "import tempfile\ndef f():\n    with tempfile.NamedTemporaryFile('w+') as h:\n        h.write('1')\n        h.seek(0)\n        return int(h.read())",
    "mmap flush": "import mmap\ndef f():\n    open('a', 'wb').write(b'0')\n    with open('a', 'r+b') as h, mmap.mmap(h.fileno(), 1) as m:\n        m[0] = 49\n        m.flush()\n    return int(open('a').read())",
    "shelve": "import shelve\ndef f():\n    with shelve.open('s') as s: s['k'] = 1\n    with shelve.open('s') as s: return s['k']",
    "flock": "import fcntl\ndef f():\n    with open('a', 'w') as h: fcntl.flock(h, fcntl.LOCK_EX)\n    return 1",
    "symlink": "import os\ndef f():\n    open('a', 'w').write('1')\n    os.symlink('a', 'b')\n    return int(open('b').read())",
    "touch and rename": "import pathlib\ndef f():\n    pathlib.Path('a').touch()\n    pathlib.Path('a').touch()\n    pathlib.Path('a').rename('b')\n    return len(list(pathlib.Path().glob('b')))",
    "zip and gzip": "import gzip, zipfile\ndef f():\n    with zipfile.ZipFile('a.zip', 'w') as z: z.writestr('x', '1')\n    gzip.open('b.gz', 'wt').close()\n    return int(zipfile.ZipFile('a.zip').read('x'))",
}
SETTINGS = {
    "locale": "import locale\nlocale.setlocale(locale.LC_ALL, '')\ndef f(): return 1",
    "stack limit": "import resource, sys, threading\nresource.setrlimit(resource.RLIMIT_STACK, (1 << 29, resource.RLIM_INFINITY))\nresource.setrlimit(resource.RLIMIT_STACK, (-1, -1))\nsys.setrecursionlimit(10**9)\nthreading.stack_size(1 << 26)\ndef f(): return 1",
    "own clocks": "import time\ndef f(): return int(time.process_time() >= 0 and time.thread_time() >= 0 and time.clock_getres(time.CLOCK_MONOTONIC) > 0)",
    "cores": "import os\ndef f(): return int(len(os.sched_getaffinity(0)) >= 1)",
    "digits": "def f(): return len(str(int('1' * 5000)) ) - 4999",
    "printing to devices": "import sys\ndef f():\n    print('x', file=sys.stderr)\n    open('/dev/stdout', 'w').write('x')\n    return 1",
}
CASES = {**GUARDED, **MODULE, **THREADS, **FILES, **SETTINGS}


@pytest.mark.parametrize("name", CASES)
def test_a_right_program_passes(lone_sandbox: Sandbox, name: str) -> None:
    (verdict,) = run_jobs(lone_sandbox, [make_job(CASES[name], "assert f() == 1")])
    assert (verdict.status, verdict.feedback) == ("passed", "")


def test_what_is_not_guarded_counts(lone_sandbox: Sandbox) -> None:
    programs = ["def f(): return 1\ninput()", "import sys\ndef f(): return 1\nsys.exit(0)"]
    verdicts = run_jobs(lone_sandbox, [make_job(program, "assert f() == 1") for program in programs])
    assert [verdict.status for verdict in verdicts] == ["error", "error"]


def test_integers_of_any_length_cross(lone_sandbox: Sandbox) -> None:
    code = "def f(n): return n * 10 ** 5000 + len(str(n))"
    (verdict,) = run_jobs(lone_sandbox, [make_job(code, "assert str(f(10 ** 6000)) == '1' + '0' * 10996 + '6001'")])
    assert verdict.status == "passed"
