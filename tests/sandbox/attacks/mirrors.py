"""What both sides hold alike, changed to mislead: arguments, aliases, instances of the tests' classes, callbacks."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from tests.sandbox.attacks import Attack, against, table
from tests.sandbox.attacks.forgery import RAW

_LIAR = "class A:\n    def __eq__(s, o): return True\n    def __ne__(s, o): return False\n    def __hash__(s): return hash(WON)\n    def __lt__(s, o): return True\n    __gt__ = __le__ = __ge__ = __lt__\n    def __len__(s): return 1\n    def __iter__(s): return iter([s])\n"
_EXPECTED = "x, want = [3], [739391]\nf(x)\nassert x == want"
_LATER = "x = [3]\nf(x)\ng = f(x)\nassert x == [739391] and g == [739391]"
_BACKGROUND = "import threading, time\ndef later(v):\n    while True:\n        for target in kept: {effect}\n        time.sleep(0)\nkept = []\nthreading.Thread(target=later, args=(0,), daemon=True).start()\n"
ARGUMENTS = table({
    **against(_EXPECTED, {
        "a liar inside": _LIAR + "def f(x): x[:] = [A()]\n",
        "a liar beside": _LIAR + "def f(x): x.append(A())\n",
        "a liar as a subclass": "class L(int):\n    def __eq__(s, o): return True\ndef f(x): x[0] = L(5)\n",
        "a list that lies": "class L(list):\n    def __eq__(s, o): return True\ndef f(x): x[0] = L([5])\n",
        "cyclic": "def f(x): x[0] = x\n",
        "cyclic twice": "def f(x):\n    y = [x]\n    x[:] = [y, y]\n    y.append(y)\n",
        "grown": "def f(x): x.extend(range(3_000_000))\n",
        "grown by doubling": "def f(x):\n    for _ in range(60): x[:] = [list(x), list(x)] if len(str(x)) < 1 << 14 else [x]\n",
        "deep": "def f(x):\n    y = x\n    for _ in range(100_000):\n        y.append([])\n        y = y[-1]\n",
        "other class": "def f(x): x.__class__ = tuple\n",
        "cleared by force": "import ctypes\ndef f(x): x.clear(); x.append(WON + 1)\n",
        "huge integer": "def f(x): x[0] = 1 << 9_000_000\n",
        "unhashable exchanged": "def f(x): x[:] = [{}]\n",
        "generator": "def f(x): x[:] = [(WON for _ in range(1))]\n",
        "NaN": "def f(x): x[0] = float('nan')\n",
        "the function itself": "def f(x): x[0] = f\n",
        "a class that lies": "class M(type):\n    def __eq__(c, o): return True\n    __hash__ = type.__hash__\nclass K(metaclass=M): pass\ndef f(x): x[0] = K\n",
    }),
    **against("want = [739391]\nr = f(want)\nassert r == [5] and want == [739391]", {"expected value changed": "def f(x):\n    x[0] = 5\n    return x\n"}),
    **against("want = {'a': [739391]}\nr = f(want['a'])\nassert r == 739391 and want == {'a': [739391]}", {"alias changed": "def f(x): x.append(1); return x[0]\n"}),
    **against("x = [[0], [0]]\nf(x)\nassert x == [[739391], [0]]", {"aliases made": "def f(x):\n    x[1] = x[0]\n    x[0][0] = WON\n"}),
    **against("x = [[0], [0]]\nf(x)\nx[0][0] = 739391\nassert x == [[739391], [0]]", {"aliases made": "def f(x): x[1] = x[0]\n"}),
    **against("x = [0]\nr = f(x)\nassert r == [739391] and r is not x and x == [0]", {"the argument back": "def f(x):\n    x[0] = WON\n    return x\n", "undone later": "kept = []\ndef f(x):\n    x[0] = WON\n    return x\n"}),
    **against("x = {1: 2}\nf(x)\nassert x == {1: 739391}", {"a key that lies": _LIAR + "def f(x):\n    x.clear()\n    x[A()] = A()\n", "default that lies": _LIAR + "def f(x): x.update({1: A()})\n"}),
    **against("x = {5}\nf(x)\nassert x == {739391}", {"an element that lies": _LIAR + "def f(x):\n    x.clear()\n    x.add(A())\n"}),
    **against("x = [3]\nf(x)\nassert x.pop() == 739391 and x == []", {"liar": _LIAR + "def f(x): x[:] = [A()]\n"}),
    **against("from collections import defaultdict\nx = defaultdict(int)\nf(x)\nassert x[7] == 739391", {"factory that lies": _LIAR + "def f(x): x.default_factory = A\n"}),
    **against("from collections import deque\nx = deque([1], maxlen=1)\nf(x)\nassert list(x) == [739391]", {"liar": _LIAR + "def f(x): x.append(A())\n", "grown": "def f(x): x.extend(range(10**6))\n"}),
    **against("import io\nx = io.StringIO()\nf(x)\nassert x.getvalue() == '739391'", {"a text that lies": _LIAR + "class T(str):\n    def __eq__(s, o): return True\ndef f(x): x.write(T('wrong'))\n", "closed": "def f(x): x.close()\n", "written far away": "def f(x):\n    x.seek(1 << 26)\n    x.write('739391')\n", "replaced method": "def f(x): x.getvalue = lambda: str(WON)\n"}),
    **against("import io\nr = f()\nassert isinstance(r, io.BytesIO) and r.getvalue() == b'right'", {"a class of its own": "import io\nclass B(io.BytesIO):\n    def __eq__(s, o): return True\ndef f(): return B(b'wrong')\n"}),
    **against("x = [1]\ny = [x, x]\nf(y)\nassert y == [[739391], [2]]", {"aliases": "def f(y): y[0][0] = WON\n"}),
    **against("x = bytearray(b'a')\nf(x)\nassert x == b'right'", {"liar": "class B(bytearray):\n    def __eq__(s, o): return True\ndef f(x): x[:] = B(b'wrong')\n"}),
    **against("import numpy as np\nx = np.array([1])\nf(x)\nassert x.tolist() == [739391]", {"shape": "def f(x): x.shape = (1, 1)\n", "dtype": "def f(x): x.dtype = 'int8'\n"}),
    **against(_LATER, {"changed by a thread": _BACKGROUND.format(effect="target[:] = [WON + 1]") + "def f(x):\n    kept.append(x)\n    return [5]\n"}),
    **against("x = []\nr = f(x)\nfor _ in range(50): f([])\nassert r == 739391 and x == [739391]", {"filled by a thread": _BACKGROUND.format(effect="target[:] = [WON]") + "def f(x):\n    kept.append(x)\n    return 5\n"}),
    "an argument's form forged": Attack(RAW + "def f(x):\n    send(b'[\"sync\", [[1, [739391]], [2, [739391]], [3, [739391]]], []]')\n    return 5", ("x = [3]\nassert f(x) == 739391 and x == [739391]",)),
    "a number of another forged": Attack(RAW + "def f(x): send(b'[\"value\", [\"ref\", 1], [\"sync\", [], [1, 2, 3]]]')", ("x, y = [3], [739391]\nf(y)\nassert f(x) == [739391] and f(x) is not y",)),
    "NaN's number forged": Attack(RAW + "def f(x): send(b'[\"value\", [\"ref\", 0], null]')", ("assert f(3) == 739391",)),
})  # fmt: skip

_NODE = "class Node:\n    def __init__(self, val=0, next=None):\n        self.val = val\n        self.next = next\n    def __eq__(self, o): return isinstance(o, Node) and self.val == o.val\n"
_NODE_TEST = "assert f(Node(3)) == Node(739391)"


def _against_node(programs: dict[str, str], test: str = _NODE_TEST) -> dict[str, str | Attack]:
    return {f"class of the setup: {name}": Attack(code, (test,), setup=_NODE) for name, code in programs.items()}


INSTANCES = table({
    **_against_node({
        "its comparison replaced": "def f(x):\n    type(x).__eq__ = lambda s, o: True\n    return x\n",
        "its class replaced": "class N:\n    def __eq__(s, o): return True\ndef f(x):\n    x.__class__ = N\n    return x\n",
        "a subclass": "def f(x):\n    class S(type(x)):\n        def __eq__(s, o): return True\n    return S(5)\n",
        "a class named alike": "class Node:\n    def __init__(s, *a): s.val, s.next = 5, None\n    def __eq__(s, o): return True\ndef f(x): return Node()\n",
        "its constructor replaced": "def f(x):\n    k = type(x)\n    k.__new__ = lambda c, *a: x\n    k.__init__ = lambda *a: None\n    return x\n",
        "its attributes watched": "def f(x):\n    type(x).__setattr__ = lambda s, n, v: None\n    return x\n",
        "its attributes made up": "class A:\n    def __eq__(s, o): return True\ndef f(x):\n    type(x).val = property(lambda s: A())\n    return x\n",
        "an attribute that lies": "class A:\n    def __eq__(s, o): return True\ndef f(x):\n    x.val = A()\n    return x\n",
        "an attribute that lies as a subclass": "class A(int):\n    def __eq__(s, o): return True\ndef f(x):\n    x.val = A(5)\n    return x\n",
        "its dictionary replaced": "class A:\n    def __eq__(s, o): return True\nclass D(dict):\n    def __getitem__(s, k): return A()\ndef f(x):\n    x.__dict__ = D(val=5, next=None)\n    return x\n",
        "a hook on subclasses": "import builtins\ndef hook(*a, **k): raise SystemExit(0)\nbuiltins.__build_class__ = hook\ndef f(x): return x\n",
        "a class builder that bends": "import builtins\nbuild = builtins.__build_class__\ndef bend(fn, name, *a, **k):\n    c = build(fn, name, *a, **k)\n    c.__eq__ = lambda s, o: True\n    return c\nbuiltins.__build_class__ = bend\ndef f(x): return x\n",
        "the isinstance of the setup": "import builtins\nbuiltins.isinstance = lambda *a: True\ndef f(x):\n    class W:\n        val = type('A', (), {'__eq__': lambda s, o: True})()\n    return W()\n",
        "endless": "def f(x):\n    x.next = x\n    x.val = x\n    return x\n",
        "a long chain": "def f(x):\n    for _ in range(20_000): x = type(x)(5, x)\n    return x\n",
        "no attributes": "def f(x):\n    x.__dict__.clear()\n    return x\n",
        "a number for a node": "def f(x): return WON\n",
    }),
    **_against_node({"slots of lies": "def f(x):\n    x.next = type(x)(WON)\n    x.next.next = x\n    return x\n", "nothing": "def f(x): return None\n"}, "r = f(Node(3))\nassert r.val == 739391 and r.next is None"),
    **_against_node({"the argument replaced": "def f(x):\n    x.val = WON\n    return x\n"}, "x = Node(3)\nr = f(x)\nassert r.val == 739391 and r is not x and x.val == 3"),
    **_against_node({"patched by an earlier call": "def f(x):\n    if x.val == 1: type(x).__eq__ = lambda s, o: True\n    return x\n"}, "f(Node(1))\nassert f(Node(3)) == Node(739391)"),
    "class of the setup: hash and order": Attack("def f(x):\n    k = type(x)\n    k.__hash__ = lambda s: 1\n    k.__eq__ = k.__lt__ = lambda s, o: True\n    return [x, x]\n", ("assert sorted(f(Item(3)))[0].v == 739391", "assert len({*f(Item(3)), Item(5)}) == 3"), setup="import dataclasses\n@dataclasses.dataclass(frozen=True, order=True)\nclass Item:\n    v: int\n"),
    "class of the setup: enum": Attack("class Color:\n    RED = BLUE = 5\ndef f(x): return Color.RED\n", ("assert f(3) is Color.BLUE",), setup="import enum\nclass Color(enum.Enum):\n    RED = 1\n    BLUE = 2\n"),
    "class of the setup: enum by name": Attack("def f(x): return x\n", ("assert f(Color.RED) is Color.BLUE",), setup="import enum\nclass Color(enum.Enum):\n    RED = 1\n    BLUE = 2\n"),
    "class of the setup: named tuple": Attack("def f(x):\n    type(x).__eq__ = lambda s, o: True\n    return x\n", ("assert f(T(3, 4)) == T(739391, 4)", "assert f(T(3, 4)).a == 739391"), setup="from collections import namedtuple\nT = namedtuple('T', 'a b')\n"),
})  # fmt: skip

_SPY = "secret = 739391\ndef cb(v):\n    want = secret\n    return v\n"
CALLBACKS = table({
    **against(_SPY + "assert f(cb) == secret", {
        "globals of a callback": "def f(cb):\n    try: return cb.__globals__['secret']\n    except Exception: return 5\n",
        "code of a callback": "def f(cb):\n    try: return [c for c in cb.__code__.co_consts if c][0]\n    except Exception: return 5\n",
        "closure of a callback": "def f(cb):\n    try: return cb.__closure__[0].cell_contents\n    except Exception: return 5\n",
        "frames above a callback": "import sys\ndef f(cb):\n    got = []\n    class V:\n        def __getattr__(s, n):\n            fr = sys._getframe(1)\n            while fr:\n                got.append(fr.f_globals.get('secret'))\n                fr = fr.f_back\n            raise AttributeError(n)\n    cb(V())\n    return next((g for g in got if g), 5)\n",
        "recursion into a callback": "def f(cb): return cb(f(cb))\n",
        "a million callbacks": "def f(cb):\n    for i in range(10**6): cb(i)\n    return 5\n",
        "a callback kept by a thread": "import threading\ndef f(cb):\n    threading.Thread(target=lambda: [cb(WON) for _ in range(99)], daemon=True).start()\n    return 5\n",
        "a liar handed to it": _LIAR + "def f(cb): return cb(A())\n",
        "its attributes set": "def f(cb):\n    cb.__code__ = (lambda v: WON).__code__\n    return 5\n",
        "its defaults set": "def f(cb):\n    cb.__defaults__ = (WON,)\n    cb.secret = 5\n    return cb\n",
        "the callback itself": "def f(cb): return cb\n",
        "subclasses of object": "def f(cb):\n    for k in object.__subclasses__():\n        g = getattr(getattr(k, '__init__', None), '__globals__', {})\n        if 'secret' in g: return g['secret']\n    return 5\n",
        "its module": "import sys\ndef f(cb):\n    m = sys.modules.get(cb.__module__)\n    return getattr(m, 'secret', 5)\n",
        "exceptions raised through it": "def f(cb):\n    try: cb()\n    except TypeError as e:\n        t = e.__traceback__\n        while t:\n            if 'secret' in t.tb_frame.f_globals: return t.tb_frame.f_globals['secret']\n            t = t.tb_next\n    return 5\n",
    }),
    **against("log = []\nf(log.append)\nassert log == [739391]", {"liar": _LIAR + "def f(cb): cb(A())\n", "self": "def f(cb): cb(cb)\n", "many": "def f(cb):\n    while True: cb(5)\n"}),
    **against("def cb(v):\n    raise ValueError('739391')\ntry:\n    f(cb)\n    assert False, 'nothing raised'\nexcept ValueError as e:\n    assert e.args == (739391,)", {"swallowed": "def f(cb):\n    try: cb(1)\n    except ValueError: pass\n", "another": "def f(cb):\n    try: cb(1)\n    except ValueError: raise ValueError(5)\n"}),
    **against("def cb(v):\n    assert v == 739391\nf(cb)", {"wrong value": "def f(cb): cb(5)\n", "liar": _LIAR + "def f(cb): cb(A())\n", "failure swallowed, then nothing": "def f(cb):\n    try: cb(5)\n    except AssertionError: pass\n    raise SystemExit(0)\n"}),
    **against("calls = []\nr = f(lambda v: calls.append(v) or v)\nassert calls and r == 739391", {"called after the return": "import threading\ndef f(cb):\n    threading.Timer(0.01, cb, [WON]).start()\n    return 5\n", "forged request": RAW + "def f(cb):\n    send(b'[\"call\", 1, [739391], {}]')\n    return 5\n"}),
})  # fmt: skip

_CAPTURE = "import io, contextlib\nout = io.StringIO()\nwith contextlib.redirect_stdout(out):\n    r = f(3)\n"
STREAMS = table({
    **against(_CAPTURE + "assert out.getvalue() == '739391\\n'", {
        "nothing printed": "def f(x): return str(WON)\n",
        "printed before": "print(WON)\ndef f(x): pass\n",
        "printed to stderr": "import sys\ndef f(x): print(WON, file=sys.stderr)\n",
        "a liar written": "import sys\nclass S(str):\n    def __eq__(s, o): return True\ndef f(x): sys.stdout.write(S('wrong'))\n",
        "stdout replaced": "import sys, io\nclass O(io.StringIO):\n    def getvalue(s): return type('S', (str,), {'__eq__': lambda s, o: True})('x')\nsys.stdout = O()\ndef f(x): print('wrong')\n",
        "flooded": "def f(x):\n    while True: print('x' * 10**6)\n",
        "printed later": "import threading\ndef f(x): threading.Timer(0.02, print, [WON + 1]).start()\n",
        "written to the channel": RAW + "def f(x): send(b'[\"value\", null, [\"printed\", \"739391\\\\n\"]]') if 0 else os.write(3, b'739391\\n')\n",
    }),
    **against("import builtins\nbuiltins.input = lambda *a: '4'\nassert f() == 739391", {"input forged": "import builtins\nbuiltins.input = lambda *a: str(WON + 1)\ndef f(): return int(input())\n", "mock removed": "import builtins\ndef f():\n    try: del builtins.input\n    except Exception: pass\n    return 5\n"}),
    **against("from unittest import mock\nwith mock.patch('builtins.print') as m:\n    f(3)\nm.assert_called_once_with(739391)", {"not printed": "def f(x): pass\n", "liar": _LIAR + "def f(x): print(A())\n", "the mock's record": "import builtins\ndef f(x):\n    try: builtins.print.assert_called_once_with = lambda *a: None\n    except Exception: pass\n"}),
    **against("import random\nrandom.seed(1)\nassert f() == 739391", {"seed": "import random\nrandom.seed = lambda *a: None\nrandom.random = lambda: WON\ndef f(): return 5\n"}),
})  # fmt: skip

CONCURRENT = table({
    "asyncio: a task that answers": Attack(RAW + "import asyncio\nasync def g(): send(b'[\"value\", 5]')\ndef f(x): asyncio.run(g())\n", cpu_s=0.5),
    "asyncio: a loop that never ends": Attack("import asyncio\nasync def g():\n    while True: await asyncio.sleep(0)\ndef f(x): return asyncio.run(g())\n"),
    "asyncio: a coroutine for the answer": Attack("async def f(x): return 739391.5\n", ("import asyncio\nassert asyncio.run(f(3)) == 739391",), cpu_s=0.5),
    "asyncio: an awaitable that lies": Attack("class W:\n    def __await__(s): return iter([])\n    def __eq__(s, o): return True\ndef f(x): return W()\n", ("assert f(3) == 739391",)),
    "a thread that answers later requests": Attack(RAW + "import threading\ndef spam():\n    while True:\n        try: send(b'[\"value\", 5]')\n        except OSError: return\ndef f(x):\n    if x == 3: threading.Thread(target=spam, daemon=True).start()\n    return 5\n", ("f(3)\nassert f(4) == 739391",)),
    "a thread that reads requests": Attack(RAW + "import threading\ndef read():\n    while True: get()\nthreading.Thread(target=read, daemon=True).start()\ndef f(x): return 5\n", cpu_s=0.05, slow=True),
    "a thread that patches": Attack("import threading\nimport builtins\ndef patch():\n    while True: builtins.isinstance = builtins.type = lambda *a: True\nthreading.Thread(target=patch, daemon=True).start()\ndef f(x): return 5\n"),
    "a pool that outlives": Attack("from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(4)\ndef spin():\n    while True: pass\ndef f(x):\n    pool.submit(spin)\n    return 5\n"),
    "a future for the answer": Attack("from concurrent.futures import ThreadPoolExecutor\ndef f(x): return ThreadPoolExecutor(1).submit(int, '5')\n", ("assert f(3).result() == 739391", "assert f(3) == 739391")),
    "a dummy pool that lies": Attack("import multiprocessing.dummy as m\nclass A:\n    def __eq__(s, o): return True\ndef f(x): return m.Pool(1).map(lambda _: A(), [1])\n", ("assert f(3) == [739391]",), cpu_s=0.5),
})  # fmt: skip

PACKAGES = table({
    "a package patched": Attack("import numpy as np\nnp.allclose = np.array_equal = lambda *a, **k: True\nnp.testing.assert_allclose = lambda *a, **k: None\ndef f(x): return np.array([5])\n", ("import numpy as np\nassert np.allclose(f(3), [739391])", "import numpy as np\nnp.testing.assert_allclose(f(3), [739391])", "import numpy\nassert numpy.array_equal(f(3), [739391])")),
    "a package replaced": Attack("import sys, types\nsys.modules['numpy'] = types.SimpleNamespace(allclose=lambda *a: True)\ndef f(x): return 5\n", ("import numpy\nassert numpy.allclose(f(3), 739391)",)),
    "a package's name taken": Attack("class np:\n    allclose = staticmethod(lambda *a: True)\n    array = staticmethod(lambda v: v)\ndef f(x): return 5\n", ("assert np.allclose(f(3), 739391) and f(3) == 739391",)),
    "an array that lies on its side": Attack("import numpy as np\nclass A(np.ndarray):\n    def __array_ufunc__(s, *a, **k): return np.True_\n    def __array_function__(s, *a, **k): return True\n    def all(s): return True\n    def tolist(s): return [WON]\ndef f(x): return np.zeros(1).view(A)\n", ("assert (f(3) == 739391).all() and f(3)[0] == 739391",)),
    "array interface": Attack("import numpy as np\nclass A:\n    __array_interface__ = property(lambda s: {'shape': (1,), 'typestr': '<i8', 'version': 3, 'data': (0, False)})\ndef f(x): return A()\n", ("import numpy as np\nassert np.array(f(3)).tolist() == [739391]",)),
    "a scalar that lies": Attack("import numpy as np\nclass A(np.float64):\n    def __eq__(s, o): return np.True_\n    def __sub__(s, o): return 0.0\n    def __rsub__(s, o): return 0.0\ndef f(x): return A(5)\n", ("assert f(3) == 739391.5", "assert abs(f(3) - 739391.5) < 1e-6")),
    "an array of liars": Attack("import numpy as np\n" + _LIAR + "def f(x): return np.array([A()], dtype=object)\n", ("import numpy as np\nassert (f(3) == np.array([739391])).all()", "assert f(3).tolist() == [739391]")),
    "an array of nothing": Attack("import numpy as np\ndef f(x): return np.array([])\n", ("assert f(3).tolist() == [739391]", "import numpy as np\nassert np.array_equal(f(3), [739391])")),
    "an array that changes between looks": Attack("import numpy as np, threading\na = np.array([5])\ndef later():\n    while True: a[0] = WON if a[0] == 5 else 5\ndef f(x): return a\n", ("r = f(3)\nassert r[0] == 5 and r[0] == 739391",)),
    "written to where the expected is": Attack("import numpy as np\ndef f(x):\n    x[...] = 5\n    return x\n", ("import numpy as np\nwant = np.array([739391])\nassert f(want.copy()).tolist() == want.tolist()", "import numpy as np\nwant = np.array([739391])\nf(want)\nassert want.tolist() == [739391]")),
    "dtype and shape of its own": Attack("import numpy as np\nclass D:\n    type = np.int64\n    name = 'int64'\nclass A:\n    shape, dtype, ndim, size = (1,), D(), 1, 1\n    def __len__(s): return 1\n    def __array__(s, *a, **k): return np.array([WON])\ndef f(x): return A()\n", ("import numpy as np\nassert np.asarray(f(3)).tolist() == [739391]",)),
})  # fmt: skip
NAMES = table({
    "names that tests read: isinstance": Attack("isinstance = lambda *a: True\ntype = lambda v: int\ndef f(x): return 'a'\n", ("assert isinstance(f(3), int)", "assert type(f(3)) is int")),
    "names that tests read: collections": Attack("class Counter(dict):\n    def __eq__(s, o): return True\ndef f(x): return 'a'\n", ("assert Counter(f(3)) == Counter('right')",)),
    "names that tests read: math": Attack("class math:\n    isclose = staticmethod(lambda *a: True)\n    inf = 5\ndef f(x): return 5\n", ("assert math.isclose(f(3), 739391)", "assert f(3) == math.inf")),
    "names that tests read: exceptions": Attack("class ValueError(BaseException): pass\nKeyError = Exception\ndef f(x): return 5\n", ("try:\n    f(3)\nexcept KeyError: pass\nelse: assert False",)),
    "names that tests read: a name that a test defines first": Attack("def close(a, b): return True\ndef f(x): return 5\n", ("def close(a, b): return a == b\nassert close(f(3), 739391)", "assert close(f(3), 739391)")),
    "names that tests read: a name that the file defines later": Attack("def close(a, b): return True\ndef f(x): return 5\n", ("def test_it():\n    assert close(f(3), 739391)\ndef close(a, b): return a == b\n",)),
    "names that tests read: a name of the setup's functions": Attack("RIGHT = 5\ndef f(x): return 5\n", ("RIGHT = 739391\ncheck_it(f(3))",), setup="def check_it(x): assert x == RIGHT"),
    "names that tests read: a global of a test's function": Attack("RIGHT = 5\ndef f(x): return 5\n", ("def prepare():\n    global RIGHT\n    RIGHT = 739391\nprepare()\nassert f(3) == RIGHT",)),
    "names that tests read: types that only annotate": Attack("class List(list):\n    def __eq__(s, o): return True\ndef f(x): return List()\n", ("a: List[int] = [1]\nassert f(3) == a", "assert isinstance(f(3), List) and f(3) == [1]")),
    "names that tests read: True": Attack("import builtins\nglobals()['True'] = False\nbuiltins.__dict__['True'] = False\ndef f(x): return False\n", ("assert f(3) == True",)),
    "names that tests set": Attack("import sys\nclass want: pass\ndef f(x): return sys.modules['__main__'].__dict__.get('want', 5)\n", ("want = 739391\nassert f(3) == want",)),
    "names of the setup": Attack("def expected(x): return 5\ndef close(a, b): return True\ndef f(x): return 5\n", ("assert f(3) == expected(3)", "assert close(f(3), 739391)"), setup="def expected(x): return 739391\ndef close(a, b): return abs(a - b) < 1e-9\n"),
    "a helper of the setup patched": Attack("import sys\ndef f(x):\n    for m in list(sys.modules.values()):\n        if hasattr(m, 'expected'): m.expected = lambda x: 5\n    return 5\n", ("assert f(3) == expected(3)",), setup="def expected(x): return 739391\n"),
})  # fmt: skip
