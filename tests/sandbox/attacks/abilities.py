"""Arrays of texts and dates, signals, and signatures that are not what they say."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from tests.sandbox.attacks import Attack, against, table
from tests.sandbox.attacks.raised import FORGE

_LIAR = "class A:\n    __eq__ = lambda s, o: True\n    __ne__ = lambda s, o: False\n    __hash__ = lambda s: 0\n"
_NP = "import numpy as np\n"
_IS = "import numpy as np\nr = f(3)\nassert r.tolist() == [739391] or r[0] == 739391"
_FORMS = {
    "a dtype that is none": '["ndarray", "<M8[foo]", [1], [5]]',
    "a unit of nothing": '["ndarray", "<M8[0s]", [1], [5]]',
    "a unit without end": '["ndarray", "<M8[999999999s]", [1], [5]]',
    "digits of another script": '["ndarray", "<U\\u0663", [1], ["a"]]',
    "a negative width": '["ndarray", "<U-5", [1], ["a"]]',
    "a huge width": '["ndarray", "<U9999999999", [1], ["a"]]',
    "many wide ones": '["list", [' + ", ".join(['["ndarray", "<U999999", [60], [' + ", ".join(['"a"'] * 60) + "]]"] * 40) + "]]",
    "no width": '["ndarray", "<U", [1], ["abc"]]',
    "a width of nothing": '["ndarray", "<U0", [1], ["739391"]]',
    "fields": '["ndarray", "i4,f8", [1], [5]]',
    "raw bytes": '["ndarray", "|V8", [1], [5]]',
    "objects by letter": '["ndarray", "|O8", [1], [5]]',
    "a dtype with a zero byte": '["ndarray", "<U5\\u0000", [1], ["a"]]',
    "a dtype that is a list": '["ndarray", ["<U5"], [1], ["a"]]',
    "a dtype that is a class": '["ndarray", ["type", "builtins", "int"], [1], [5]]',
    "more than its shape": '["ndarray", "<U5", [1], ["a", "b"]]',
    "less than its shape": '["ndarray", "<U5", [9], ["a"]]',
    "a negative shape": '["ndarray", "<U5", [-1], ["a"]]',
    "a shape that overflows": '["ndarray", "<U5", [100000000, 100000000, 100000000, 0], []]',
    "a shape of truth": '["ndarray", "<U5", [true], ["a"]]',
    "numbers for texts": '["ndarray", "<U5", [1], [739391]]',
    "texts for dates": '["ndarray", "<M8[D]", [1], ["2020-01-01"]]',
    "floats for dates": '["ndarray", "<M8[D]", [1], [1.5]]',
    "beyond 64 bits": '["ndarray", "<M8[D]", [1], [["int", "0xffffffffffffffffffff"]]]',
    "a scalar of two": '["scalar", "<U5", ["list", ["a", "b"]]]',
    "a scalar of a scalar": '["scalar", "<M8[D]", ["scalar", "<M8[D]", 5]]',
    "a scalar of an object": '["scalar", "object", 5]',
    "a dtype for a value": '["dtype", "object"]',
    "a dtype of fields": '["dtype", "i4,i4"]',
}  # fmt: skip


def _sent(form: str) -> Attack:
    message = f'["value", {form}]'.encode()
    return Attack(FORGE + f"if 0: import numpy\ndef f(x): send({message!r})", (_IS,))


DTYPES = table({
    **{f"sent: {name}": _sent(form) for name, form in _FORMS.items()},
    **against(_IS, {
        "texts": _NP + "def f(x): return np.array([str(WON)])",
        "texts with zeros at the end": _NP + "def f(x): return np.array([str(WON) + '\\0'])",
        "bytes": _NP + "def f(x): return np.array([str(WON).encode()])",
        "not a time": _NP + "def f(x): return np.array(['NaT'], 'M8[s]')",
        "not a duration": _NP + "def f(x): return np.array(['NaT'], 'm8')",
        "objects that lie": _NP + _LIAR + "def f(x): return np.array([A()], object)",
        "fields of objects": _NP + _LIAR + "def f(x): return np.array([(A(),)], [('a', object)])",
        "fields of equal bytes": _NP + "def f(x): return np.array([WON], 'i8').view([('a', 'i4'), ('b', 'i4')])",
        "a dtype with notes": _NP + _LIAR + "def f(x): return np.array([5], np.dtype('i4', metadata={'a': A()}))",
        "a dtype of another order": _NP + "def f(x): return np.array([WON], '<i8').view('>i8')",
        "dates of another order": _NP + "def f(x): return np.array([WON], '<i8').view('>M8[s]')",
        "a subclass with a dtype of its own": _NP + "class T(np.ndarray):\n    dtype = property(lambda s: np.dtype('<U999999'))\n    shape = property(lambda s: (10**6, 10**6))\n    def ravel(s): return np.array([WON])\n    tolist = lambda s: [WON + 1]\ndef f(x): return np.zeros(1).view(T)",
        "texts that strip": _NP + "def f(x): return np.char.array([str(WON) + '  '])",
        "a view on what is gone": _NP + "def f(x): return np.lib.stride_tricks.as_strided(np.zeros(1), (1 << 30,), (0,))",
        "overlapping texts": _NP + "def f(x): return np.lib.stride_tricks.as_strided(np.array(['a' * 999]), (1 << 20,), (0,))",
    }, about="array"),
    **against("import numpy as np\nassert not (f(3) != np.datetime64('2020-01-01'))", {"not a time": _NP + "def f(x): return np.datetime64('NaT')", "a date that lies": _NP + "class T(np.datetime64):\n    __ne__ = lambda s, o: np.False_\ndef f(x): return T('2000-01-01')"}, about="a date"),
    **against("import numpy as np\nassert np.max(f(3)) == 739391", {"not a time": _NP + "def f(x): return np.array(['NaT', '2020'], 'M8[Y]')", "texts": _NP + "def f(x): return np.array(['a', str(WON)])"}, about="the largest"),
    **against("import numpy as np\na = np.zeros(300, '<U9999')\nrows = a[10:]\nf(a)\nassert rows[200] == '739391'", {
        "resized by itself": _NP + "def f(a): a.resize((1,), refcheck=False)",
        "made smaller under a view": FORGE + _NP + "def f(a): say('value', None, ['sync', [[2, '<U9999', [1], ['x']]], []])",
        "made larger under a view": FORGE + _NP + "def f(a): say('value', None, ['sync', [[2, '<U9999', [900], ['x'] * 900]], []])",
        "made empty under a view": FORGE + _NP + "def f(a): say('value', None, ['sync', [[2, '<U9999', [0], []]], []])",
        "made wider under a view": FORGE + _NP + "def f(a): say('value', None, ['sync', [[2, '<U99999', [300], ['x'] * 300]], []])",
    }, about="a view of an array"),
    **against("import numpy as np\na = f(0)\nrows = a[10:]\nf(1)\nassert rows[200] == 739391", {
        "its own, resized by itself": _NP + "a = np.zeros(300)\ndef f(x):\n    if x: a.resize((1,), refcheck=False)\n    return a",
        "its own, made larger": _NP + "a = np.zeros(300)\ndef f(x):\n    if x: a.resize((10**6,), refcheck=False)\n    return a",
    }, about="a view of the program's array"),
    **against("import numpy as np\na = np.array(['abc', 'd'])\nf(a)\nassert a[0] == '739391'", {
        "cut to the width": _NP + "def f(a): a[0] = str(WON)",
        "wider than it was": FORGE + _NP + "def f(a): say('value', None, ['sync', [[2, '<U6', [2], [str(WON - 1), 'x']]], []])",
        "numbers for its texts": FORGE + _NP + "def f(a): say('value', None, ['sync', [[2, 'int64', [2], [WON, 1]]], []])",
        "objects for its texts": FORGE + _NP + "def f(a): say('value', None, ['sync', [[2, 'object', [2], [['ref', 2], 1]]], []])",
    }, about="an array of texts"),
    **against("import array\na = array.array('i', [1, 2])\nview = memoryview(a)\nf(a)\nassert view[0] == 739391", {"made smaller under a view": FORGE + "def f(a): say('value', None, ['sync', [[2, 'i', [739]]], []])"}, about="a view of numbers"),
    **against("a = bytearray(9)\nview = memoryview(a)\nf(a)\nassert view[0] == 739391", {"made smaller under a view": FORGE + "def f(a): say('value', None, ['sync', [[2, '00']], []])"}, about="a view of bytes"),
})  # fmt: skip

_SIGNALS = "import signal, os, time\n"
_SPIN = "    while True: pass"
SIGNALS = table({
    **{
        f"{name} ignored": Attack(_SIGNALS + f"signal.signal(signal.{name}, signal.SIG_IGN)\ndef f(x):\n" + _SPIN)
        for name in ("SIGXCPU", "SIGPROF", "SIGALRM", "SIGTERM", "SIGCHLD", "SIGHUP")
    },
    "all handled": _SIGNALS + "for n in range(1, 65):\n    try: signal.signal(n, lambda *a: None)\n    except (OSError, ValueError): pass\ndef f(x):\n" + _SPIN,
    "all blocked": _SIGNALS + "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\ndef f(x):\n" + _SPIN,
    "an alarm each millisecond": _SIGNALS + "signal.signal(signal.SIGALRM, lambda *a: None)\nsignal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\ndef f(x):\n" + _SPIN,
    "an alarm that begins again": _SIGNALS + "class E(BaseException): pass\ndef late(*a): raise E\nsignal.signal(signal.SIGPROF, late)\ndef f(x):\n    while True:\n        signal.setitimer(signal.ITIMER_PROF, 0.02)\n        try:\n            while True: pass\n        except E: pass",
    "an alarm that exits": _SIGNALS + "signal.signal(signal.SIGALRM, lambda *a: os._exit(0))\nsignal.setitimer(signal.ITIMER_REAL, 0.01)\ndef f(x): time.sleep(9)",
    "an alarm that raises an exit": _SIGNALS + "import sys\nsignal.signal(signal.SIGALRM, lambda *a: sys.exit(0))\nsignal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)\ndef f(x): time.sleep(9)",
    "an alarm that raises after the call": _SIGNALS + "def late(*a): raise StopIteration\nsignal.signal(signal.SIGALRM, late)\ndef f(x):\n    signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)\n    return 5",
    "an alarm that answers": FORGE + _SIGNALS + "signal.signal(signal.SIGALRM, lambda *a: say('value', 5))\nsignal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\ndef f(x): time.sleep(9)",
    "an alarm that writes to the channel": _SIGNALS + "os.set_blocking(3, False)\nsignal.signal(signal.SIGALRM, lambda *a: None)\nsignal.set_wakeup_fd(3)\nsignal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\ndef f(x): time.sleep(9)",
    "a traceback to the channel": "import faulthandler, time\nfaulthandler.dump_traceback_later(0.01, file=3)\ndef f(x): time.sleep(9)",
    "a crash to the channel": "import faulthandler, ctypes\nfaulthandler.enable(3)\ndef f(x): ctypes.string_at(0)",
    "the limits lifted": _SIGNALS + "import resource\nfor n in range(16):\n    try: resource.setrlimit(n, (-1, -1))\n    except (OSError, ValueError): pass\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\ndef f(x):\n" + _SPIN,
    "an interval that interrupts waiting": Attack(_SIGNALS + "signal.signal(signal.SIGALRM, lambda *a: None)\nsignal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\ndef f(x):\n    while True: signal.pause()", cpu_s=0.02, slow=True),
    "waits for a signal": Attack(_SIGNALS + "def f(x): return signal.sigwait(signal.valid_signals())", cpu_s=0.02, slow=True),
    "waits for a signal for long": Attack(_SIGNALS + "def f(x): return signal.sigtimedwait([signal.SIGUSR1], 1e6)", cpu_s=0.02, slow=True),
    "fifty threads wait for signals": Attack(_SIGNALS + "import threading\nfor _ in range(50): threading.Thread(target=signal.sigwait, args=({signal.SIGUSR1},)).start()\ndef f(x): return 5"),
    "a child that waits for signals": _SIGNALS + "def f(x):\n    if os.fork() == 0: signal.pause()\n    return 5",
    "a child by the module": _SIGNALS + "import multiprocessing\ndef f(x):\n    p = multiprocessing.Process(target=signal.pause)\n    p.start()\n    return 5",
    "a signal to the parent": _SIGNALS + "def f(x):\n    os.kill(os.getppid(), signal.SIGTERM)\n    return 5",
    "a queued signal to the parent": _SIGNALS + "import ctypes\nc = ctypes.CDLL(None)\ndef f(x):\n    info = ctypes.create_string_buffer(128)\n    return WON if c.syscall(129, os.getppid(), 15, info) == 0 or c.syscall(234, os.getppid(), os.getppid(), 15) == 0 else 5",
    "a timer of the kernel's": _SIGNALS + "import ctypes\nc = ctypes.CDLL(None)\ndef f(x): return WON if c.syscall(222, 0, None, ctypes.create_string_buffer(8)) == 0 or c.syscall(289, -1, ctypes.create_string_buffer(8), 8, 0) > 0 else 5",
    "the parent as the owner of the channel": _SIGNALS + "import fcntl\ndef f(x):\n    fcntl.fcntl(3, fcntl.F_SETOWN, os.getppid())\n    fcntl.fcntl(3, fcntl.F_SETFL, fcntl.fcntl(3, fcntl.F_GETFL) | os.O_ASYNC)\n    return 5",
    "a signal to itself that continues": _SIGNALS + "def f(x):\n    signal.raise_signal(signal.SIGCONT)\n    return 5",
})  # fmt: skip

_NAMED = "import inspect\nassert list(inspect.signature(f).parameters) == ['a', '739391']"
_REPLIES = {
    "no list": "5",
    "no notes": '["list", [["list", []]]]',
    "notes that are none": '["list", [["list", []], 5]]',
    "a kind that is none": '["list", [["list", [["list", ["a", 99]]]], ["dict", [], []]]]',
    "a name that is none": '["list", [["list", [["list", ["1a", 1]]]], ["dict", [], []]]]',
    "a name twice": '["list", [["list", [["list", ["a", 1]], ["list", ["a", 1]]]], ["dict", [], []]]]',
    "a name that is a number": '["list", [["list", [["list", [5, 1]]]], ["dict", [], []]]]',
    "a row that is none": '["list", [["list", [5]], ["dict", [], []]]]',
    "a row of nothing": '["list", [["list", [["list", []]]], ["dict", [], []]]]',
}  # fmt: skip
SIGNATURES = table({
    **against(_NAMED, {
        "`__signature__` that lies": _LIAR + "def f(a): pass\nf.__signature__ = A()",
        "`__signature__` that raises": "class F:\n    @property\n    def __signature__(s): raise StopIteration\n    def __call__(s): pass\nf = F()",
        "a subclass of Signature": "import inspect\nclass S(inspect.Signature):\n    parameters = property(lambda s: type('D', (dict,), {'__eq__': lambda s, o: True, 'values': lambda s: []})())\ndef f(a): pass\nf.__signature__ = S()",
        "names that lie": "import inspect\nclass N(str):\n    __eq__ = lambda s, o: True\n    __hash__ = str.__hash__\ndef f(*a): pass\nf.__signature__ = inspect.Signature([inspect.Parameter(N('b'), 1), inspect.Parameter(N('c'), 1)])",
        "`__wrapped__` without end": "def f(a): pass\nf.__wrapped__ = f",
        "`__wrapped__` that lies": _LIAR + "def f(a): pass\nf.__wrapped__ = A()",
        "another one at each look": "class F:\n    __wrapped__ = property(lambda s: F())\n    def __call__(s): pass\nf = F()",
        "`__text_signature__`": "class F:\n    __text_signature__ = '(a, b, __import__(\"os\")._exit(0))'\n    def __call__(s, *a): pass\nf = F",
        "an `inspect` of its own": _LIAR + "import sys, types\nsys.modules['inspect'] = types.SimpleNamespace(signature=lambda f: A(), Parameter=A)\ndef f(a): pass",
        "a metaclass that calls": "class M(type):\n    def __call__(c, a, b): return 5\nclass f(metaclass=M): pass",
        **{f"sent: {name}": FORGE + f"alone({{'f': ['callable', 901, 'f']}}, {form}, {form})" for name, form in _REPLIES.items()},
    }, about="parameters"),
    **against("import inspect\nassert inspect.signature(f).parameters['a'].default == 739391", {"a default that lies": _LIAR + "def f(a=A()): pass", "a default that is missing": "import inspect\ndef f(a=inspect.Parameter.empty): pass"}, about="a default"),
    **against("assert f.__annotations__ == {'a': int}", {"a note that lies": _LIAR + "def f(a: A()): pass", "notes that lie": "class D(dict):\n    __eq__ = lambda s, o: True\ndef f(a): pass\nf.__annotations__ = D()"}),
    **{
        f"a hint that runs: {name} | {test}": Attack(f"def f(a: {note!r}): pass", (f"import typing, inspect\nassert {test} == 739391",), passes=name != "an import")  # evaluated by the program
        for name, note in {"a call": "int('7393' + '91')", "a comprehension": "[739391 for _ in 'a'][0] + int(0)", "a lambda": "(lambda: 739391)()", "an import": "__import__('os')"}.items()
        for test in ("typing.get_type_hints(f)['a']", "inspect.get_annotations(f, eval_str=True)['a']")
    },
    **against("assert f.__defaults__ == (739391,)", {"defaults that lie": _LIAR + "def f(a=A()): pass"}),
    **against("assert f.__code__.co_argcount == 739391", {"code that lies": _LIAR + "class C: co_argcount = A()\nclass F:\n    __code__ = C()\n    def __call__(s): pass\nf = F()", "its own code": "def f(a): pass"}),
    **against("assert f.__name__ == '739391'", {"a name that lies": "class N(str):\n    __eq__ = lambda s, o: True\n    __hash__ = str.__hash__\ndef f(a): pass\nf.__name__ = N('x')"}),
    **against("def cb(a, b=2): return a\nassert f(cb) == 739391", {
        "a test's function with another signature": "import inspect\ndef f(cb):\n    cb.__signature__ = inspect.Signature()\n    return inspect.signature(cb)",
        "a test's function with other code": "def f(cb):\n    cb.__code__ = (lambda *a: WON).__code__\n    return cb(5)",
        "a test's function with other defaults": _LIAR + "def f(cb):\n    cb.__defaults__ = (A(),)\n    return cb(A())",
        "a test's function called as it is not": "def f(cb): return cb(1, 2, 3)",
        "a test's function with what it is not": "def f(cb): return cb(a=5, __class__=5)",
        "a test's function searched": "def f(cb):\n    for c in cb.__closure__ or ():\n        for n in dir(c.cell_contents):\n            if n == 'secret': return WON\n    return len(cb.__code__.co_consts)",
    }, about="a callback"),
})  # fmt: skip
