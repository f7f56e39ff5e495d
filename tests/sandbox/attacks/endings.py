"""Ending early, dying loudly, and exceptions that look like something else."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from tests.sandbox.attacks import Attack, table

_CODE = "import ctypes, mmap\nm = mmap.mmap(-1, 4096, prot=7)\nm.write({bytes})\nctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()\ndef f(x): return 5"
EXITS = table({
    "sys.exit at import": "import sys\nsys.exit(0)",
    "sys.exit in call": "import sys\ndef f(x): sys.exit(0)",
    "sys.exit in constructor": "import sys\nclass f:\n    def __init__(self, x): sys.exit(0)",
    "os._exit at import": "import os\nos._exit(0)",
    "os._exit in call": "import os\ndef f(x): os._exit(0)",
    "os._exit in another thread": "import os, threading, time\ndef f(x):\n    threading.Thread(target=os._exit, args=(0,)).start()\n    time.sleep(9)",
    "raise SystemExit": "def f(x): raise SystemExit",
    "SystemExit with a value": "def f(x): raise SystemExit(WON)",
    "raise GeneratorExit": "def f(x): raise GeneratorExit",
    "raise KeyboardInterrupt": "def f(x): raise KeyboardInterrupt",
    "raise BaseException": "def f(x): raise BaseException",
    "atexit": "import atexit, os\natexit.register(os._exit, 0)\ndef f(x): raise SystemExit(0)",
    "exit in __del__": "import os\nclass D:\n    def __del__(self): os._exit(0)\ndef f(x): D()",
    "exit in excepthook": "import os, sys\nsys.excepthook = lambda *a: os._exit(0)\ndef f(x): 1 / 0",
    "exit in __getattr__ of the module": "import os\ndef __getattr__(name): os._exit(0)",
    "abort": "import os\nos.abort()",
    "crash": "import ctypes\nctypes.string_at(0)",
    "killed by itself": "import signal\ndef f(x): signal.raise_signal(signal.SIGKILL)",
    "terminated by itself": "import signal\ndef f(x): signal.raise_signal(signal.SIGTERM)",
    "stack of C": "import sys\nsys.setrecursionlimit(1 << 30)\nclass A:\n    def __add__(self, other): return self + other\ndef f(x): return A() + 1",
    "illegal instruction": _CODE.format(bytes=r"b'\x0f\x0b'"),
    "32-bit system call": _CODE.format(bytes=r"b'\xb8\x14\x00\x00\x00\xcd\x80\xc3'"),
    "divide error": _CODE.format(bytes=r"b'\x31\xc9\xf7\xf1\xc3'"),
})  # fmt: skip

STOPPED = table({
    "stops itself": Attack("import signal\ndef f(x): signal.raise_signal(signal.SIGSTOP)", cpu_s=0.02, slow=True),
    "sleeps": Attack("import time\ndef f(x): time.sleep(60)", cpu_s=0.02),
    "waits for a lock": Attack("import threading\nlock = threading.Lock()\nlock.acquire()\ndef f(x): lock.acquire()", cpu_s=0.02, slow=True),
    "reads an empty pipe": Attack("import os\nr, w = os.pipe()\ndef f(x): os.read(r, 1)", cpu_s=0.02, slow=True),
    "every thread ended but one": Attack("import ctypes, threading, time\nthreading.Thread(target=time.sleep, args=(9,)).start()\nctypes.CDLL(None).syscall(60, 0)", cpu_s=0.02, slow=True),
    "half a frame, then silence": Attack("import os, time\ndef f(x):\n    os.write(3, b'\\xff\\x00\\x00\\x00[')\n    time.sleep(60)", cpu_s=0.02, slow=True),
})  # fmt: skip
"""Each costs the wall limit of about two seconds."""

_HIDDEN = "try:\n    f(3)\nexcept:\n    pass"
_LOOP = "for got, wanted in zip(map(f, [1, 2]), [739391, 739392]):\n    assert got == wanted"
EXCEPTIONS = table({
    "AssertionError of its own": "class AssertionError(Exception): pass\ndef f(x): raise AssertionError('passed')",
    "name of the judge's error": "class MismatchError(AssertionError): pass\ndef f(x): raise MismatchError(4, 4, '')",
    "exception group": "def f(x): raise ExceptionGroup('g', [SystemExit(0)] and [ValueError()])",
    "base exception group": "def f(x): raise BaseExceptionGroup('g', [SystemExit(0)])",
    "lying exception": "class E(Exception):\n    def __str__(self): raise E\n    __repr__ = __str__\ndef f(x): raise E",
    "name that is no text": "class M(type):\n    __name__ = property(lambda c: 5)\nclass E(Exception, metaclass=M): pass\ndef f(x): raise E",
    "args that lie": "class L(str):\n    def __len__(s): return 0\n    def __getitem__(s, k): return s\ndef f(x): raise ValueError(L('x' * 999999))",
    "endless __mro__": "E = Exception\nfor i in range(500): E = type('E' + str(i), (E,), {})\ndef f(x): raise E",
    "huge message": "def f(x): raise ValueError('x' * (1 << 23))",
    "surrogates": "def f(x): raise ValueError('\\ud800' * 99999)",
    "paths and addresses": "def f(x): raise ValueError('/usr/lib/python3/x/y.py ' + hex(id(f)))",
    "traceback of a million frames": "import sys\nsys.setrecursionlimit(1 << 20)\ndef f(x): return f(x)",
    "exception chain in a circle": "def f(x):\n    a, b = ValueError(), KeyError()\n    a.__cause__, b.__cause__ = b, a\n    raise a",
    "StopIteration ends a loop": Attack("def f(x): raise StopIteration", (_LOOP,)),
    "its subclass ends a loop": Attack("class E(StopIteration): pass\ndef f(x): raise E", (_LOOP,)),
    "StopIteration ends all()": Attack("def f(x): raise StopIteration", ("assert all(map(f, [1, 2, 3]))",)),
    "StopIteration of an attribute": Attack("class P:\n    x = property(lambda s: next(iter(())))\ndef f(x): return P()", ("import operator\nassert all(map(operator.attrgetter('x'), [f(1), f(2)]))",)),
    "StopIteration of an item": Attack("class P:\n    def __getitem__(s, k): raise StopIteration\ndef f(x): return P()", ("assert list(map(f(3).__getitem__, [1])) == []",)),
    "exit behind a bare except": Attack("import os\ndef f(x): os._exit(0)", (_HIDDEN,)),
    "loop behind a bare except": Attack("def f(x):\n    while True: pass", (_HIDDEN,)),
    "flood behind a bare except": Attack("def f(x): return 'x' * (9 << 20)", (_HIDDEN,)),
    "exit behind a bare except, then a right-looking assert": Attack("import os\ndef f(x): os._exit(0)", (_HIDDEN + "\nassert True", "assert True")),
})  # fmt: skip
