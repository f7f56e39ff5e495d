"""What tests lend, patch and set, and what they look at: a right program passes, a wrong one does not."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from collections.abc import Callable

import pytest

from mucode_core.sandbox import ProcessSandbox
from mucode_core.types import StdinTest, Verdict
from tests.sandbox.sandbox_jobs import make_job, run_jobs

_NP = "import numpy as np\n"
_MOCK = "from unittest.mock import Mock, MagicMock, call, create_autospec, mock_open, patch, sentinel\n"
_ROWS: dict[str, tuple[str, str, str]] = {
    "a method of a mock": (_MOCK + "m = Mock()\nm.find.return_value = None\nf(m, 5)\nm.save.assert_called_once_with(5)", "def f(m, x):\n    if m.find(x) is None: m.save(x)", "def f(m, x):\n    if m.find(x): m.save(x)"),
    "effects of a mock": (_MOCK + "m = Mock(side_effect=[1, ValueError('no')])\nassert f(m) == [1, 'no'] and m.call_args_list == [call(0), call(1)]", "def f(m):\n    got = []\n    for i in range(2):\n        try: got.append(m(i))\n        except ValueError as e: got.append(str(e))\n    return got", "def f(m): return [m(0), 'no']"),
    "a context manager and an iterator": (_MOCK + "m = MagicMock()\nm.open.return_value.__enter__.return_value.rows = [1]\nm.__iter__.return_value = iter([2])\nassert f(m) == [1, 2]\nm.open.return_value.__exit__.assert_called_once()", "def f(m):\n    with m.open() as c: rows = list(c.rows)\n    return rows + list(m)", "def f(m): return m.open().__enter__().rows + list(m)"),
    "attributes of a mock": (_MOCK + "m = Mock(limit=3)\nf(m)\nassert m.limit == 4 and m.done is True", "def f(m): m.limit, m.done = m.limit + 1, True", "def f(m): m.limit += 2"),
    "a mock of a class": (_MOCK + "m = create_autospec(Repo)\nm.get.return_value = 7\nassert f(m) == 7 and isinstance(m, Repo)\nm.get.assert_called_once_with(1)", "class Repo:\n    def get(self, x): raise RuntimeError\ndef f(m): return m.get(1) if isinstance(m, Repo) else 0", "class Repo:\n    def get(self, x): raise RuntimeError\ndef f(m): return 7"),
    "a mock that comes back": (_MOCK + "m = Mock()\nassert f(m) is m.made.return_value", "def f(m): return m.made()", "def f(m): return m.made"),
    "a sentinel": (_MOCK + "assert f({1: sentinel.a}) is sentinel.a", "def f(d): return d[1]", "def f(d): return d"),
    "a function that is patched": (_MOCK + "with patch('random.randint', return_value=4) as m: assert f() == 5\nm.assert_called_once_with(1, 6)\nassert f() != 5 or True", "import random\ndef f(): return random.randint(1, 6) + 1", "import random\ndef f(): return random.randint(0, 6) + 1"),
    "a file that is patched": (_MOCK + "with patch('builtins.open', mock_open(read_data='ab')) as m: assert f('x') == 'AB'\nm.assert_called_once_with('x')", "def f(p):\n    with open(p) as file: return file.read().upper()", "def f(p): return 'AB'"),
    "a function of the program that is patched": (_MOCK + "with patch('solution.g', return_value=4): assert f() == 5\nassert f() == 2", "def g(): return 1\ndef f(): return g() + 1", "def g(): return 1\ndef f(): return 2"),
    "what the program imports is patched": (_MOCK + "with patch('solution.time') as m:\n    m.time.return_value = 5\n    assert f() == 5", "import time\ndef f(): return time.time()", "import time\nnow = time.time\ndef f(): return now()"),
    "a method that is patched": (_MOCK + "with patch.object(A, 'm', return_value=4): assert A().n() == 5\nassert A().n() == 2", "class A:\n    def m(self): return 1\n    def n(self): return self.m() + 1", "class A:\n    def m(self): return 1\n    def n(self): return 2"),
    "the module": ("import solution\nsolution.f()\nassert solution.count == 1\nsolution.count = 9\nassert solution.f() == 10", "count = 0\ndef f():\n    global count\n    count += 1\n    return count", "count = 0\ndef f(): return 1"),
    "a failure within": ("import pytest\ndef test_it(): assert f(lambda x: x if x < 3 else pytest.fail('too many')) == 2", "def f(g): return max(map(g, range(3)))", "def f(g):\n    try: return max(map(g, range(4)))\n    except Exception: return 2"),
    "a skip within": ("import pytest\ndef test_one(): f(lambda: pytest.skip('not here'))\ndef test_two(): assert f(lambda: 2) == 2", "def f(g): return g()", "def f(g): return 5"),
    "the environment": ("import os\nos.environ['A_NAME'] = 'x'\nassert f() == 'x'\ndel os.environ['A_NAME']\nassert f() is None", "import os\ndef f(): return os.environ.get('A_NAME')", "def f(): return 'x'"),
    "arguments": ("import sys\nsys.argv = ['p', 'a']\nassert f() == ['a']", "import sys\ndef f(): return sys.argv[1:]", "def f(): return []"),
    "a seed": ("import random\nrandom.seed(1)\na = f()\nrandom.seed(1)\nassert f() == a == 18", "import random\ndef f(): return random.randint(1, 100)", "import random\nrandom.seed(5)\nr = random.Random(1)\ndef f(): return r.randint(1, 100)"),
    "a warning": ("import warnings\nwith warnings.catch_warnings(record=True) as w:\n    warnings.simplefilter('always')\n    f()\nassert [str(one.message) for one in w] == ['old']", "import warnings\ndef f(): warnings.warn('old')", "import warnings\ndef f(): warnings.warn('new')"),
    "a warning, with pytest": ("import pytest\ndef test_it():\n    with pytest.warns(DeprecationWarning, match='ol'): f()", "import warnings\ndef f(): warnings.warn('old', DeprecationWarning)", "import warnings\ndef f(): warnings.warn('old')"),
    "a coroutine": ("import asyncio\nassert asyncio.run(f(2)) == 4", "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x * 2", "async def f(x): return x"),
    "coroutines that wait for one another": ("import asyncio\nasync def main():\n    q = Q()\n    return await asyncio.gather(q.get(), q.put(3))\nassert asyncio.run(main())[0] == 3", "import asyncio\nclass Q:\n    def __init__(self): self.v = None\n    async def get(self):\n        while self.v is None: await asyncio.sleep(0)\n        return self.v\n    async def put(self, v): self.v = v", "class Q:\n    v = None\n    async def get(self): return self.v\n    async def put(self, v): self.v = v"),
    "an asynchronous iterator": ("import asyncio\nasync def main(): return [x async for x in f(3)]\nassert asyncio.run(main()) == [0, 1, 2]", "async def f(n):\n    for i in range(n): yield i", "async def f(n):\n    for i in range(n - 1): yield i"),
    "an asynchronous context manager": ("import asyncio\nasync def main():\n    async with C() as c: assert c.on\n    return c.on\nassert asyncio.run(main()) is False", "class C:\n    async def __aenter__(self):\n        self.on = True\n        return self\n    async def __aexit__(self, *a): self.on = False", "class C:\n    async def __aenter__(self):\n        self.on = True\n        return self\n    async def __aexit__(self, *a): pass"),
    "a coroutine that is too slow": ("import asyncio\nasync def main():\n    try: return await asyncio.wait_for(f(), 0.05)\n    except asyncio.TimeoutError: return 'late'\nassert asyncio.run(main()) == 'late'", "import asyncio\nasync def f(): await asyncio.sleep(3)", "async def f(): return 1"),
    "annotations": ("assert C.__annotations__ == {'a': int, 'b': list[str]}", "class C:\n    a: int\n    b: list[str]", "class C:\n    a: int\n    b: list[int]"),
    "type hints": ("import typing\nassert typing.get_type_hints(f) == {'a': typing.Optional[C], 'return': typing.Dict[str, C]}", "import typing\nclass C: pass\ndef f(a: 'C | None') -> typing.Dict[str, 'C']: ...", "import typing\nclass C: pass\ndef f(a: 'C') -> typing.Dict[str, 'C']: ..."),
    "annotations of a signature": ("import inspect\nassert inspect.signature(f).parameters['g'].annotation == __import__('typing').Callable[[int], str]", "from typing import Callable\ndef f(g: Callable[[int], str]): ...", "from typing import Callable\ndef f(g: Callable[[str], str]): ..."),
    "types of fields": ("import dataclasses\nassert [one.type for one in dataclasses.fields(C)] == [int, list[int]]", "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int\n    b: list[int]", "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int\n    b: list"),
    "a generic class": ("s = Stack[int]()\ns.push(1)\nassert s.items == [1] and Stack[int] == Stack[int] != Stack[str]", "import typing\nT = typing.TypeVar('T')\nclass Stack(typing.Generic[T]):\n    def __init__(self): self.items = []\n    def push(self, x: T): self.items.append(x)", "class Stack:\n    items = []\n    def __class_getitem__(cls, kind): return cls\n    def push(self, x): self.items.append(x)"),
    "a row of an array": (_NP + "m = np.zeros((2, 3))\nr = f(m)\nr[0] = 9\nassert m[0, 0] == 9 and np.shares_memory(r, m)\nm[0, 1] = 8\nassert r[1] == 8", "def f(m): return m[0]", "def f(m): return m[0].copy()"),
    "a row that the program keeps": (_NP + "r = row(1)\nr[:] = 2\nassert total() == 6", _NP + "m = np.zeros((3, 3))\ndef row(i): return m[i]\ndef total(): return m.sum()", _NP + "m = np.zeros((3, 3))\ndef row(i): return m[i].copy()\ndef total(): return m.sum()"),
    "an array and its row": (_NP + "m = np.arange(6).reshape(2, 3)\nassert f(m, m[1]) == 3 + 21", "def f(m, r):\n    r[:] = 7\n    return int(m.sum())", "def f(m, r):\n    r = r.copy()\n    r[:] = 7\n    return int(m.sum())"),
    "a transposed array": (_NP + "m = np.arange(6).reshape(2, 3)\nt = f(m)\nassert t.flags.f_contiguous and t.shape == (3, 2)\nt[2, 1] = 50\nassert m[1, 2] == 50", "def f(m): return m.T", "import numpy as np\ndef f(m): return np.ascontiguousarray(m.T)"),
    "a read-only array": (_NP + "a = np.zeros(2)\nf(a)\nassert not a.flags.writeable\nassert not g().flags.writeable", _NP + "def f(a): a.flags.writeable = False\ndef g():\n    a = np.ones(2)\n    a.setflags(write=False)\n    return a", _NP + "def f(a): a.flags.writeable = False\ndef g(): return np.ones(2)"),
    "a match": ("import re\nm = f('ab 1')\nassert isinstance(m, re.Match) and m['n'] == '1' and m.span() == (0, 4)", "import re\ndef f(s): return re.match(r'\\w+ (?P<n>\\d)', s)", "import re\ndef f(s): return re.search(r'(?P<n>\\d)', s)"),
    "a pattern": ("import re\nassert f() == re.compile('a+', re.I) and isinstance(f(), re.Pattern)", "import re\ndef f(): return re.compile('a+', re.I)", "import re\ndef f(): return re.compile('a+')"),
    "a UUID": ("import uuid\nassert f('a') == uuid.uuid5(uuid.NAMESPACE_DNS, 'a') and g(uuid.UUID(int=5)) == 5", "import uuid\ndef f(s): return uuid.uuid5(uuid.NAMESPACE_DNS, s)\ndef g(u): return u.int", "import uuid\ndef f(s): return str(uuid.uuid5(uuid.NAMESPACE_DNS, s))\ndef g(u): return u.int"),
    "a live view": ("d = D()\nk = d.keys()\nd.add('a', 1)\nassert list(k) == ['a'] and k == {'a'}", "class D:\n    def __init__(self): self.d = {}\n    def add(self, k, v): self.d[k] = v\n    def keys(self): return self.d.keys()", "class D:\n    def __init__(self): self.d = {}\n    def add(self, k, v): self.d[k] = v\n    def keys(self): return dict(self.d).keys()"),
    "a view for an argument": ("d = {1: 2}\nassert f(d, d.items()) == [(1, 2), (3, 4)]", "def f(d, v):\n    d[3] = 4\n    return list(v)", "def f(d, v):\n    v = list(v)\n    d[3] = 4\n    return v"),
    "the name of a missing module": ("try: f()\nexcept E as e: assert e.name == 'm' and e.path == 'p'\nelse: assert False", "class E(ImportError): pass\ndef f(): raise E('x', name='m', path='p')", "class E(ImportError): pass\ndef f(): raise E('x')"),
    "the object without an attribute": ("x = [1]\ntry: f(x)\nexcept AttributeError as e: assert e.obj is x and e.name == 'z'\nelse: assert False", "def f(x): return x.z", "def f(x): return [1].z"),
    "a cause": ("try: f()\nexcept ValueError as e: assert type(e.__cause__) is KeyError and e.__cause__.args == ('k',)\nelse: assert False", "def f():\n    try: {}['k']\n    except KeyError as e: raise ValueError from e", "def f(): raise ValueError"),
    "an exception of another module": ("import sqlite3\ntry: f()\nexcept sqlite3.IntegrityError as e: assert e.args == ('x',)\nelse: assert False", "import sqlite3\ndef f(): raise sqlite3.IntegrityError('x')", "import sqlite3\ndef f(): raise sqlite3.OperationalError('x')"),
    "an exception that a mock raises": (_MOCK + "import socket\nwith patch('socket.gethostbyname', side_effect=socket.gaierror): assert f('x') is None", "import socket\ndef f(h):\n    try: return socket.gethostbyname(h)\n    except socket.gaierror: return None", "import socket\ndef f(h): return socket.gethostbyname(h)"),
    "a property that is patched": (_MOCK + "from unittest.mock import PropertyMock\nwith patch.object(A, 'v', new_callable=PropertyMock, return_value=4): assert A().get() == 5\nassert A().get() == 2", "class A:\n    v = property(lambda self: 1)\n    def get(self): return self.v + 1", "class A:\n    v = property(lambda self: 1)\n    def get(self): return 5"),
    "notes": ("try: f()\nexcept ValueError as e: assert e.__notes__ == ['n']\nelse: assert False", "def f():\n    e = ValueError()\n    e.add_note('n')\n    raise e", "def f():\n    e = ValueError()\n    e.add_note('m')\n    raise e"),
    "bases": ("assert issubclass(B, A)", "class A: pass\nclass B(A): pass", "class A: pass\nclass B: pass"),
    "a name": ("assert A.__name__ == 'A' and A.__doc__ == 'It.'", "class A:\n    'It.'", "class A:\n    'That.'"),
    "a property": ("assert isinstance(A.p, property) and A.__slots__ == ('x',)", "class A:\n    __slots__ = ('x',)\n    p = property(lambda self: 1)", "class A:\n    __slots__ = ('x',)\n    p = 1"),
    "an alarm that comes late": ("import signal\nclass Late(Exception): pass\ndef ring(*a): raise Late\nsignal.signal(signal.SIGALRM, ring)\nsignal.setitimer(signal.ITIMER_REAL, 0.05)\nlate = False\ntry: f()\nexcept Late: late = True\nassert late and g() == 2", "import time\ndef f(): time.sleep(0.2)\ndef g(): return 2", "def f(): pass\ndef g(): return 3"),
    "a byte order mark": ("assert f() == 1", "\ufeffdef f(): return 1", "\ufeffdef f(): return 2"),
    "its own source": ("assert f() == 2", "def f(): return open(__file__).read().count('def')", "def f(): return open(__file__).read().count('(')"),
}  # fmt: skip


@pytest.mark.parametrize("name", _ROWS)
def test_a_right_program_passes(name: str, judge_one: Callable[..., Verdict]) -> None:
    test, right, _ = _ROWS[name]
    verdict = judge_one(right, test)
    assert verdict.passed, verdict.feedback


@pytest.mark.parametrize("name", _ROWS)
def test_a_wrong_program_fails(name: str, judge_one: Callable[..., Verdict]) -> None:
    test, _, wrong = _ROWS[name]
    assert judge_one(wrong, test).status in ("failed", "error")


def test_a_suite_that_never_touches_the_program_proves_nothing(judge_one: Callable[..., Verdict]) -> None:
    for test in (
        "assert 1 == 1",
        "assert f is not None",
        "def check(g): pass",
        "h = f\nassert h",
        "def g(): assert callable(f)",
    ):
        verdict = judge_one("def f(x): return x", test)
        assert verdict.status == "error" and "no test called the program" in verdict.feedback, test


@pytest.mark.parametrize("line", ["from none_such import given", "import none_such.part as p", "import os, none_such"])
def test_what_tests_import_and_there_is_not_blames_the_problem(line: str, judge_one: Callable[..., Verdict]) -> None:
    for test in (f"{line}\nassert f(1) == 1", f"def test_it():\n    {line}\n    assert f(1) == 1"):
        assert judge_one("def f(x): return x", test).status == "not_judged"
    assert judge_one("def f(x): return x", "assert f(1) == 1", setup=line).status == "not_judged"
    assert judge_one(f"{line}\ndef f(x): return x", "assert f(1) == 1").status == "missing_module"
    caught = f"try:\n    {line}\nexcept ImportError: pass\nassert f(1) == 1"
    assert judge_one("def f(x): return x", caught).passed


def test_what_a_program_puts_into_a_mock_is_its_word(judge_one: Callable[..., Verdict]) -> None:
    test = _MOCK + "m = Mock()\nf(m)\nassert m.total() == 5"
    verdict = judge_one("def f(m): m.total = lambda: 5", test)
    assert verdict.passed and verdict.num_delegated > 0
    plain = judge_one("def f(m): m.total = 5", _MOCK + "m = Mock()\nf(m)\nassert m.total == 5")
    assert plain.passed and plain.num_delegated == 0


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("\ufeffn = int(input())\nprint(n * 2)", "6"),
        ("print(open(__file__).read().count('print'))", "2"),
        ("import sys\nprint(open(sys.argv[0]).read().count('print'))", "2"),
        ("import inspect\ndef g(): return 1\nprint(inspect.getsource(g))", "def g(): return 1"),
    ],
)
def test_a_program_that_prints_is_a_file(code: str, printed: str, sandbox: ProcessSandbox) -> None:
    for expected, is_right in ((printed, True), ("739391", False)):
        (verdict,) = run_jobs(sandbox, [make_job(code, StdinTest("3\n", expected), kind="stdin", entry_point="")])
        assert verdict.passed is is_right, verdict.feedback
