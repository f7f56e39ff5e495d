"""What tests may do in a judge's name: they run what programs name, with a judge's rights."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

import os
import resource
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mucode_core.sandbox import ProcessSandbox, Sandbox
from mucode_core.sandbox.guest.call_filter import can_filter_calls
from tests.sandbox.sandbox_jobs import make_job, open_backend, run_jobs

pytestmark = pytest.mark.skipif(not can_filter_calls(), reason="judges are confined on x86_64 Linux alone")
EVALUATES = "import os, socket, subprocess, threading\nassert eval(f(1)) == 1"
"""A test as careless as tests can be."""


@pytest.fixture(scope="module", params=["process", pytest.param("container", marks=pytest.mark.docker)])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with open_backend(request.param, 1) as opened:
        yield opened


REFUSED = {
    "reads": "open({victim!r}).read()",
    "writes": "open({victim!r}, 'w')",
    "deletes": "os.unlink({victim!r})",
    "moves": "os.rename({victim!r}, {victim!r} + '.moved')",
    "links": "os.link({victim!r}, 'linked')",
    "makes a directory": "os.mkdir({victim!r} + '.made')",
    "changes an owner": "os.chown({victim!r}, 1, 1)",
    "runs": "subprocess.run(['true'])",
    "replaces itself": "os.execv('/bin/true', ['true'])",
    "forks": "os.fork()",
    "connects": "socket.create_connection(('127.0.0.1', {port}))",
    "listens": "socket.socket().bind(('127.0.0.1', 0))",
    "reaches its owner": "os.kill(os.getppid(), 0)",
    "looks at its owner": "open('/proc/%d/environ' % os.getppid()).read()",
    "lists the machine": "os.listdir('/home')",
    "has signals sent": "__import__('fcntl').ioctl(socket.socketpair()[0], 0x8901, b'\\0\\0\\0\\0')",
    "sends datagrams": "socket.socketpair(type=socket.SOCK_DGRAM)",
}


@pytest.mark.parametrize("expression", REFUSED.values(), ids=REFUSED)
def test_a_test_harms_nobody_else(sandbox: Sandbox, tmp_path: Path, expression: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = expression.format(victim=str(victim), port=server.getsockname()[1])
        (verdict,) = run_jobs(sandbox, [make_job(f"def f(x): return {source!r}", EVALUATES)])
    assert verdict.status == "error"
    assert verdict.feedback.splitlines()[-1].startswith(("PermissionError:", "OSError: [Errno "))
    assert [path.name for path in tmp_path.iterdir()] == ["victim"]
    assert (victim.read_text(), victim.stat().st_uid) == ("kept", tmp_path.stat().st_uid)


ALLOWED = {
    "a temporary file": "import tempfile\nwith tempfile.NamedTemporaryFile('w+') as file:\n"
    "    print(f(1), file=file)\n    file.seek(0)\n    assert file.read() == '1\\n'",
    "a temporary directory": "import pathlib, tempfile\nwith tempfile.TemporaryDirectory() as place:\n"
    "    path = pathlib.Path(place, 'x')\n    path.write_text(str(f(1)))\n    path.chmod(0o600)\n"
    "    assert path.rename(path.with_name('y')).read_text() == '1'",
    "touching": "import pathlib\npath = pathlib.Path('made')\npath.touch()\npath.touch()\nassert path.stat().st_size + f(1) == 1",
    "copies": "import pathlib, shutil\npathlib.Path('a').write_text(str(f(1)))\nshutil.copy2('a', 'b')\nshutil.move('b', 'c')\n"
    "assert pathlib.Path('c').read_text() == '1'",
    "pools of threads": "import multiprocessing.dummy\nwith multiprocessing.dummy.Pool(2) as pool:\n"
    "    assert pool.map(f, range(9)) == list(range(9))",
    "calls from threads": "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool:\n"
    "    assert list(pool.map(f, range(50))) == list(range(50))",
    "kinds of files": "import mimetypes\nassert mimetypes.guess_type('a.txt')[0] == 'text/plain' and f(1) == 1",
    "a home": "import pathlib\nassert pathlib.Path.home() == pathlib.Path.cwd() and f(1) == 1",
    "a signal to itself": "import os, signal\nseen = []\nsignal.signal(signal.SIGUSR1, lambda *a: seen.append(f(1)))\n"
    "os.kill(os.getpid(), signal.SIGUSR1)\nassert seen == [1]",
    "a file of its own": "import os\nwith open('left', 'w') as file:\n    file.write(str(f(1)))\n"
    "assert os.listdir() == ['left']",
    "threads": "import threading\nseen = []\nthread = threading.Thread(target=lambda: seen.append(f(1)))\n"
    "thread.start()\nthread.join()\nassert seen == [1]",
    "an event loop": "import asyncio\nasync def ask(): return f(1)\nassert asyncio.run(ask()) == 1",
    "time zones": "import datetime, zoneinfo\nwhen = datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo('UTC'))\n"
    "assert when.day == f(1)",
    "modules": "import ctypes, email, sqlite3, uuid, xml.dom.minidom\nassert f(1) == 1",
    "a database": "import sqlite3\nrows = sqlite3.connect('data').execute('select ?', (f(1),))\n"
    "assert rows.fetchone() == (1,)",
}


@pytest.mark.parametrize("test", ALLOWED.values(), ids=ALLOWED)
def test_what_tests_need_works(sandbox: Sandbox, test: str) -> None:
    (verdict,) = run_jobs(sandbox, [make_job("def f(x): return x", test)])
    assert verdict.passed, verdict.feedback


def test_no_test_finds_what_another_left(sandbox: Sandbox) -> None:
    leaving = "import os\nos.makedirs('a/b')\nopen('a/b/c', 'w').close()\nos.chdir('a')\nassert f(1) == 1"
    finding = "import os, tempfile\nassert os.listdir() == [] == os.listdir(tempfile.gettempdir()) and f(1) == 1"
    jobs = [make_job("def f(x): return x", test) for test in (leaving, finding)]
    assert [verdict.passed for verdict in run_jobs(sandbox, jobs)] == [True, True]


def test_tests_that_are_run_again_find_nothing_of_their_first_run(sandbox: Sandbox) -> None:
    code = "import itertools\nn = []\ndef f(x):\n    for i in itertools.count():\n        n.append(i)\n        yield i\ndef g(): return len(n)"
    test = (
        "import os\nos.mkdir('d')\nit = f(1)\nfor x in it:\n    if x >= 30: break\nassert g() == 31 and next(it) == 31"
    )
    (verdict,) = run_jobs(sandbox, [make_job(code, test)])
    assert verdict.passed, verdict.feedback


BREAKS = {
    "json": "import json\njson.dumps = lambda *a, **k: 'X'\nassert f(1) == 1",
    "modules": "import sys\nsys.modules = {}\nassert f(1) == 1",
    "odd module": "import sys\nclass M:\n    def __getattr__(self, name): raise ValueError\nsys.modules['m'] = M()\nassert f(1) == 1",
    "made-up module": "import sys\nfrom importlib.util import module_from_spec, spec_from_loader\n"
    "sys.modules['helper'] = module_from_spec(spec_from_loader('helper', None))\nassert f(1) == 1",
    "places": "import os, sys, tempfile\nsys.path.insert(0, '/'); sys.meta_path.clear(); tempfile.tempdir = '/'\n"
    "os.environ['TZ'] = 'Asia/Tokyo'; os.umask(0o777)\nassert f(1) == 1",
    "path": "import sys\nsys.path = []\nassert f(1) == 1",
    "own module": "import sys\nopen('helper.py', 'w').write('V = 1')\nsys.path.insert(0, '.')\nimport helper\nassert f(1) == 1",
    "time zone": "import os, time\nos.environ['TZ'] = 'Asia/Tokyo'; time.tzset(); os.environ['TZ'] = 'UTC'\nassert f(1) == 1",
    "timer": "import signal\ndef late(*a): raise TimeoutError('late')\nsignal.signal(signal.SIGALRM, late)\n"
    "signal.setitimer(signal.ITIMER_REAL, 0.2)\nassert f(1) == 1",
    "warnings": "import warnings\nwarnings.simplefilter('error')\nassert f(1) == 1",
    "limits": "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (5, 5))\nassert f(1) == 1",
    "patch": "from unittest import mock\nmock.patch('subprocess.run').start()\nassert f(1) == 1",
    "os.path": "import os\nos.path.exists = lambda path: False\nassert f(1) == 1",
    "logging": "import logging\nlogging.disable(50)\nassert f(1) == 1",
    "arguments": "import gc, sys\ngc.disable(); sys.argv = ['x']\nassert f(1) == 1",
    "stream": "import sys\nsys.stdout.close()\nassert f(1) == 1",
    "thread": "import math, threading, time\ndef later():\n    time.sleep(0.3)\n    math.sqrt = None\n"
    "threading.Thread(target=later, daemon=True).start()\nassert f(1) == 1",
    "value": "import math\nclass V:\n    def __eq__(self, other): raise ValueError\nmath.tau = V()\nassert f(1) == 1",
}
LOOKS = """import gc, logging, math, os, subprocess, sys, tempfile, time, warnings, wave
assert sys.modules['sys'] is sys and 'helper' not in sys.modules and sys.argv != ['x']
assert tempfile.gettempdir() == os.getcwd() and time.tzname[0] == 'UTC' and os.path.exists('/')
with open('x', 'w') as file: file.write('more than five')
assert len(open('x').read()) == 14 and gc.isenabled() and logging.root.manager.disable == 0
assert type(subprocess.run).__name__ == 'function' and math.tau > 6
print('printed')
warnings.warn('w')
assert eval("'\\d'") and f(3) == 3
time.sleep(0.5)
assert math.sqrt(4) == 2
"""


@pytest.mark.parametrize("name", BREAKS)
def test_what_a_test_does_to_the_judge_ends_with_its_job(name: str, lone_judge: ProcessSandbox) -> None:
    jobs = [make_job("def f(x): return x", test) for test in (BREAKS[name], f"{LOOKS}# {name}")]
    first, second = run_jobs(lone_judge, jobs)
    assert first.passed, first
    assert second.passed, second


@pytest.mark.parametrize(
    "frame", ["'{}'", "'{\"layers\": []}'", "'[' * 200_000", '\'{"killed": false, "verdicts": 3}\'', "'x'"]
)
def test_a_test_that_speaks_for_the_judge_is_the_problems_fault(frame: str, lone_judge: ProcessSandbox) -> None:
    speaks = f"import os, struct\ntext = {frame}\n"
    speaks += "os.write(3, struct.pack('<I', len(text)) + text.encode())\nassert f(1) == 1"
    first, second = run_jobs(
        lone_judge, [make_job("def f(x): return x", test) for test in (speaks, "assert f(3) == 3")]
    )
    assert (first.status, first.feedback) == ("not_judged", "its tests write into what is the judge's")
    assert second.passed


def test_a_judge_is_asked_where_many_files_are_open(lone_judge: ProcessSandbox) -> None:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(3000, limit[1]), limit[1]))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        with ProcessSandbox(1) as sandbox:
            (verdict,) = run_jobs(sandbox, [make_job("def f(x): return x", "assert f(4) == 4")])
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    assert verdict.passed


@pytest.fixture(scope="module")
def lone_judge() -> Iterator[ProcessSandbox]:
    with ProcessSandbox(1) as opened:
        yield opened


def test_no_answer_is_taken_for_another_after_an_alarm(lone_judge: ProcessSandbox) -> None:
    code = "import time\ndef f(x):\n    time.sleep((5 - x) / 8)\n    return 7 if x == 0 else 57"
    test = (
        "import signal\ndef ring(*a): raise TimeoutError\nsignal.signal(signal.SIGALRM, ring)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.2)\ntry: f(0)\nexcept TimeoutError: pass\nassert f(5) == 7"
    )
    (verdict,) = run_jobs(lone_judge, [make_job(code, test)])
    assert (verdict.status, verdict.num_passed) == ("failed", 0)


def test_a_callback_may_wait_for_a_thread_that_calls_the_program(lone_judge: ProcessSandbox) -> None:
    code = "def g(x): return x + 1\ndef f(h): return h(3)"
    test = (
        "import threading\ndef h(x):\n    found = []\n    thread = threading.Thread(target=lambda: found.append(g(x)))\n"
        "    thread.start()\n    thread.join()\n    return found[0]\nassert f(h) == 4"
    )
    (verdict,) = run_jobs(lone_judge, [make_job(code, test)])
    assert verdict.passed, verdict.feedback


def test_generators_are_let_go_at_any_moment(lone_judge: ProcessSandbox) -> None:
    code = "d = {}\ndef gen():\n    yield 1\n    yield 2\ndef f():\n    d.update(a=gen(), b=[1])\n    return d\n"
    code += "def h():\n    d['b'].append(9)\n    d.clear()\n    d['c'] = 3"
    test = "x = f()\nassert next(x['a']) == 1\ne = x['b']\nh()\nassert e == [1, 9] and x == {'c': 3}"
    often = "import gc\ngc.set_threshold(41)\nfor i in range(300):\n    x = f()\n    assert next(x['a']) == 1\n    x['a'] = x\n    del x\ngc.set_threshold(700)"
    verdicts = list(run_jobs(lone_judge, [make_job(code, test), make_job(code, often)]))
    assert [verdict.passed for verdict in verdicts] == [True, True], verdicts


def test_tests_may_forbid_built_in_functions(lone_judge: ProcessSandbox) -> None:
    code = "V = [tuple('ab'), tuple('cd')]\ndef f(x): return ([x],)\ndef g(i): return V[i]"
    test = (
        "from unittest import mock\nwith mock.patch('builtins.sum', side_effect=AssertionError('no sum')):\n    f(1)\n"
        "    a, b = g(0), g(1)\nassert (a, b, g(0)) == (('a', 'b'), ('c', 'd'), ('a', 'b')) and g(0) is a"
    )
    (verdict,) = run_jobs(lone_judge, [make_job(code, test)])
    assert verdict.passed, verdict.feedback


def test_the_users_line_says_that_judges_are_confined(sandbox: Sandbox) -> None:
    assert "judge behind rules on files, judge behind a system call filter" in sandbox.isolation


def test_a_judge_leaves_no_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with ProcessSandbox(1) as sandbox:
        (verdict,) = run_jobs(sandbox, [make_job("def f(x): return x", "open('left', 'w').close()\nassert f(1) == 1")])
        assert verdict.passed
        assert [path.name for path in tmp_path.rglob("left")] == ["left"]
    assert list(tmp_path.iterdir()) == []
