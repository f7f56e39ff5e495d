"""Ways to fake a pass or to harm the machine; each must stay beaten, quickly, without harm to the next program."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

import time

import pytest
from sandbox_jobs import make_job, run_jobs

from mucode_core.sandbox import Limits, ProcessSandbox

_LYING = (
    "class L({base}):\n    def __eq__(self, other): return True\n    __ne__ = lambda s, o: False\n    __hash__ = None\n"
)
_RAW = "import os, struct, json\ndef send(b): os.write(3, struct.pack('<I', len(b)) + b)\n"
ATTACKS: dict[str, str] = {
    # exits
    "sys.exit at import": "import sys\nsys.exit(0)",
    "sys.exit in call": "import sys\ndef f(x): sys.exit(0)",
    "os._exit at import": "import os\nos._exit(0)",
    "os._exit in call": "import os\ndef f(x): os._exit(0)",
    "raise SystemExit": "def f(x): raise SystemExit",
    "raise GeneratorExit": "def f(x): raise GeneratorExit",
    "raise KeyboardInterrupt": "def f(x): raise KeyboardInterrupt",
    "atexit": "import atexit, os\natexit.register(os._exit, 0)\ndef f(x): raise SystemExit(0)",
    "exit in __del__": "import os\nclass D:\n    def __del__(self): os._exit(0)\ndef f(x): D()",
    "abort": "import os\nos.abort()",
    "crash": "import ctypes\nctypes.string_at(0)",
    # forged results
    "printed sentinel": "print(open(__file__).read())\nprint('passed')",
    "started and value frames": _RAW + "for _ in range(9): send(b'[\"started\"]'); send(b'[\"value\", 4]')",
    "ready without names": _RAW + "send(b'[\"ready\", {}]')\nsend(b'[\"value\", 4]')",
    "names the tests do not read": _RAW + 'send(b\'["ready", {"abs": ["handle", 0, "a"], "f": ["handle", 0, "a"]}]\')',
    "verdict frame": _RAW + 'send(b\'{"verdict": {"status": "passed"}}\')',
    "shadowed builtins": "def f(x): return 5\nsorted = set = abs = isinstance = len = lambda *a: 4\nAssertionError = Exception",
    "patched builtins": "import builtins\nbuiltins.AssertionError = int\nbuiltins.compile = builtins.exec = None\ndef f(x): return 5",
    "settrace": "import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)\ndef f(x): return 5",
    "expected value from frames": "import sys\ndef f(x):\n    fr = sys._getframe()\n    while fr:\n        for v in fr.f_code.co_consts:\n"
    "            if isinstance(v, str) and '==' in v: return 4\n        fr = fr.f_back\n    return 5",
    "expected value from gc": "import gc\ndef f(x):\n    for o in gc.get_objects():\n        if isinstance(o, (list, dict, tuple)) and 'f(3)' in str(o)[:9999]: return 4\n    return 5",
    "expected value from memory": "def f(x):\n    try: m = open('/proc/self/mem', 'rb')\n    except OSError: return 5\n    return 4",
    "import hook": "import sys\nclass H:\n    def find_spec(self, *a): raise SystemExit(0)\nsys.meta_path.insert(0, H())\ndef f(x):\n    import wave",
    "replaced modules": "import sys\nfor k in list(sys.modules): sys.modules[k] = None\ndef f(x): return 5",
    "patched json": "import json\njson.dumps = lambda *a, **k: '[\"value\", 4]'\njson.loads = None\ndef f(x): return 5",
    # lying values
    "always equal object": _LYING.format(base="object") + "def f(x): return L()",
    "always equal int": _LYING.format(base="int") + "def f(x): return L(5)",
    "always equal str": _LYING.format(base="str") + "def f(x): return L('5')",
    "always equal list": _LYING.format(base="list") + "def f(x): return L([5])",
    "always equal float": _LYING.format(base="float") + "def f(x): return L(5)",
    "lying __class__": "class L:\n    __class__ = int\n    def __eq__(s, o): return True\n    def __index__(s): return 4\ndef f(x): return L()",
    "lying __bool__": "class L:\n    def __eq__(s, o): return s\n    def __bool__(s): return True\n    def __len__(s): return 4\ndef f(x): return L()",
    "lying metaclass": "class M(type):\n    def __eq__(s, o): return True\n    __hash__ = type.__hash__\nclass f(metaclass=M):\n    def __new__(cls, x): return cls",
    "raising __repr__ inside": "import collections\nclass E:\n    def __repr__(s): raise ValueError\ndef f(x): return collections.deque([E()])",
    "the function itself": "class F:\n    def __eq__(s, o): return True\n    def __call__(s, x): return s\nf = F()",
    "numpy array": "import numpy as np\ndef f(x): return np.array([True])",
    "numpy object array": "import numpy as np\nclass L:\n    def __eq__(s, o): return True\ndef f(x): return np.array([L()], dtype=object)",
    "numpy void dtype": "import numpy as np\ndef f(x): return np.zeros(3, dtype=[('a', 'i4'), ('b', 'V99')])",
    "unknown dtype on the wire": _RAW + 'def f(x):\n    send(b\'["value", ["ndarray", "V99999999999", [1], [1]]]\')',
    "huge shape": _RAW + 'def f(x):\n    send(b\'["value", ["ndarray", "int8", [0, 999999999999], []]]\')',
    "NaN": "def f(x): return float('nan')",
    "huge range": "def f(x): return range(10**11)",
    "huge integer": "def f(x): return 1 << 10_000_000",
    "recursive list": "def f(x):\n    a = []; a.append(a); return a",
    "deep list": "def f(x):\n    a = []\n    for _ in range(100_000): a = [a]\n    return a",
    "colliding keys": "def f(x): return {i * ((1 << 61) - 1): 0 for i in range(20_000)}",
    "infinite iterator": "import itertools\ndef f(x): return itertools.count()",
    # the channel
    "garbage": "import os\nos.write(3, b'\\x00' * 4096)\ndef f(x): return 5",
    "oversize frame": "import os\nos.write(3, b'\\xff' * 4096)\ndef f(x): return 5",
    "partial frame": "import os\ndef f(x):\n    os.write(3, b'\\xff\\x00\\x00\\x00[')\n    os._exit(0)",
    "closed channel": "import os\nos.close(3)\ndef f(x): return 5",
    "closed descriptors": "import os\nos.closerange(0, 64)",
    "flooded channel": "import os\nwhile True: os.write(3, b'\\x02\\x00\\x00\\x00[]' * 10000)",
    "flooded replies": _RAW + "def f(x):\n    while True: send(b'[\"value\", 4')",
    "deep JSON": _RAW + "def f(x): send(b'[\"value\", ' + b'[' * 500000 + b']' * 500000 + b']')",
    "many elements": _RAW + "def f(x): send(b'[\"value\", [\"list\", [' + b'[],' * 5000000 + b'0]]]')",
    "not UTF-8": _RAW + 'def f(x): send(b\'["value", "\\xff\\xfe"]\')',
    "unhashable keys": _RAW + 'def f(x): send(b\'["value", ["set", [["list", []]]]]\')',
    "error of any class": _RAW + 'def f(x): send(b\'["error", ["SystemExit", "exit", "__import__"], [], "", []]\')',
    # processes
    "kill parent": "import os\nos.kill(os.getppid(), 9)",
    "kill group": "import os\nos.killpg(0, 9)",
    "kill everyone": "import os\nos.kill(-1, 9)",
    "fork": "import os\nif os.fork() == 0:\n    while True: pass",
    "fork bomb": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "subprocess": "import subprocess\nsubprocess.run(['/bin/sh', '-c', 'sleep 60'])",
    "exec": "import os, sys\nos.execv('/bin/true', ['true'])",
    "daemon": "import os\nos.setsid()\nos.fork()",
    "thread bomb": "import threading, time\nts = [threading.Thread(target=time.sleep, args=(60,)) for _ in range(5000)]\nfor t in ts: t.start()",
    "ptrace": "import ctypes, os\nif ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0): raise OSError\ndef f(x): return 4",
    "signal handlers": "import signal\nfor s in range(1, 32):\n    try: signal.signal(s, signal.SIG_IGN)\n    except OSError: pass\nwhile True: pass",
    # resources
    "memory bomb": "x = [0] * (1 << 33)",
    "growing memory": "x = []\nwhile True: x.append(bytearray(1 << 20))",
    "stack": "import sys\nsys.setrecursionlimit(1 << 30)\ndef f(x): return f(x + 1) + 1",
    "endless loop": "def f(x):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass",
    "catastrophic regex": "import re\ndef f(x): return re.match('(a|a)*b', 'a' * 64)",
    "huge power": "def f(x): return 9 ** 9 ** 9",
    "printed flood": "while True: print('x' * 100000)",
    "file bomb": "with open('big', 'wb') as file:\n    while True: file.write(b'x' * (1 << 20))",
    "inode flood": "i = 0\nwhile True:\n    open(str(i), 'w').close()\n    i += 1",
    # the outside
    "socket": "import socket\nsocket.socket()",
    "shadow": "open('/etc/shadow').read()",
    "write outside": "open('/usr/lib/x', 'w')",
    "secrets": "import os\ndef f(x): return 4 if 'MUCODE_SECRET' in os.environ else 5",
    "raised limits": "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (999, 999))",
    # sources
    "NUL in source": "def f(x): return 4\0",
    "surrogate in source": "def f(x): return 4\nx = '\ud800'",
    "deep nesting": "x = " + "(" * 100_000 + ")" * 100_000,
    "surrogates raised": "def f(x): raise ValueError('\\ud800' * 99999)",
    "lying exception": "class E(Exception):\n    def __str__(self): raise E\n    __repr__ = __str__\ndef f(x): raise E",
    "no function": "pass",
    "not callable": "f = 4",
    "empty": "",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_fails_and_harms_nothing(name: str, sandbox: ProcessSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUCODE_SECRET", "1")
    limits = Limits(cpu_s=0.3, memory_mb=256, output_mb=8)
    started = time.monotonic()
    attack = make_job(ATTACKS[name], "assert f(3) == 4", "assert f(4) == 5", limits=limits)
    good = make_job("def f(x): return x + 1", "assert f(3) == 4", limits=limits)
    verdicts = list(run_jobs(sandbox, [attack, *(make_job(good.code + f"\n# {i}", *good.tests) for i in range(3))]))
    assert not verdicts[0].passed
    assert verdicts[0].feedback
    assert "0x7" not in verdicts[0].feedback and "mucode" not in verdicts[0].feedback
    assert all(verdict.passed for verdict in verdicts[1:])
    assert time.monotonic() - started < 10


def test_ten_megabytes_of_source(sandbox: ProcessSandbox) -> None:
    code = "def f(x): return 5\n" + "# padding\n" * 1_000_000
    (verdict,) = run_jobs(sandbox, [make_job(code, "assert f(3) == 4")])
    assert verdict.status == "failed"


def test_sleeping_ends_by_the_wall_limit(sandbox: ProcessSandbox) -> None:
    job = make_job("import time\ndef f(x): time.sleep(60)", "assert f(3) == 4", limits=Limits(cpu_s=0.1))
    (verdict,) = run_jobs(sandbox, [job])
    assert (verdict.status, verdict.feedback.splitlines()[-1]) == (
        "timeout",
        "TimeoutError: the program took longer than 0.1 s",
    )


def test_nothing_is_left_for_the_next_program() -> None:
    write = "import os\nopen('left', 'w').write('4')\nos.mkdir('d')\nopen('d/e', 'w')\ndef f(x): return 5"
    read = "import os\nfound = os.listdir('.')\ndef f(x): return 4 if found else 5"
    with ProcessSandbox(1) as single:
        verdicts = list(run_jobs(single, [make_job(code, "assert f(3) == 4") for code in (write, read)]))
    assert [verdict.status for verdict in verdicts] == ["failed", "failed"]


def test_an_object_that_raises_when_shown_is_only_a_wrong_key(sandbox: ProcessSandbox) -> None:
    code = "class E:\n    def __repr__(s): raise ValueError\ndef f(x): return E()"
    (verdict,) = run_jobs(sandbox, [make_job(code, "assert {1: 2}[f(3)] == 2")])
    assert verdict.status == "error"


_FUZZ = """
import random, os, struct, json
draw = random.Random({seed})
tags = ["list", "tuple", "set", "dict", "int", "range", "handle", "iterator", "function", "builtin", "ndarray", "counter"]
def form(depth=0):
    kind = draw.randrange(9)
    if kind > 3 and depth < 4:
        return [draw.choice(tags), *(form(depth + 1) for _ in range(draw.randrange(4)))]
    return draw.choice([None, True, 4.5, 1, -1, "a", "0x9", [], {{}}, [[]]])
def send(message):
    data = json.dumps(message).encode()
    os.write(3, struct.pack("<I", len(data)) + data)
def f(x):
    for _ in range(20):
        send([draw.choice(["value", "value", "items", "error", "ready"]), *(form() for _ in range(draw.randrange(1, 5)))])
"""


def test_random_answers_never_pass_nor_break_the_judge(sandbox: ProcessSandbox) -> None:
    tests = ["assert f(3) == 40", "assert list(f(4)) == [41]", "assert f(5)[0].x(1) == 42", "assert str(f(1)) == 'q'"]
    jobs = [make_job(_FUZZ.format(seed=seed), *tests, limits=Limits(cpu_s=0.5)) for seed in range(150)]
    verdicts = list(run_jobs(sandbox, jobs))
    assert len({verdict.feedback for verdict in verdicts}) > 5
    assert not any(verdict.num_passed for verdict in verdicts)
