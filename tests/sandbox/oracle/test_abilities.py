"""What tests may look at of exceptions, signatures, arrays, classes and signals is as in one plain interpreter."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from collections.abc import Iterator

import pytest

from mucode_core.sandbox import ProcessSandbox
from tests.sandbox.oracle.compare import judge
from tests.sandbox.oracle.interpreter import Case, Interpreter

_CAUGHT = "try:\n    f()\nexcept {kind} as e:\n    {check}\nelse:\n    assert False"
_NP = "import numpy as np\n"


def _raises(code: str, check: str, kind: str = "Exception") -> tuple[str, str]:
    return code, _CAUGHT.format(kind=kind, check=check)


ROWS: dict[str, tuple[str, str]] = {
    "attributes of a built-in exception": _raises("def f():\n    e = ValueError('m', 2)\n    e.code, e.rows = 5, [1, {2}]\n    raise e", "assert e.code == 5 and e.rows == [1, {2}] and e.args == ('m', 2) and vars(e) == {'code': 5, 'rows': [1, {2}]}"),
    "an attribute shared with the program": ("rows = [1]\ndef f():\n    e = ValueError()\n    e.rows = rows\n    raise e\ndef g(): return rows", "try:\n    f()\nexcept ValueError as e:\n    e.rows.append(2)\nassert g() == [1, 2]"),
    "an attribute that is an object": ("class P:\n    def __init__(s, a): s.a = a\ndef f():\n    e = KeyError('k')\n    e.owner = P(3)\n    raise e", "try:\n    f()\nexcept KeyError as e:\n    assert e.owner.a == 3 and str(e) == \"'k'\""),
    "an exception among arguments": _raises("def f(): raise ValueError(KeyError('k'), 2)", "assert type(e.args[0]) is KeyError and e.args[0].args == ('k',)"),
    "a JSON error": _raises("import json\ndef f(): json.loads('[1,')", "assert (e.pos, e.lineno, e.colno, e.doc) == (3, 1, 4, '[1,') and e.msg in str(e)", "ValueError"),
    "a Unicode error": _raises("def f(): b'a\\xff'.decode('utf8')", "assert (e.start, e.end, e.object, e.encoding) == (1, 2, b'a\\xff', 'utf-8') and 'position 1' in str(e)", "UnicodeDecodeError"),
    "an encoding error": _raises("def f(): 'a\\u1234'.encode('ascii')", "assert (e.start, e.end, e.object, e.reason) == (1, 2, 'a\\u1234', 'ordinal not in range(128)')", "UnicodeEncodeError"),
    "a Unicode error of its own": _raises("def f(): raise UnicodeDecodeError('x', b'', 0, 1, 'why')", "assert str(e) == \"'x' codec can't decode bytes in position 0-0: why\"", "UnicodeError"),
    "a file that is not there": _raises("def f(): open('none')", "assert e.errno == 2 and e.filename == 'none' and type(e) is FileNotFoundError", "OSError"),
    "an error of the system with two names": _raises("import os\ndef f(): os.rename('a', 'b')", "assert (e.filename, e.filename2) == ('a', 'b')", "OSError"),
    "a name that is not there": _raises("def f(): return missing", "assert e.name == 'missing'", "NameError"),
    "a module that is not there": _raises("def f(): import none.here", "assert e.name == 'none' and type(e) is ModuleNotFoundError", "ImportError"),
    "an attribute that is not there": _raises("def f(): return [].x", "assert e.name == 'x'", "AttributeError"),
    "a syntax error": _raises("def f(): compile('a b', 'n', 'eval')", "assert (e.filename, e.lineno, e.text) == ('n', 1, 'a b') and 'invalid syntax' in e.msg", "SyntaxError"),
    "an exit code": _raises("import sys\ndef f(): sys.exit(3)", "assert e.code == 3", "SystemExit"),
    "a process that failed": _raises("import subprocess\ndef f(): raise subprocess.CalledProcessError(2, ['a'], 'out')", "assert (e.returncode, e.cmd, e.output) == (2, ['a'], 'out')"),
    "an exception with an `__init__`": _raises("class E(Exception):\n    def __init__(s, a, b=2):\n        super().__init__(f'{a}-{b}')\n        s.a, s.b = a, b\ndef f(): raise E(1)", "assert (e.a, e.b, str(e), e.args, type(e).__name__) == (1, 2, '1-2', ('1-2',), 'E')"),
    "an exception with properties": _raises("class E(ValueError):\n    @property\n    def code(s): return len(s.args)\n    def describe(s): return f'{s.code}!'\n    def __str__(s): return 'E' + s.describe()\ndef f(): raise E(1, 2)", "assert e.code == 2 and e.describe() == '2!' and str(e) == 'E2!'", "ValueError"),
    "an exception with slots": _raises("class E(Exception):\n    __slots__ = ('a',)\n    def __init__(s, a): s.a = a\ndef f(): raise E(4)", "assert e.a == 4"),
    "a data class that is an exception": _raises("import dataclasses\n@dataclasses.dataclass\nclass E(Exception):\n    a: int\n    b: str = 'x'\ndef f(): raise E(4)", "assert (e.a, e.b) == (4, 'x')"),
    "a frozen data class": _raises("import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass P:\n    a: int\ndef f(): P(1).a = 2", "import dataclasses; assert isinstance(e, dataclasses.FrozenInstanceError) and isinstance(e, AttributeError) and str(e) == \"cannot assign to field 'a'\""),
    "a decimal's signal": _raises("def f(): decimal.Decimal(1) / 0", "assert isinstance(e, decimal.DivisionByZero) and isinstance(e, ZeroDivisionError)"),
    "an exception raised again by the test": ("def f():\n    e = ValueError(1)\n    e.code = 7\n    raise e", "try:\n    try:\n        f()\n    except ValueError as e:\n        raise RuntimeError('outer') from e\nexcept RuntimeError as r:\n    assert r.__cause__.code == 7"),
    "an exception handed back": ("def f(e): return e", "e = ValueError(1)\ne.code = [2]\nassert f(e).args == (1,) and f(e).code == [2]"),
    "an exception as a value, changed later": ("class E(Exception): pass\none = E(1)\ndef f(): return one\ndef g(): one.a = 5", "e = f()\ng()\nassert e.a == 5 and e is f()"),
    "a test's function that raises": ("def f(g):\n    try: g()\n    except ValueError as e: return e.args, e.code", "def g():\n    e = ValueError(1, 2)\n    e.code = 3\n    raise e\nassert f(g) == ((1, 2), 3)"),
    "an axis that is not there": _raises(_NP + "def f(): np.sum(np.zeros(3), axis=5)", "import numpy as np; assert isinstance(e, np.exceptions.AxisError) and e.axis == 5 and e.ndim == 1 and 'axis 5 is out of bounds' in str(e)"),
    "a singular matrix": _raises(_NP + "def f(): np.linalg.inv(np.zeros((2, 2)))", "import numpy as np; assert type(e) is np.linalg.LinAlgError and str(e) == 'Singular matrix'"),
    "no loop for these types": _raises(_NP + "def f(): np.array(['a']) * 2.5", "assert isinstance(e, TypeError) and 'multiply' in str(e)"),
    "texts in an array": (_NP + "def f(): return np.array(['a', 'bcd'])", "import numpy as np\nr = f()\nassert r.dtype == np.dtype('<U3') and r.tolist() == ['a', 'bcd'] and (r == 'a').tolist() == [True, False] and r.shape == (2,)"),
    "bytes in an array": (_NP + "def f(): return np.array([[b'a', b'bc']])", "r = f()\nassert r.dtype.str == '|S2' and r[0, 1] == b'bc' and r.itemsize == 2"),
    "dates in an array": (_NP + "def f(): return np.array(['2020-01-02', 'NaT'], 'M8[D]')", "import numpy as np\nr = f()\nassert r.dtype == 'M8[D]' and r[0] == np.datetime64('2020-01-02') and np.isnat(r[1]) and r[1] != r[1] and str(r[0]) == '2020-01-02'"),
    "dates as numpy counts them": (_NP + "def f(a): return np.diff(a), a.astype('M8[s]'), a.astype('O')[0]", "import numpy as np, datetime\nd, s, o = f(np.array(['2020-01-01', '2020-03-01'], 'M8[D]'))\nassert d[0] == np.timedelta64(60, 'D') and s.dtype.str == '<M8[s]' and o == datetime.date(2020, 1, 1)"),
    "durations": (_NP + "def f(): return np.timedelta64(90, 'm'), np.timedelta64('NaT')", "import numpy as np\na, b = f()\nassert a == np.timedelta64(90, 'm') and a / np.timedelta64(1, 'h') == 1.5 and np.isnat(b)"),
    "steps of seven days": (_NP + "def f(): return np.array([1, 2], 'm8[7D]'), np.array([3], '>M8[ms]'), np.dtype('>U4')", "a, b, c = f()\nassert a.dtype.str == '<m8[7D]' and b.dtype.str == '>M8[ms]' and b.astype('i8')[0] == 3 and c.itemsize == 16"),
    "an array of texts in place": (_NP + "def f(a): a[a == 'b'] = 'xyz'", "import numpy as np\na = np.array(['ab', 'b'])\nf(a)\nassert a.tolist() == ['ab', 'xy']"),
    "an array of dates in place": (_NP + "def f(a): a += np.timedelta64(1, 'D')", "import numpy as np\na = np.array(['2020-02-28'], 'M8[D]')\nv = a[:]\nf(a)\nassert str(v[0]) == '2020-02-29'"),
    "another shape in place": (_NP + "def f(a): a.shape = (2, 3)", "import numpy as np\na = np.arange(6)\nf(a)\nassert a.tolist() == [[0, 1, 2], [3, 4, 5]]"),
    "scalars of texts": (_NP + "def f(): return np.str_('ab'), np.bytes_(b'c'), np.array(['x'])[0]", "import numpy as np\na, b, c = f()\nassert a == 'ab' and isinstance(a, np.str_) and b == b'c' and a + 'd' == 'abd' and c == 'x'"),
    "classes of numpy": (_NP + "def f(): return np.int64, np.float32, np.ndarray, np.dtype('i4').type", "import numpy as np\nassert f() == (np.int64, np.float32, np.ndarray, np.int32)"),
    "classes of the library": ("import uuid, string, json\ndef f(): return type(None), type(f), uuid.UUID, string.Template, json.JSONDecodeError, type(len), type(...)", "import uuid, string, json, types\na = f()\nassert a == (type(None), types.FunctionType, uuid.UUID, string.Template, json.JSONDecodeError, types.BuiltinFunctionType, type(...))"),
    "functions of the library": ("import operator, math, heapq, bisect, functools, textwrap\ndef f(): return operator.add, math.sqrt, str.upper, len, heapq.heappop, bisect.bisect, functools.reduce, textwrap.dedent, dict.get, re.sub, copy.deepcopy, json.dumps, statistics.mean, itertools.chain.from_iterable", "import operator, math\na = f()\nassert a[0] is operator.add and a[1](4) == 2 and a[2]('a') == 'A' and a[3]('ab') == 2 and a[4]([1]) == 1 and a[5]([1, 2], 1) == 1 and a[6](operator.add, [1, 2]) == 3 and a[8]({1: 2}, 1) == 2 and a[9]('a', 'b', 'a') == 'b' and a[10]([1]) == [1] and a[11]([1]) == '[1]' and a[12]([1, 3]) == 2 and list(a[13]([[1], [2]])) == [1, 2]"),
    "a built-in class by another name": ("Stack = list\nMap = dict\nfrom collections import deque as Line, OrderedDict as Ordered\nfrom decimal import Decimal as Money\nfrom fractions import Fraction as Ratio", "s = Stack()\ns.append(1)\nm = Map(a=1)\nq = Line([1], 2)\no = Ordered(b=2)\nassert s == [1] and m == {'a': 1} and q.maxlen == 2 and list(o) == ['b'] and Money('1.5') + 1 == Money('2.5') and Ratio(1, 2) * 2 == 1"),
    "signatures": ("def f(a, /, b: int = 2, *c, d, e='x', **k) -> str: pass", "import inspect\ns = inspect.signature(f)\nassert str(s) == \"(a, /, b: int = 2, *c, d, e='x', **k) -> str\" and s.parameters['d'].kind is inspect.Parameter.KEYWORD_ONLY and s.bind(1, d=4).arguments == {'a': 1, 'd': 4} and f.__defaults__ == (2,) and f.__kwdefaults__ == {'e': 'x'}"),
    "annotations that are texts": ("from typing import Optional\ndef f(a: 'int', b: 'Optional[str]' = None) -> 'dict[str, list[int]]': pass\nf.__annotations__['b'] = 'str | None'", "import typing, inspect\nassert typing.get_type_hints(f) == {'a': int, 'b': str | None, 'return': dict[str, list[int]]} and f.__annotations__['a'] == 'int' and inspect.get_annotations(f, eval_str=True)['a'] is int"),
    "a wrapped function's signature": ("import functools\ndef deco(g):\n    @functools.wraps(g)\n    def w(*a, **k): return g(*a, **k)\n    return w\n@deco\ndef f(x, y=1):\n    'doc'\n    return x + y", "import inspect\nassert list(inspect.signature(f).parameters) == ['x', 'y'] and f.__name__ == 'f' and f.__doc__ == 'doc' and f.__wrapped__(1) == 2 and f(1, y=3) == 4"),
    "a signature of its own": ("import inspect\ndef f(*a): return a\nf.__signature__ = inspect.Signature([inspect.Parameter('q', inspect.Parameter.POSITIONAL_ONLY)])", "import inspect\nassert str(inspect.signature(f)) == '(q, /)'"),
    "signatures of methods and classes": ("class P:\n    def __init__(self, a, b=1): pass\n    def m(self, x): pass\n    @classmethod\n    def c(cls, y): pass\n    @staticmethod\n    def s(z): pass\n    def __call__(self, w): pass", "import inspect\nassert [str(inspect.signature(x)) for x in (P(1).m, P.m, P.c, P.s)] == ['(x)', '(self, x)', '(y)', '(z)']"),
    "signatures of the tests' functions": ("import inspect\ndef f(*gs): return [(str(inspect.signature(g)), g.__code__.co_argcount, g.__defaults__, g.__kwdefaults__, g.__name__, g.__doc__) for g in gs]", "def a(x, /, y=2, *z, k=3, **r):\n    'doc'\ndef b(): pass\nassert f(a, b, lambda q, w='e': q) == [('(x, /, y=2, *z, k=3, **r)', 2, (2,), {'k': 3}, 'a', 'doc'), ('()', 0, None, None, 'b', None), (\"(q, w='e')\", 2, ('e',), None, '<lambda>', None)]"),
    "a test's function called wrongly": ("def f(g):\n    try: g(1, 2)\n    except TypeError as e: return str(e)", "def g(x): return x\nassert f(g) == 'g() takes 1 positional argument but 2 were given'"),
    "a test's function partly applied": ("import functools, inspect\ndef f(g): return functools.partial(g, 1, c=3), str(inspect.signature(functools.partial(g, 1)))", "def g(a, b, c=0): return a, b, c\np, s = f(g)\nassert p(2) == (1, 2, 3) and s == '(b, c=0)'"),
    "an alarm": ("import signal, time\ndef late(*a): raise TimeoutError('late')\ndef f():\n    signal.signal(signal.SIGALRM, late)\n    signal.setitimer(signal.ITIMER_REAL, 0.02)\n    try: time.sleep(5)\n    finally: signal.setitimer(signal.ITIMER_REAL, 0)", "try:\n    f()\nexcept TimeoutError as e:\n    assert str(e) == 'late'\nelse:\n    assert False"),
    "waiting for an alarm": ("import signal\ndef f():\n    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})\n    signal.setitimer(signal.ITIMER_REAL, 0.01)\n    return int(signal.sigwait({signal.SIGALRM})), signal.getitimer(signal.ITIMER_REAL)", "import signal\nassert f() == (signal.SIGALRM, (0.0, 0.0))"),
    "waiting in vain": ("import signal\ndef f(): return signal.sigtimedwait({signal.SIGUSR1}, 0.01)", "assert f() is None"),
    "a signal to itself": ("import signal\ngot = []\ndef f():\n    old = signal.signal(signal.SIGUSR1, lambda n, fr: got.append(n))\n    signal.raise_signal(signal.SIGUSR1)\n    return list(map(int, got)), old == signal.SIG_DFL, signal.Signals(10).name", "assert f() == ([10], True, 'SIGUSR1')"),
    "CPU time that is counted": ("import signal\nclass Late(Exception): pass\ndef late(*a): raise Late\ndef f():\n    signal.signal(signal.SIGPROF, late)\n    signal.setitimer(signal.ITIMER_PROF, 0.02)\n    try:\n        for _ in iter(int, 1): pass\n    except Late: return 'late'\n    finally: signal.setitimer(signal.ITIMER_PROF, 0)", "assert f() == 'late'"),
}  # fmt: skip


@pytest.fixture(scope="module")
def oracle() -> Iterator[Interpreter]:
    with Interpreter() as opened:
        yield opened


@pytest.mark.parametrize("name", ROWS)
def test_an_ability_is_as_in_a_plain_interpreter(name: str, sandbox: ProcessSandbox, oracle: Interpreter) -> None:
    code, test = ROWS[name]
    case = Case(name, code, (test,))
    assert oracle.run(case).detail == ("",), "a plain interpreter passes it"
    (verdict,) = judge(sandbox, [case])
    assert verdict.passed, verdict.feedback
