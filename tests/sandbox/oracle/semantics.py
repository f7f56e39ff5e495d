"""What of the language's semantics the sandbox keeps: a row a construct, run against sandbox and plain interpreter.

python -m tests.sandbox.oracle.semantics --write     rewrites the table of docs/sandbox.md
"""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from mucode_core.sandbox import ProcessSandbox, Sandbox
from tests.sandbox.oracle.compare import judge
from tests.sandbox.oracle.interpreter import Case, Interpreter

DOC = Path(__file__).parents[3] / "docs" / "sandbox.md"
BEGIN, END = "<!-- semantics: begin -->", "<!-- semantics: end -->"
_POINT = "class P:\n    def __init__(self, a): self.a = a\n"
_NODE = "class Node:\n    def __init__(self, v, n=None): self.v, self.n = v, n\n"


@dataclass(frozen=True)
class Row:
    """One construct."""

    area: str
    construct: str
    code: str
    test: str
    setup: str = ""
    input: str | None = None

    def case(self) -> Case:
        """The case that shows it."""
        return Case(self.construct, self.code, (self.test,), self.setup, "f", self.input)


ROWS = (
    Row("values", "plain data of any nesting", "def f(x): return {'a': [x, (1, {2})], b'k': 1.5}", "assert f(None) == {'a': [None, (1, {2})], b'k': 1.5}"),
    Row("values", "deque, Counter, OrderedDict, defaultdict", "import collections as c\ndef f(): return c.deque([1], 2), c.Counter('aab'), c.defaultdict(list)", "d, n, e = f()\nassert d.maxlen == 2 and n.most_common(1) == [('a', 2)] and e[3] == []"),
    Row("values", "Decimal, Fraction, complex, dates, ranges", "def f(): return decimal.Decimal('1.5'), fractions.Fraction(1, 3), 1j, datetime.date(2020, 1, 2), range(3)", "assert f() == (decimal.Decimal('1.5'), fractions.Fraction(1, 3), 1j, datetime.date(2020, 1, 2), range(3))"),
    Row("values", "numpy arrays and scalars", "import numpy as np\ndef f(n): return np.arange(n), np.float64(0.5)", "a, b = f(3)\nassert a.tolist() == [0, 1, 2] and b == 0.5"),
    Row("values", "numpy arrays of texts and dates, dtypes", "import numpy as np\ndef f(): return np.array(['a', 'bc']), np.datetime64('2020-01-02'), np.dtype('int8')", "import numpy as np\na, d, t = f()\nassert a.dtype == '<U2' and a[1] == 'bc' and d == np.datetime64('2020-01-02') and t == np.int8"),
    Row("values", "numpy: structured, masked and matrix arrays", "import numpy as np\ndef f(): return np.array([(1, 2.5)], 'i4, f8'), np.ma.masked_array([1, 2], mask=[0, 1]), np.matrix([[1]])", "a, b, c = f()\nassert a['f1'][0] == 2.5 and b.sum() == 1 and type(c).__name__ == 'matrix'"),
    Row("values", "nesting of 300 levels", "def f(n):\n    a = []\n    for _ in range(n): a = [a]\n    return a", "x, d = f(300), 0\nwhile x:\n    x, d = x[0], d + 1\nassert d == 300"),
    Row("values", "cyclic containers", "def f():\n    a = [1]\n    a.append(a)\n    return a", "a = f()\nassert a[1] is a"),
    Row("identity", "the argument handed back", "def f(x): return x", "x = [1]\nassert f(x) is x"),
    Row("identity", "a copy of the argument", "def f(x): return x[:]", "x = [[1]]\ny = f(x)\nassert y is not x and y[0] is x[0]"),
    Row("identity", "rows that share one list", "def f(n): return [[0]] * n", "m = f(2)\nm[0][0] = 1\nassert m == [[1], [1]] and m[0] is m[1]"),
    Row("identity", "state given out and changed by the test", "kept = [1]\ndef f(): return kept", "f().append(2)\nassert f() == [1, 2] and f() is f()"),
    Row("identity", "the same object of a program's class", _POINT + "one = P(1)\ndef f(): return one", "assert f() is f() and P(1) is not P(1)"),
    Row("identity", "values that cannot change, handed back or answered again", "KEPT = 'any text', (1, 2), 10**30\ndef f(x): return x\ndef g(n): return KEPT[n]", "x = range(5)\nassert f(f(x)) is x and all(g(n) is g(n) for n in range(3))"),
    Row("identity", "`id()` of shared objects", "def f(x): return x", "x = [1]\nassert id(f(x)) == id(x)"),
    Row("arguments", "changed in place by a function", "def f(x): x.sort()", "x = [2, 1]\nf(x)\nassert x == [1, 2]"),
    Row("arguments", "changed in place by a method, with a result", "class S:\n    def f(self, x):\n        x.append(1)\n        return len(x)", "x = []\nassert S().f(x) == 1 and x == [1]"),
    Row("arguments", "changed through an alias", "def f(m): m[0][0] = 9", "row = [1]\nm = [row, row]\nf(m)\nassert row == [9] and m == [[9], [9]]"),
    Row("arguments", "dicts, sets, deques, arrays changed in place", "import numpy as np\ndef f(d, s, q, a):\n    d[1] = 2\n    s.add(3)\n    q.rotate()\n    a *= 2", "import numpy as np\nfrom collections import deque\nd, s, q, a = {}, set(), deque([1, 2]), np.ones(2)\nf(d, s, q, a)\nassert (d, s, list(q), a.tolist()) == ({1: 2}, {3}, [2, 1], [2, 2])"),
    Row("arguments", "files in memory, read and written: `StringIO`, `BytesIO`", "def f(x, out):\n    out.write(x.readline())\n    return out", "import io\nx, out = io.StringIO('a\\nb'), io.StringIO()\nassert f(x, out) is out and out.getvalue() == 'a\\n' and x.read() == 'b'"),
    Row("arguments", "patterns and matches", "def f(p, m): return p.sub('-', m.group(1)), m.span()", "import re\nassert f(re.compile('b'), re.search('a(b.)', 'xabc')) == ('-c', (1, 4))"),
    Row("arguments", "kept by the program, changed by the test later", "kept = []\ndef f(x): kept.append(x)\ndef g(): return kept[0]", "x = [1]\nf(x)\nx.append(2)\nassert g() == [1, 2] and g() is x"),
    Row("arguments", "defaults that are shared", "def f(x, seen=[]):\n    seen.append(x)\n    return seen", "f(1)\nassert f(2) == [1, 2]"),
    Row("arguments", "a slice assignment, `+=`, `del`", "def f(x):\n    x[1:] = [7]\n    x += [8]\n    del x[0]", "x = [1, 2, 3]\nf(x)\nassert x == [7, 8]"),
    Row("arguments", "functions and lambdas of the tests", "def f(g, xs): return [g(x) for x in xs]", "seen = []\nassert f(lambda x: seen.append(x) or x + 1, [1, 2]) == [2, 3] and seen == [1, 2]"),
    Row("arguments", "their parameters: `inspect.signature`, `__code__.co_argcount`, `__annotations__`", "import inspect\ndef f(g): return str(inspect.signature(g)), g.__code__.co_argcount, g.__annotations__", "def g(a: int, b=2, *c): pass\nassert f(g) == ('(a: int, b=2, *c)', 2, {'a': int})"),
    Row("arguments", "attributes of the tests' functions and methods; open files", "def f(g): return g.tag", "def g(): pass\ng.tag = 5\nassert f(g) == 5"),
    Row("arguments", "`inspect.isgeneratorfunction` of a test's function", "import inspect\ndef f(g): return inspect.isgeneratorfunction(g)", "def g(): yield 1\nassert f(g)"),
    Row("arguments", "exceptions of the tests' functions through the program", "def f(g):\n    try: return g()\n    except KeyError as e: return e.args", "def g(): raise KeyError('k')\nassert f(g) == ('k',)"),
    Row("arguments", "instances of the setup's classes", "def f(n):\n    n.v += 1\n    return n.n", "x = Node(1, Node(2))\nassert f(x) is x.n and x.v == 2", _NODE),
    Row("arguments", "instances that the program makes of the setup's classes", "def f(v): return Node(v, Node(v + 1))", "x = f(1)\nassert isinstance(x, Node) and x.n.v == 2", _NODE),
    Row("arguments", "instances of the setup's classes with `__eq__`", "def f(v): return Item(v)", "assert f(1) == Item(1) and f(1) != Item(2)", "import dataclasses\n@dataclasses.dataclass\nclass Item:\n    v: int\n"),
    Row("arguments", "generators and iterators of the tests", "def f(it): return list(it)", "assert f(x * x for x in range(3)) == [0, 1, 4]"),
    Row("classes", "attributes, methods, properties, class attributes", _POINT + "    n = 2\n    @property\n    def b(self): return self.a + 1\n    def m(self): return self.b\n", "p = P(1)\np.a = 5\nassert (p.m(), P.n, p.b) == (6, 2, 6)"),
    Row("classes", "`isinstance`, `type`, `issubclass`", _POINT + "class Q(P): pass\n", "q = Q(1)\nassert isinstance(q, P) and type(q) is Q and issubclass(Q, P) and not isinstance(P(1), Q)"),
    Row("classes", "keys and elements: dictionaries, counters and sets that the program fills with its objects", "import enum\nclass C(enum.Enum):\n    A, B = 1, 2\ndef f(d):\n    d[C.A] = d.get(C.A, 0) + 1\n    return {C.B: [C.A]}", "d = {}\nf(d)\nassert f(d) == {C.B: [C.A]} and d == {C.A: 2}"),
    Row("classes", "`isinstance` with protocols, abstract classes and metaclasses that decide it", "import typing\n@typing.runtime_checkable\nclass D(typing.Protocol):\n    def draw(self): ...\nclass P:\n    def draw(self): return 1\n", "assert isinstance(P(), D) and not isinstance(5, D)"),
    Row("classes", "subclasses of list, dict, str, int", "class S(list):\n    def top(self): return self[-1]\nclass C(dict):\n    def __missing__(self, k): return k\nclass N(int):\n    def twice(self): return self * 2\n", "s = S()\ns.append(4)\nassert s.top() == 4 and s == [4] and C()['z'] == 'z' and N(3).twice() == 6 and isinstance(N(3), int)"),
    Row("classes", "named tuples", "from typing import NamedTuple\nclass T(NamedTuple):\n    a: int\n    b: int = 2\n    def s(self): return self.a + self.b\n", "t = T(1)\nassert t == (1, 2) and t.a == 1 and t.s() == 3 and t._replace(a=3).a == 3"),
    Row("classes", "data classes", "from dataclasses import dataclass\n@dataclass(order=True)\nclass D:\n    a: int\n", "assert D(1) == D(1) and D(1) < D(2) and repr(D(1)) == 'D(a=1)'"),
    Row("classes", "enums", "import enum\nclass E(enum.Enum):\n    A = 1\n    B = 2\ndef f(): return E.A\n", "assert f() is E.A and E(2) == E.B and [e.name for e in E] == ['A', 'B']"),
    Row("classes", "`__eq__` with the program's own objects", _POINT + "    def __eq__(self, o): return isinstance(o, P) and self.a == o.a\n", "assert P(1) == P(1) and P(1) != P(2) and [P(1)] == [P(1)]"),
    Row("classes", "`__eq__` with plain data", _POINT + "    def __eq__(self, o): return self.a == o\n", "assert P(1) == 1 and P(1) != 2"),
    Row("classes", "`__hash__` and `__eq__` in sets and dicts", _POINT + "    def __eq__(self, o): return self.a == o.a\n    def __hash__(self): return hash(self.a)\n", "assert len({P(1), P(1), P(2)}) == 2 and {P(1): 'x'}[P(1)] == 'x'"),
    Row("classes", "order: `__lt__`, sorted, min, max", _POINT + "    def __lt__(self, o): return self.a < o.a\n", "assert [p.a for p in sorted([P(2), P(1)])] == [1, 2] and max(P(1), P(3)).a == 3"),
    Row("classes", "arithmetic, also reflected", _POINT + "    def __add__(self, o): return P(self.a + (o.a if isinstance(o, P) else o))\n    __radd__ = __add__\n    def __neg__(self): return P(-self.a)\n", "assert (P(1) + P(2)).a == 3 and (1 + P(2)).a == 3 and (-P(1)).a == -1"),
    Row("classes", "`__len__`, `__bool__`, `__contains__`, `__getitem__`, `__iter__`", "class C:\n    def __init__(self, *v): self.v = list(v)\n    def __len__(self): return len(self.v)\n    def __contains__(self, x): return x in self.v\n    def __getitem__(self, i): return self.v[i]\n    def __iter__(self): return iter(self.v)\n", "c = C(1, 2)\nassert len(c) == 2 and c and not C() and 2 in c and 3 not in c and c[-1] == 2 and list(c) == [1, 2]"),
    Row("classes", "`__call__`, `__str__`, `__repr__`, `__format__`, `__int__`", _POINT + "    def __call__(self, x): return self.a * x\n    def __str__(self): return 's'\n    def __repr__(self): return 'r'\n    def __format__(self, s): return 'f' + s\n    def __int__(self): return self.a\n", "p = P(3)\nassert (p(2), str(p), repr(p), f'{p:x}', int(p)) == (6, 's', 'r', 'fx', 3)"),
    Row("classes", "context managers", "class C:\n    def __enter__(self): return self\n    def __exit__(self, k, e, t):\n        self.kind = k\n        return True\n", "with C() as c:\n    raise KeyError\nassert c.kind is KeyError"),
    Row("classes", "copy and deepcopy", "class L:\n    def __init__(self): self.a = [1]\n", "import copy\nx = L()\ny, z = copy.copy(x), copy.deepcopy(x)\nassert y is not x and y.a is x.a and z.a is not x.a and z.a == [1]"),
    Row("classes", "`vars`, `dir`, `hasattr`, `getattr`", _POINT, "p = P(1)\nassert vars(p) == {'a': 1} and hasattr(p, 'a') and not hasattr(p, 'b') and getattr(p, 'b', 2) == 2"),
    Row("classes", "classes of the tests derived from the program's", _POINT + "    def m(self): return self.k()\n", "class Q(P):\n    def k(self): return 5\nassert Q(1).m() == 5"),
    Row("classes", "static and class methods and properties in `vars(C)`", "class C:\n    p = property(lambda self: 1)\n    @staticmethod\n    def m(): return 1", "assert isinstance(vars(C)['m'], staticmethod) and isinstance(C.p, property) and isinstance(vars(C)['p'], property)"),
    Row("classes", "`isinstance` with classes of the standard library", "import threading\nclass W(threading.Thread): pass", "import threading\nassert isinstance(W(), threading.Thread) and issubclass(W, threading.Thread)"),
    Row("classes", "`inspect.getmembers`, `pickle.dumps` of objects", "class C:\n    def m(self): return 1", "import inspect, pickle\nassert [n for n, _ in inspect.getmembers(C, inspect.isfunction)] == ['m'] and pickle.loads(pickle.dumps(C())).m() == 1"),
    Row("classes", "metaclasses, as `type(C)`", "class M(type): pass\nclass f(metaclass=M): pass", "assert type(f) is M"),
    Row("exceptions", "built-in ones, with arguments and text", "def f(x): raise ValueError('bad', x)", "try:\n    f(1)\n    assert False\nexcept ValueError as e:\n    assert e.args == ('bad', 1)"),
    Row("exceptions", "attributes that a program or the library gives them", "import json\ndef f(): json.loads('{')\ndef g():\n    e = ValueError()\n    e.code = 5\n    raise e", "import json\ntry: f()\nexcept json.JSONDecodeError as e: assert e.pos == 1\ntry: g()\nexcept ValueError as e: assert e.code == 5"),
    Row("exceptions", "the program's own, with attributes", "class E(Exception):\n    def __init__(self, n):\n        super().__init__(f'n{n}')\n        self.n = n\ndef f(x): raise E(x)", "try:\n    f(3)\n    assert False\nexcept E as e:\n    assert e.n == 3 and str(e) == 'n3' and type(e) is E"),
    Row("exceptions", "a base class catches", "class E(LookupError): pass\ndef f(): raise E", "try:\n    f()\n    assert False\nexcept LookupError:\n    pass"),
    Row("exceptions", "cause and context", "def f():\n    try: 1 / 0\n    except ZeroDivisionError as e: raise ValueError('v') from e", "try:\n    f()\nexcept ValueError as e:\n    assert isinstance(e.__cause__, ZeroDivisionError)"),
    Row("exceptions", "groups: `except*`, `split`, `exceptions`", "def f(): raise ExceptionGroup('g', [ValueError(1), KeyError(2)])", "seen = []\ntry: f()\nexcept* ValueError as g: seen += g.exceptions[0].args\nexcept* KeyError as g: seen += g.split(KeyError)[0].exceptions[0].args\nassert seen == [1, 2]"),
    Row("exceptions", "a built-in one that is its own attribute", "def f():\n    e = ValueError()\n    e.me = e\n    raise e", "try: f()\nexcept ValueError as e: assert e.me is e"),
    Row("exceptions", "`queue.Empty` and `queue.Full`, caught as such", "import queue\ndef f(): queue.Queue().get_nowait()", "import queue\ncaught = False\ntry: f()\nexcept queue.Empty: caught = True\nassert caught"),
    Row("exceptions", "KeyboardInterrupt and other BaseExceptions", "def f(): raise KeyboardInterrupt", "try:\n    f()\nexcept KeyboardInterrupt:\n    caught = True\nassert caught"),
    Row("iteration", "generators: next, send, throw, close", "def f():\n    got = 0\n    while True:\n        try: got = yield got\n        except KeyError: got = 'k'", "g = f()\nnext(g)\nassert g.send(5) == 5 and g.throw(KeyError) == 'k' and g.close() is None"),
    Row("iteration", "work of a generator is lazy", "log = []\ndef f():\n    for i in range(3):\n        log.append(i)\n        yield i", "g = f()\nassert log == [] and next(g) == 0 and log == [0]"),
    Row("iteration", "iterators of any kind", "def f(): return zip([1, 2], map(str, [3, 4]))", "assert list(f()) == [(1, '3'), (2, '4')]"),
    Row("iteration", "`async def`, run by the test", "async def f(x): return x + 1", "import asyncio\nassert asyncio.run(f(1)) == 2"),
    Row("functions", "closures and functions handed back", "def f(n):\n    def add(x):\n        nonlocal n\n        n += x\n        return n\n    return add", "g = f(1)\nassert (g(1), g(2)) == (2, 4)"),
    Row("functions", "names, docstrings, defaults, signatures", "def f(a, b=2):\n    'doc'\n", "import inspect\nassert f.__name__ == 'f' and f.__doc__ == 'doc' and list(inspect.signature(f).parameters) == ['a', 'b']"),
    Row("functions", "attributes of functions, `cache_info`", "@functools.lru_cache\ndef f(n): return n\n", "f(1); f(1)\nassert f.cache_info().hits == 1 and f.__wrapped__(2) == 2"),
    Row("functions", "globals of the program that tests read", "count = 0\ndef f():\n    global count\n    count += 1\n", "f()\nassert count == 1"),
    Row("streams", "printed output captured by the test", "def f(x): print('got', x)", "import io, contextlib\nout = io.StringIO()\nwith contextlib.redirect_stdout(out):\n    f(1)\nassert out.getvalue() == 'got 1\\n'"),
    Row("streams", "`input` patched by the test", "def f(): return int(input()) * 2", "from unittest import mock\nwith mock.patch('builtins.input', return_value='4'):\n    assert f() == 8"),
    Row("streams", "`sys.stdin` replaced by the test", "import sys\ndef f(): return sys.stdin.read().split()", "import io, sys\nsys.stdin = io.StringIO('a b')\nassert f() == ['a', 'b']"),
    Row("streams", "time, random and others patched by the test", "import time\ndef f(): return time.time()", "from unittest import mock\nwith mock.patch('time.time', return_value=5):\n    assert f() == 5"),
    Row("programs", "code behind a main guard in a program that tests import", "def f(): return 1\nif __name__ == '__main__':\n    raise SystemExit(1)", "assert f() == 1"),
    Row("programs", "stdin programs: atexit, threads, buffers, exits", "import atexit, threading, sys\natexit.register(lambda: print(2))\nthreading.Thread(target=lambda: print(1)).start()\nsys.exit()", "1 2", input="x\n"),
    Row("programs", "files in the working directory, written by tests and read by the program, and the reverse", "def f(a, b):\n    with open(a) as x, open(b, 'w') as y: y.write(x.read())", "import os, tempfile\nd = tempfile.mkdtemp()\na = os.path.join(d, 'a')\nwith open(a, 'w') as file: file.write('1')\nf(a, 'b.txt')\nassert open('b.txt').read() == '1'"),
    Row("programs", "threads of the program that call functions of the tests, which call the program", "from concurrent.futures import ThreadPoolExecutor\ndef f(g):\n    with ThreadPoolExecutor(4) as pool: return list(pool.map(g, range(20)))\ndef h(x): return x * x", "assert f(lambda x: h(x) + 1) == [x * x + 1 for x in range(20)]"),
    Row("programs", "threads, pools, asyncio inside the program", "import asyncio\nfrom concurrent.futures import ThreadPoolExecutor\nasync def g(): return 1\ndef f():\n    with ThreadPoolExecutor(2) as p: return [asyncio.run(g()), *p.map(abs, [-1])]", "assert f() == [1, 1]"),
    Row("programs", "files in the working directory", "def f():\n    open('a.txt', 'w').write('x')\n    return open('a.txt').read()", "assert f() == 'x'"),
    Row("programs", "another process: fork, exec, sockets", "import subprocess\ndef f(): return subprocess.run(['true']).returncode", "assert f() == 0"),
    Row("programs", "frames of the caller", "import sys\ndef f(): return sys._getframe(1).f_code.co_name", "assert f() == '<module>'"),
    Row("programs", "files of the program, in tests that could run them: `pickle`, `exec`, `sys.path`", "import pickle\ndef f():\n    with open('x', 'wb') as file: pickle.dump(1, file)", "import pickle\nf()\nassert pickle.load(open('x', 'rb')) == 1"),
)  # fmt: skip


