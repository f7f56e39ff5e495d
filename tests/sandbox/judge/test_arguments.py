"""What tests pass: functions, iterators, exceptions, and instances of their own classes. Each program gets the verdict that one interpreter gives for program and tests."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from collections.abc import Callable

import pytest

from mucode_core.types import Verdict

ROWS: list[tuple[str, str, str, str, bool]] = [
    (
        "def f(g,x): return [g(v) for v in x]",
        "assert f(lambda v:v*2,[1,2])==[2,4]\nassert f(str,[1])==['1'] and f(abs,[-1])==[1] and f(str.upper,['a'])==['A']\nimport math,operator\nassert f(math.sqrt,[4])==[2.0] and f(operator.itemgetter(0),[[7]])==[7]\nimport functools\nassert f(functools.partial(pow,2),[3])==[8]",
        "",
        "f",
        True,
    ),
    (
        "def f(xs,key): return sorted(xs,key=key)",
        "assert f([3,1],key=lambda v:-v)==[3,1]\nassert f(['b','A'],key=str.lower)==['A','b']",
        "",
        "f",
        True,
    ),
    (
        "def f(x): return list(x)",
        "import array, csv, numpy as np\nassert f(iter(array.array('i', [1, 2])))==[1,2] and f(np.array([3, 4]).flat)==[3,4]"
        " and f(csv.reader(['a,b']))==[['a','b']]",
        "",
        "f",
        True,
    ),
    (
        "def f(it): return list(it)",
        "assert f(iter([1,2]))==[1,2] and f(x for x in range(3))==[0,1,2] and f(map(str,[1]))==['1'] and f(range(2))==[0,1] and f({'a':1}.items())==[('a',1)]",
        "",
        "f",
        True,
    ),
    (
        "import itertools\ndef f(it): return list(itertools.islice(it,2))",
        "def g():\n    n=0\n    while True:\n        yield n\n        n+=1\nq=g()\nassert f(q)==[0,1] and next(q)==2",
        "",
        "f",
        True,
    ),
    (
        "def f(t): return t.v if t.n is None else f(t.n)",
        "n=N(1,N(2))\nassert f(n)==2",
        "class N:\n    def __init__(s,v,n=None): s.v=v;s.n=n",
        "f",
        True,
    ),
    (
        "def f(t):\n    t.v=9\n    return t",
        "n=N(1)\nm=f(n)\nassert m is n and n.v==9",
        "class N:\n    def __init__(s,v,n=None): s.v=v;s.n=n",
        "f",
        True,
    ),
    (
        "def f(l):\n    h=None\n    for x in l[::-1]: h=N(x,h)\n    return h",
        "h=f([1,2])\nassert isinstance(h,N) and h.n.v==2 and h.show()=='1,2'",
        "class N:\n    def __init__(s,v,n=None): s.v=v;s.n=n\n    def show(s): return str(s.v)+(','+s.n.show() if s.n else '')",
        "f",
        True,
    ),
    (
        "def f(p): return p.dist()",
        "class P:\n    def __init__(s,x): s.x=x\n    def dist(s): return s.x*SCALE\nSCALE=3\nassert f(P(2))==6",
        "",
        "f",
        True,
    ),
    (
        "def f(e):\n    try: raise e\n    except ValueError as q: return str(q)",
        "assert f(ValueError('a'))=='a'\ne=ValueError('b')\nassert f(e)=='b'",
        "",
        "f",
        True,
    ),
    (
        "def f(g):\n    try: return g()\n    except ValueError as e: return 'caught '+str(e)",
        "def g(): raise ValueError('q')\nassert f(g)=='caught q'",
        "",
        "f",
        True,
    ),
    (
        "def f(g): return g()",
        "class X(Exception): pass\ndef g(): raise X('q')\ntry:\n    f(g)\n    assert False\nexcept X as e: assert str(e)=='q'",
        "",
        "f",
        True,
    ),
    ("def f(n,cb):\n    for i in range(n): cb(i)", "out=[]\nf(3,out.append)\nassert out==[0,1,2]", "", "f", True),
    (
        "def f(n,cb):\n    for i in range(n): cb(i)",
        "out=[]\nf(3,lambda i: out.append(i))\nassert out==[0,1,2]",
        "",
        "f",
        True,
    ),
    (
        "def f(n,cb):\n    for i in range(n): cb(i)",
        "from unittest.mock import Mock\nm=Mock()\nf(2,m)\nassert m.call_count==2\nm.assert_called_with(1)",
        "",
        "f",
        True,
    ),
    (
        "def f(x,t): return isinstance(x,t)",
        "assert f(1,int) and not f('a',int) and f(True,(int,str))\nclass Q: pass\nassert f(Q(),Q)",
        "",
        "f",
        True,
    ),
    (
        "class A:\n    def __init__(s,v): s.v=v\ndef f(a): return a.v",
        "assert f(A(3))==3 and f(f(A(A(2)))) == 2",
        "",
        "f",
        True,
    ),
    (
        "def f(x):\n    d=0\n    while x:\n        x=x[0];d+=1\n    return d",
        "a=[]\nfor _ in range(120): a=[a]\nassert f(a)==120",
        "",
        "f",
        True,
    ),
    (
        "def f(d): return {k:v() for k,v in d.items()}",
        "assert f({'a':list,'b':lambda:3})=={'a':[],'b':3}",
        "",
        "f",
        True,
    ),
    ("def f(*a,**k): return a,k", "assert f(1,*[2],x=3)==((1,2),{'x':3})", "", "f", True),
    ("def f(fn,n): return 1 if n==0 else n*fn(fn,n-1)", "assert f(lambda s,n: f(s,n),5)==120", "", "f", True),
    ("def f(c): return c.RED.value", "from enum import Enum\nclass C(Enum):\n    RED=4\nassert f(C)==4", "", "f", True),
    ("def f(c): return c", "from enum import Enum\nclass C(Enum):\n    RED=4\nassert f(C.RED) is C.RED", "", "f", True),
    (
        "def f(p): return p.x+p[1]",
        "from collections import namedtuple\nP=namedtuple('P','x y')\nassert f(P(1,2))==3",
        "",
        "f",
        True,
    ),
    (
        "from dataclasses import dataclass\ndef f(p): return p.x",
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    x:int\nassert f(P(4))==4",
        "",
        "f",
        True,
    ),
    (
        "def f(x):\n    n = sum(1 for _ in x)\n    x.close()\n    return n",
        "import io\nx = io.BytesIO(b'a\\nb')\nx.seek(1)\nassert f(x) == 2 and x.closed",
        "",
        "f",
        True,
    ),
    (
        "import csv\ndef f(rows, out): csv.writer(out).writerows(rows)",
        "import io\nout = io.StringIO(newline='')\nf([[1, 'a,b']], out)\nassert out.getvalue() == '1,\"a,b\"\\r\\n'",
        "",
        "f",
        True,
    ),
    (
        "def f(x):\n    x.write('a')\n    return x.tag",
        "import io\nclass X(io.StringIO):\n    tag = 5\nx = X()\nassert f(x) == 5 and x.getvalue() == 'a'",
        "",
        "f",
        True,
    ),
    (
        "import io\nclass Log(io.StringIO):\n    def say(self, text):\n        self.write(text + ';')\n        return self\n"
        "def f(): return Log()",
        "import io\nx = f()\nassert x.say('a') is x and x.say('b').getvalue() == 'a;b;' and isinstance(x, io.StringIO)",
        "",
        "f",
        True,
    ),
    (
        "def f(m): return str(int(m.group()) * 2)",
        "import re\nassert re.sub(r'(?<=a)\\d+|x', f, 'a12') == 'a24' and f(re.fullmatch('a|1', '1')) == '2'",
        "",
        "f",
        True,
    ),
    (
        "import threading\ndef f(gs):\n    out = [None] * len(gs)\n    def run(i): out[i] = gs[i](i)\n"
        "    ts = [threading.Thread(target=run, args=(i,)) for i in range(len(gs))]\n    for t in ts: t.start()\n"
        "    for t in ts: t.join()\n    return out\ndef h(x): return x * x",
        "assert f([lambda i: h(i)] * 8) == [h(i) for i in range(8)]\n"
        "assert f([lambda i: f([lambda j: h(j)] * 3)] * 4) == [[0, 1, 4]] * 4",
        "",
        "f",
        True,
    ),
    (
        "def f(n, g): return 0 if n == 0 else 1 + g(n - 1)",
        "def g(n): return f(n, g)\nassert g(300) == 300\ntry: g(10**9)\nexcept RecursionError: pass\nelse: assert False",
        "",
        "f",
        True,
    ),
    (
        "def f(g):\n    try: return g()\n    except RecursionError: return 'deep'",
        "def g(): return f(g)\nassert f(g) == 'deep'",
        "",
        "f",
        True,
    ),
    (
        "import threading\ndef f(g):\n    o=[]\n    t=threading.Thread(target=lambda:o.append(g(2)))\n    t.start();t.join()\n    return o",
        "assert f(lambda x:x*2)==[4]",
        "",
        "f",
        True,
    ),
    (
        "from concurrent.futures import ThreadPoolExecutor\ndef f(g,xs):\n    with ThreadPoolExecutor(2) as e: return list(e.map(g,xs))",
        "assert f(lambda x:x+1,range(20))==list(range(1,21))",
        "",
        "f",
        True,
    ),
    (
        "class B:\n    def __init__(s): s.h={}\n    def on(s,e,c): s.h.setdefault(e,[]).append(c)\n    def emit(s,e,*a):\n        for c in s.h.get(e,[]): c(*a)",
        "b=B()\nlog=[]\nb.on('x',log.append)\nb.on('x',lambda v: log.append(v*2))\nb.emit('x',3)\nassert log==[3,6]",
        "",
        "B",
        True,
    ),
    (
        "class Tree:\n    def __init__(s): s.r=None\n    def __bool__(s): return True\n    def __repr__(s): return 'T'",
        "assert repr([Tree()])=='[T]' and str({'a':Tree()})==\"{'a': T}\"",
        "",
        "Tree",
        True,
    ),
    ("def f(x): return x.get('a')", "class D(dict): pass\nd=D(a=1)\nassert f(d)==1", "", "f", True),
    (
        "def curry(g, *a):\n    n = g.__code__.co_argcount\n    return g(*a) if len(a) >= n else lambda *b: curry(g, *a, *b)",
        "assert curry(lambda a, b, c: a + b * c)(1)(2)(3) == 7 and curry(lambda x: [x])(4) == [4]",
        "",
        "curry",
        True,
    ),
    (
        "import inspect\ndef f(g): return str(inspect.signature(g)), g.__name__, g.__defaults__, g.__kwdefaults__",
        "def g(a, /, b, c=2, *d, e, h='x', **k): pass\nassert f(g) == (\"(a, /, b, c=2, *d, e, h='x', **k)\", 'g', (2,), {'h': 'x'})\nassert f(lambda *, n: 0)[:2] == ('(*, n)', '<lambda>')",
        "",
        "f",
        True,
    ),
    (
        "def f(g): return g(1, b=2, e=5, z=6), g(1, 2, 3, 4, e=5)",
        "def g(a, /, b, c=9, *d, e, h='x', **k): return a, b, c, d, e, h, k\nassert f(g) == ((1, 2, 9, (), 5, 'x', {'z': 6}), (1, 2, 3, (4,), 5, 'x', {}))",
        "",
        "f",
        True,
    ),
    (
        "def f(g):\n    try: g(1)\n    except TypeError as e: return str(e)",
        "def g(a, b): pass\nassert f(g) == \"g() missing 1 required positional argument: 'b'\"\nassert f(lambda: 0) == '<lambda>() takes 0 positional arguments but 1 was given'",
        "",
        "f",
        True,
    ),
    (
        "def f(g): return g() is g() and g(3)",
        "kept = []\ndef g(a=kept): return a\nassert f(g) == 3 and g() is kept",
        "",
        "f",
        True,
    ),
    (
        "def f(g):\n    notes = g.__annotations__\n    def w(*a):\n        for x, (name, kind) in zip(a, notes.items()):\n            if not isinstance(x, kind): raise TypeError(name)\n        return g(*a)\n    return w",
        "@f\ndef g(a: int, b: str, c: N = None): return b * a\nassert g(2, 'x') == 'xx' and g(2, 'x', N()) == 'xx'\nfor bad, name in (('x', 'y'), 'a'), ((1, 2), 'b'), ((1, 'y', 3), 'c'):\n    try: g(*bad)\n    except TypeError as e: assert str(e) == name\n    else: assert False",
        "class N: pass",
        "f",
        True,
    ),
]
"""Program, test, setup, entry point, and whether the test passes."""


@pytest.mark.parametrize(("code", "test", "setup", "entry_point", "passes"), ROWS)
def test_arguments(
    judge_one: Callable[..., Verdict], code: str, test: str, setup: str, entry_point: str, passes: bool
) -> None:
    verdict = judge_one(code, test, setup=setup, entry_point=entry_point)
    assert verdict.passed is passes, verdict.feedback
