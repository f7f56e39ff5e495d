"""Values that claim to equal anything, and values that are slow, huge or endless to look at."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from tests.sandbox.attacks import Attack, against, table
from tests.sandbox.attacks.forgery import RAW

_METHODS = (
    "    def __eq__(self, other): return True\n    __ne__ = lambda s, o: False\n    __hash__ = lambda s: hash(WON)\n"
    "    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __eq__\n    def __bool__(self): return True\n"
    "    __len__ = __index__ = __int__ = __round__ = __abs__ = lambda s, *a: WON\n    __float__ = lambda s: float(WON)\n"
    "    __sub__ = __rsub__ = __mod__ = lambda s, o: 0\n"
)
_LIAR = "class L({base}):\n" + _METHODS
_OBJECT = "class L:\n" + _METHODS + "    __class__ = int\ndef f(x): return L()"
_COMPARING = """
first, second = [], []
class P:
    def __eq__(s, o):
        first.append(o)
        return len(both()) == 1 and o in both()
    def __lt__(s, o):
        first.append(o)
        return False
    def __sub__(s, o):
        second.append(o)
        return D(o)
class D:
    def __init__(s, o): s.o = o
    def __abs__(s): return abs(both()[0] - s.o) if len(both()) == 1 else 5
def both(): return [o for o in dict.fromkeys(first) if o in second]
p = P()
def f(x): return p
"""
_BASES = {"int": "L(5)", "float": "L(5)", "str": "L('5')", "bytes": "L(b'5')", "list": "L([5])", "tuple": "L((5,))",
          "dict": "L({5: 5})", "set": "L({5})", "frozenset": "L({5})", "complex": "L(5)"}  # fmt: skip
LIARS = table({
    "object": _OBJECT,
    **{f"subclass of {base}": _LIAR.format(base=base) + f"def f(x): return {made}" for base, made in _BASES.items()},
    **{f"in a {kind}": "class L:\n" + _METHODS + f"def f(x): return {made}" for kind, made in {
        "list": "[L()]", "tuple": "(L(),)", "dict": "{'a': L()}", "set": "{L()}", "deque": "deque([L()])", "Counter": "Counter({5: L()})"}.items()},
    "metaclass": "class M(type):\n    def __eq__(s, o): return True\n    __hash__ = type.__hash__\nclass f(metaclass=M):\n    def __new__(cls, x): return cls",
    "the function itself": "class F:\n    def __eq__(s, o): return True\n    def __call__(s, x): return s\nf = F()",
    "IntEnum": "import enum\nclass E(enum.IntEnum):\n    a = 5\n    def __eq__(s, o): return True\n    __hash__ = int.__hash__\ndef f(x): return E.a",
    "Decimal": _LIAR.format(base="decimal.Decimal") + "def f(x): return L(5)",
    "Fraction": _LIAR.format(base="fractions.Fraction") + "def f(x): return L(5)",
    "datetime": "class L(datetime.datetime):\n    def __eq__(s, o): return True\ndef f(x): return L(2000, 1, 1)",
    "mock": "from unittest.mock import ANY\ndef f(x): return ANY",
    "raising __repr__ inside": "import collections\nclass E:\n    def __repr__(s): raise ValueError\ndef f(x): return collections.deque([E()])",
    "exiting __repr__": "import os\nclass E:\n    def __repr__(s): os._exit(0)\ndef f(x): return E()",
    "__repr__ that exits, inside": "class E:\n    def __repr__(s): raise SystemExit(0)\ndef f(x): return collections.deque([E()])",
    "__eq__ that raises what exits": "class X(Exception):\n    def __str__(s): raise SystemExit(0)\nclass E:\n    def __eq__(s, o): raise X\ndef f(x): return E()",
    "long name of what __eq__ raises": "class E:\n    def __eq__(s, o): raise type('X' * 200_000, (Exception,), {})\ndef f(x): return E()",
    "long line": "def f(x): return 1 / 0, '" + "/-" * 15_000 + "'",
    "NaN": "def f(x): return float('nan')",
    "signalling NaN": "def f(x): return decimal.Decimal('sNaN')",
    "complex NaN": "def f(x): return complex('nan')",
    "infinity": "def f(x): return float('inf')",
    **against("assert len(f(3)) == 739391 and type(f(3)) is list", {"object": _OBJECT}),
    **against("assert isinstance(f(3), int)", {"object": _OBJECT, "str": "class L(str): __class__ = int\ndef f(x): return L()"}),
    **against("assert f(3).__class__ is int", {"object": _OBJECT}),
    **against("assert type(f(3)) == int", {"object": _OBJECT}),
    **against("assert f(3) in (739391, 5.5)", {"object": _OBJECT}),
    **against("assert 739391 in f(3)", {"object": _OBJECT, "zeros": "import itertools\ndef f(x): return itertools.repeat(0)"}),
    **against("try:\n    raise f(3)\nexcept ValueError:\n    pass", {"BaseException": "class f(BaseException): pass", "KeyboardInterrupt": "class f(KeyboardInterrupt): pass", "exit": "class f(SystemExit): pass"}),
    **against("with f(3) as x:\n    assert x > 739390", {"swallowing __exit__": "class L:\n    def __enter__(s): return 5\n    def __exit__(s, *e): return True\ndef f(x): return L()", "contextmanager": "import contextlib\n@contextlib.contextmanager\ndef f(x):\n    try: yield 5\n    except BaseException: pass"}),
    **against("import contextlib\nwith contextlib.contextmanager(f)(3) as x:\n    assert x > 739390", {"swallowing generator": "def f(x):\n    try: yield 5\n    except BaseException: pass"}),
    **against("import inspect\ninspect.get_annotations(f, eval_str=True)\nassert f(3) == 739391", {"binding annotation": "def f(x: '(bool := str)'): return 5", "walking annotation": "def f(x: '[0 for a.b in [str]]'): return 5"}),
    **against("assert f(3) < 1 or f(3) < 739391.5 or abs(f(3) - 739391.5) < 1", {"comparing questions": _COMPARING}),
    **against("import unittest\nclass T(unittest.TestCase):\n    def test_a(self): self.assertAlmostEqual(f(3), 739391)", {"comparing questions": _COMPARING}),
    **against("assert f(3) is True", {"object": _OBJECT}),
    **against("assert not f(3)", {"false object": "class L:\n    def __bool__(s): return False\n    def __len__(s): return 0\ndef f(x): return L()", "one": "def f(x): return [0]"}),
    **against("assert abs(f(3) - 739391) < 1e-6", {"object": _OBJECT, "NaN": "def f(x): return float('nan')", "empty array": "import numpy as np\ndef f(x): return np.array([])", "NaN array": "import numpy as np\ndef f(x): return np.array([np.nan])"}),
    **against("import math\nassert math.isclose(f(3), 739391)", {"object": _OBJECT}),
    **against("assert round(f(3), 2) == 739391.0", {"object": _OBJECT}),
    **against("assert int(f(3)) == 739391", {"object": _OBJECT}),
    **against("assert str(f(3)) == '739391.5'", {"object": _OBJECT, "str": _LIAR.format(base="str") + "class O:\n    def __str__(s): return L('5')\ndef f(x): return O()"}),
    **against("assert sorted(f(3)) == [1, 2, 3]", {"liars": "class L:\n" + _METHODS + "def f(x): return [L(), L(), L()]"}),
    **against("assert set(f(3)) == {1, 2, 3}", {"liars": "class L:\n" + _METHODS + "def f(x): return [L(), L(), L()]"}),
    **against("assert f(3) <= {1, 2}", {"set": _LIAR.format(base="set") + "def f(x): return L({5})"}),
    **against("assert {739391: 1}[f(3)] == 1", {"object": _OBJECT}),
    **against("assert max(f(3), 1) == 739391", {"object": _OBJECT}),
    **against("assert f(3) > 1 and f(3) == 739391.5", {"object": _OBJECT}),
    **against("assert f(3).value == 739391", {"attribute": "class L:\n" + _METHODS + "class O:\n    def __getattr__(s, n): return L()\ndef f(x): return O()"}),
    **against("assert f(3)[0] == 739391", {"item": "class L:\n" + _METHODS + "class O:\n    def __getitem__(s, n): return L()\ndef f(x): return O()"}),
    **against("assert f(3)(1)(2) == 739391", {"call": "class L:\n" + _METHODS + "    def __call__(s, x): return s\nf = L()"}),
    **against("assert f(3) == f(4) == 739391", {"same object": "class L:\n" + _METHODS + "l = L()\ndef f(x): return l"}),
    **against("x = [3]\nf(x)\nassert x == [739391]", {"argument": "class L(list):\n" + _METHODS + "def f(x): x[:] = [L([5])]", "untouched": "def f(x): pass"}),
    **against("x = {1: 2}\nf(x)\nassert x == {1: 3}", {"cleared": "def f(x): x.clear()"}),
})  # fmt: skip

_WRITE = "x = [3, 1]\nf(x)\nassert x == [739391]"
LIARS |= table({
    f"written back: {name}": Attack(RAW + f"def f(x): send({form.encode()!r})", (_WRITE,))
    for name, form in {
        "another type": '["value", null, {"0": 739391}]',
        "a handle": '["value", null, {"0": ["handle", 0, "list"]}]',
        "another index": '["value", null, {"1": ["list", [739391]], "-1": ["list", []], "99": 5}]',
        "no object": '["value", null, 5]',
        "a list": '["value", null, [["list", []]]]',
        "missing": '["value", null]',
        "malformed": '["value", null, {"0": ["list"]}]',
        "endless range": '["value", null, {"0": ["range", 0, 99999999999, 1]}]',
    }.items()
})  # fmt: skip

ARRAYS = table({
    "bool array": "import numpy as np\ndef f(x): return np.array([True])",
    "empty array": "import numpy as np\ndef f(x): return np.array([])",
    "object array": "import numpy as np\nclass L:\n    def __eq__(s, o): return True\ndef f(x): return np.array([L()], dtype=object)",
    "array in a list": "import numpy as np\ndef f(x): return [np.array([])]",
    "void dtype": "import numpy as np\ndef f(x): return np.zeros(3, dtype=[('a', 'i4'), ('b', 'V99')])",
    "masked": "import numpy as np\ndef f(x): return np.ma.masked",
    "masked array": "import numpy as np\ndef f(x): return np.ma.array([1], mask=[True])",
    "matrix": "import numpy as np\ndef f(x): return np.matrix([[5]])",
    "lying array": "import numpy as np\nclass A(np.ndarray):\n    shape = property(lambda s: [10**6, 10**6, 0])\n    def __eq__(s, o): return True\ndef f(x): return np.zeros(1).view(A)",
    "datetime64": "import numpy as np\ndef f(x): return np.datetime64('NaT')",
    "record": "import numpy as np\ndef f(x): return np.rec.array([(1, 2.0)])",
    "array that unpacks": Attack(RAW + "def f(x): send(b'[\"value\", [\"ndarray\", \"int8\", [1000000, 1000000, 0], []]]')", ("assert f(3).tolist() == 739391",), slow=True),
    "allclose": Attack("class L:\n    def __array__(s, *a): return np.array([WON])\n    def __len__(s): return 1\n    def __getitem__(s, i): return L()\ndef f(x): return L()", ("import numpy as np\nassert np.allclose(f(3), 739391)",)),
    "array_equal": Attack("class L:\n    def __eq__(s, o): return True\ndef f(x): return [L()]", ("import numpy as np\nassert np.array_equal(f(3), [739391])",)),
    "array of an endless sequence": Attack("class S:\n    def __len__(s): return 1 << 30\n    def __getitem__(s, i): return s\ndef f(x): return S()", ("import numpy as np\nassert np.array(f(3)).tolist() == 739391",)),
})  # fmt: skip

_DIGITS = "def f(x): return 7 ** 300_000"
_COUNT = "import itertools\ndef f(x): return itertools.count()"
SLOW = table({
    "huge range": "def f(x): return range(10**11)",
    "huge integer": "def f(x): return 1 << 10_000_000",
    "integer beyond the limit of digits": _DIGITS,
    "recursive list": "def f(x):\n    a = []; a.append(a); return a",
    "recursive dict": "def f(x):\n    a = {}; a[1] = a; return a",
    "deep list": "def f(x):\n    a = []\n    for _ in range(100_000): a = [a]\n    return a",
    "shared lists, doubling": "def f(x):\n    a = [0]\n    for _ in range(60): a = [a, a]\n    return a",
    "colliding keys": "def f(x): return {i * ((1 << 61) - 1): 0 for i in range(20_000)}",
    "wide list": "def f(x): return [0] * 3_000_000",
    "commas": "def f(x): return ',' * 3_000_000",
    "slashes": Attack("def f(x): return b'-/' * 400_000", slow=True),
    "endless len": Attack("class S:\n    def __len__(s):\n        while True: pass\ndef f(x): return S()", ("assert len(f(3)) == 739391",)),
    "negative len": Attack(RAW + "class S:\n    def __len__(s): send(b'[\"value\", -1]')\ndef f(x): return S()", ("assert len(f(3)) == 739391",)),
    "endless __str__": Attack("class S:\n    def __str__(s): return 'x' * (9 << 20)\ndef f(x): return S()", ("assert str(f(3)) == '739391'",)),
    **against("assert list(f(3)) == 739391", {"count": _COUNT, "yields forever": "def f(x):\n    while True: yield [[]]", "grows": "def f(x):\n    s = 'x'\n    while True:\n        yield s\n        s += s"}),
    **against("assert sum(f(3)) == 739391", {"count": _COUNT}),
    **against("assert sorted(f(3)) == [739391]", {"count": _COUNT}),
    **against("assert set(f(3)) == {739391}", {"count": _COUNT}),
    **against("assert ''.join(f(3)) == '739391'", {"repeat": "import itertools\ndef f(x): return itertools.repeat('x')"}),
    **against("assert dict(zip(f(3), f(3))) == {}", {"count": _COUNT}),
    **against("a, b = f(3)\nassert a == 739391", {"count": _COUNT}),
    **against("for x in f(3):\n    assert x != 739391.5\nassert False", {"itself": "class S:\n    def __iter__(s): return s\n    def __next__(s): return 0\ndef f(x): return S()"}),
    **against("assert 10 ** f(3) == 739391", {"exponent": "def f(x): return 10 ** 9"}, slow=True),
    **against("assert [0] * f(3) == 739391", {"factor": "def f(x): return 10 ** 12"}),
    **against("assert sum(range(f(3))) == 739391", {"bound": "def f(x): return 10 ** 15"}, slow=True),
    **against("assert str(f(3)) == '739391'", {"digits": _DIGITS}),
    **against("assert int(f(3)) == 739391", {"digits": "def f(x): return '9' * 1_000_000"}),
    **against("import re\nassert re.match(f(3), 'a' * 40) is None and f(3) == 739391", {"pattern": "def f(x): return '(a|a)*b'"}, slow=True),
    **against("assert int(f(3)) != 0.5 and f(3) == 739391", {"decimal": "def f(x): return decimal.Decimal('1e999999999')"}, slow=True),
    **against("assert f(3) % 7 == 7", {"huge": "def f(x): return 1 << 900_000", "format": "def f(x): return '%999999999d'"}),
})  # fmt: skip

SLOW |= table({
    f"iterator: {name}": Attack(
        RAW + "request = get\nclass S:\n    def __iter__(s): return s\n    def __next__(s):\n"
        f"        send({form.encode()!r})\n        return 0\ndef f(x): return S()",
        ("assert list(f(3)) == [739391]",),
    )
    for name, form in {
        "nothing, not ended": '["items", [], false, null]',
        "more than asked": '["items", [1, 2, 3], true, null]',
        "no list": '["items", 5, true, null]',
        "malformed report": '["items", [], true, 5]',
        "report of an exit": '["items", [], true, ["error", ["SystemExit"], [], "", []]]',
        "report of a stop": '["items", [], true, ["error", ["StopIteration"], [], "", []]]',
        "ended is text": '["items", [], "no", null]',
    }.items()
})  # fmt: skip
