"""Arguments changed in place, aliases, copies and singletons. Each program gets the verdict that one interpreter gives for program and tests."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from collections.abc import Callable

import pytest

from mucode_core.sandbox import Sandbox
from mucode_core.types import Verdict
from tests.sandbox.sandbox_jobs import make_job, run_jobs

ROWS: list[tuple[str, str, str, str, bool]] = [
    ("def f(x): x.sort()", "x=[3,1,2]\ny=x\nf(x)\nassert y==[1,2,3] and y is x", "", "f", True),
    ("def f(x): return sorted(x)", "x=[3,1,2]\nassert f(x)==[1,2,3]\nassert x==[3,1,2]", "", "f", True),
    ("def f(x): x.sort(); return x", "x=[3,1,2]\nassert f(x)==[1,2,3]\nassert x==[3,1,2]", "", "f", False),
    ("def f(x): x.append(1); return None", "x=[]\nassert f(x) is None and x == [1]", "", "f", True),
    (
        "class S:\n    def rotate(self, n, k):\n        k%=len(n)\n        n[:]=n[-k:]+n[:-k]",
        "n=[1,2,3,4]\nS().rotate(n,1)\nassert n==[4,1,2,3]",
        "",
        "S",
        True,
    ),
    (
        "from collections import deque\ndef f(d): d.rotate(1); d.append(9)",
        "from collections import deque\nd=deque([1,2,3],maxlen=4)\nf(d)\nassert list(d)==[3,1,2,9] and d.maxlen==4\nf(d)\nassert list(d)==[3,1,2,9][-1:]+[3,1,2][:0]+list(d)[1:]",
        "",
        "f",
        False,
    ),
    (
        "import numpy as np\ndef f(a): a[0]=7; return a",
        "import numpy as np\na=np.zeros(3)\nb=f(a)\nassert b is a and a[0]==7",
        "",
        "f",
        True,
    ),
    (
        "import numpy as np\ndef f(a): return a.copy()",
        "import numpy as np\na=np.zeros(3)\nb=f(a)\nassert b is not a\nb[0]=1\nassert a[0]==0",
        "",
        "f",
        True,
    ),
    ("def f(a,b=[]):\n    b.append(a)\n    return b", "assert f(1)==[1]\nassert f(2)==[2]", "", "f", False),
    ("def f(a,b=[]):\n    b.append(a)\n    return b", "x=f(1)\ny=f(2)\nassert x is y and x==[1,2]", "", "f", True),
    ("def f(n): return [[0]*n for _ in range(n)]", "m=f(2)\nm[0][0]=1\nassert m==[[1,0],[0,0]]", "", "f", True),
    ("def f(n): return [[0]*n]*n", "m=f(2)\nm[0][0]=1\nassert m==[[1,0],[1,0]] and m[0] is m[1]", "", "f", True),
    ("def f(d): d['a']=1; return d", "d={}\nassert f(d) is d and d=={'a':1}", "", "f", True),
    ("def f(d): return dict(d)", "d={}\nassert f(d) is not d", "", "f", True),
    (
        "import copy\ndef f(x): return copy.deepcopy(x)",
        "x=[[1],[2]]\ny=f(x)\nassert y==x and y is not x and y[0] is not x[0]",
        "",
        "f",
        True,
    ),
    (
        "import copy\ndef f(x): return copy.copy(x)",
        "x=[[1],[2]]\ny=f(x)\nassert y==x and y is not x and y[0] is x[0]",
        "",
        "f",
        True,
    ),
    (
        "class A:\n    def __init__(s): s.items=[]\n    def get(s): return s.items\n    def add(s,x): s.items.append(x)",
        "a=A()\ng=a.get()\na.add(1)\nassert g==[1]\ng.append(2)\nassert a.items==[1,2]",
        "",
        "A",
        True,
    ),
    (
        "_i=None\nclass S:\n    def __new__(c):\n        global _i\n        if _i is None: _i=object.__new__(c)\n        return _i",
        "assert S() is S()",
        "",
        "S",
        True,
    ),
    ("class S: pass", "assert S() is not S()", "", "S", True),
    ("def f(x):\n    x.clear()", "s={1,2}\nf(s)\nassert s==set()", "", "f", True),
    ("def f(b): b[0]=65", "b=bytearray(b'xyz')\nf(b)\nassert b==b'Ayz'", "", "f", True),
    ("def f(x): x.append(x)", "x=[1]\nf(x)\nassert x[1] is x", "", "f", True),
    ("def f():\n    a=[]\n    a.append(a)\n    return a", "a=f()\nassert a[0] is a", "", "f", True),
    ("def f(x): return x[0]", "r=[1]\nx=[r,2]\nassert f(x) is r", "", "f", True),
    ("def f(x, y): return x is y", "a=[1]\nassert f(a,a) and not f(a,[1])", "", "f", True),
    ("def f(t): return t", "t=(1,2)\nassert f(t) is t", "", "f", True),
    *(
        (
            "def f(v): return v",
            f"import datetime, decimal, fractions, pathlib\nv={value}\nassert f(f(v)) is v",
            "",
            "f",
            True,
        )
        for value in (
            "range(5)",
            "slice(1, 2)",
            "'some text'",
            "b'some'",
            "10**30",
            "1.5",
            "2j",
            "frozenset({1})",
            "decimal.Decimal(1)",
            "fractions.Fraction(1, 3)",
            "datetime.date(2020, 1, 1)",
            "pathlib.PurePosixPath('a')",
        )
    ),
    ("K='one text'\ndef f(): return K", "assert f() is f()", "", "f", True),
    ("def f(x): return x", "t = (1, 2)\nassert f(x=t) is t", "", "f", True),
    ("def f(x): return range(10**30)", "assert f(1) == range(10**30)", "", "f", True),
    (
        "def f(x): return 'a' * 4_000_000 + str(x),",
        "assert all(f(i)[0][-1] == str(i) for i in range(9))",
        "",
        "f",
        True,
    ),
    (
        "import datetime, zoneinfo\nA, B = (1, 2), (3, 4)\ndef f(n):\n    if n == 2: return datetime.time(1, tzinfo=zoneinfo.ZoneInfo('UTC'))\n    return (A, B)[n]",
        "try: f(2)\nexcept Exception: pass\na, b = f(0), f(1)\nassert f(0) is a and f(1) is b and (a, b) == ((1, 2), (3, 4))",
        "",
        "f",
        True,
    ),
    ("def f(): return ' '.join(['one', 'text'])", "assert f() == f() and f() is not f()", "", "f", True),
    ("import functools\n@functools.cache\ndef f(n): return str(n) * 9, n", "assert f(7) is f(7)", "", "f", True),
    ("def f(n): return str(n) * 9, n", "assert f(7) == f(7) and f(7) is not f(7)", "", "f", True),
    (
        "K=(1.5, 2)\ndef f(n): return K if n == 3 else n / 7",
        "x=f(3)\nassert [f(i) for i in range(4, 99)] and f(3) is f(3)",
        "",
        "f",
        True,
    ),
    (
        "kept=[]\ndef f(x): kept.append(x)\ndef g(): return kept",
        "a=[1]\nf(a)\na.append(2)\nassert g()==[[1,2]] and g()[0] is a",
        "",
        "f",
        True,
    ),
    ("cache={}\ndef f(x):\n    cache[x]=1\n    return cache", "c=f(1)\nf(2)\nassert c=={1:1,2:1}", "", "f", True),
    ("def f(xs):\n    for x in xs: x['k']=1", "a={};b={}\nf([a,b])\nassert a=={'k':1}==b", "", "f", True),
    ("def f(d): d.setdefault('x',[]).append(1)", "d={}\nf(d)\nv=d['x']\nf(d)\nassert v==[1,1]", "", "f", True),
    (
        "from array import array\ndef f(a): a.append(3)",
        "from array import array\na=array('i',[1])\nf(a)\nassert a==array('i',[1,3])",
        "",
        "f",
        True,
    ),
    ("def f(x):\n    x += [4]\n    return x", "x=[1]\ny=f(x)\nassert x==[1,4] and y is x", "", "f", True),
    ("def f(x):\n    x = x + [4]\n    return x", "x=[1]\ny=f(x)\nassert x==[1] and y==[1,4]", "", "f", True),
    (
        "def f(od): od.move_to_end('a')",
        "from collections import OrderedDict\no=OrderedDict(a=1,b=2)\nf(o)\nassert list(o)==['b','a']",
        "",
        "f",
        True,
    ),
    (
        "def f(c): c.update('aab')",
        "from collections import Counter\nc=Counter()\nf(c)\nassert c==Counter(a=2,b=1)",
        "",
        "f",
        True,
    ),
    (
        "def f(dd): dd['z'].append(1)",
        "from collections import defaultdict\nd=defaultdict(list)\nf(d)\nassert d=={'z':[1]} and d['q']==[]",
        "",
        "f",
        True,
    ),
]
"""Program, test, setup, entry point, and whether the test passes."""


@pytest.mark.parametrize(("code", "test", "setup", "entry_point", "passes"), ROWS)
def test_state(
    judge_one: Callable[..., Verdict], code: str, test: str, setup: str, entry_point: str, passes: bool
) -> None:
    verdict = judge_one(code, test, setup=setup, entry_point=entry_point)
    assert verdict.passed is passes, verdict.feedback


def test_what_a_test_replaces_is_back_although_the_program_raised(lone_sandbox: Sandbox) -> None:
    replaces = (
        "import decimal, random, sys, time\nkept = time.time, random.randint\ntime.time = random.randint = lambda *a: 5\n"
        "sys.setrecursionlimit(100_000)\ndecimal.getcontext().prec = 3\nf(3)\ntime.time, random.randint = kept"
    )
    looks = (
        "import decimal, random, sys, time\nassert f(3) == 4\nassert time.time() != 5 and random.randint(6, 6) == 6\n"
        "assert sys.getrecursionlimit() < 100_000 and decimal.getcontext().prec > 3"
    )
    jobs = [make_job("def f(x): return 1 / 0", replaces), make_job("def f(x): return x + 1", looks)]
    assert [verdict.status for verdict in run_jobs(lone_sandbox, jobs)] == ["error", "passed"]


def test_modules_and_numpy_are_as_before_in_the_next_job(lone_sandbox: Sandbox) -> None:
    changes = (
        "import sys, types, numpy as np\nsys.modules['made_up'] = types.ModuleType('made_up')\nsys.modules['json'] = 5\n"
        "np.seterr(all='raise')\nnp.set_printoptions(precision=2)\nassert f(np.random.randint(1000)) < 1000"
    )
    looks = (
        "import json, sys, numpy as np\nassert f(3) == 3 and json.loads('[1]') == [1] and 'made_up' not in sys.modules\n"
        "assert np.geterr()['over'] == 'warn' and str(np.array(0.123456)) == '0.123456'"
    )
    draws = "import numpy as np\nassert f(np.random.randint(1000)) == np.random.RandomState(0).randint(1000)"
    jobs = [make_job("def f(x): return x", test) for test in (changes, looks, draws)]
    assert [verdict.status for verdict in run_jobs(lone_sandbox, jobs)] == ["passed", "passed", "passed"]