def shown(sandbox: Sandbox, oracle: Interpreter, rows: Sequence[Row] = ROWS) -> list[str]:
    """What each row's test shows: "exact", "delegated" (by the word of the program's objects), or "refused".

    Raises:
        AssertionError: A row's test does not pass in a plain interpreter.
    """
    cases = [row.case() for row in rows]
    for case in cases:
        assert all(oracle.run(case).passed), case.kind
    verdicts = judge(sandbox, cases)
    names = {True: "delegated", False: "exact"}
    return [names[getattr(v, "num_delegated", 0) > 0] if v.passed else "refused" for v in verdicts]


def table(kinds: Sequence[str]) -> str:
    """The documentation's table."""
    lines = ["| | exact | by the program's word | not offered |", "|---|---|---|---|"]
    pairs = list(zip(ROWS, kinds, strict=True))
    for area, group in groupby(pairs, key=lambda pair: pair[0].area):
        found = list(group)
        cells = [
            "; ".join(row.construct for row, kind in found if kind == name)
            for name in ("exact", "delegated", "refused")
        ]
        lines.append(f"| {area} | " + " | ".join(cell or "–" for cell in cells) + " |")
    return "\n".join(lines)


def documented() -> str:
    """The table that the documentation holds."""
    return DOC.read_text().partition(BEGIN)[2].partition(END)[0].strip()


def main() -> None:
    """Prints the table, or writes it into the documentation."""
    with ProcessSandbox(2) as sandbox, Interpreter() as oracle:
        text = table(shown(sandbox, oracle))
    if "--write" not in sys.argv:
        print(text)
        return
    head, _, rest = DOC.read_text().partition(BEGIN)
    DOC.write_text(f"{head}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
