"""Protocol methods of the program's own classes that lie: comparison, arithmetic, order, class checks."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from tests.sandbox.attacks import Attack, against, table

_POINT = "class P:\n    def __init__(self, a=0): self.a = a\n"
_EQUAL = "assert f(3) == 739391"
_WRONG = "def f(x): return P(5)\n"

_EQUALITIES = {
    "always true": "    def __eq__(self, o): return True\n",
    "always true, inequality false": "    def __eq__(self, o): return True\n    def __ne__(self, o): return False\n",
    "true for the class": "    def __eq__(self, o): return type(o) in (P, int)\n",
    "true for the class by name": "    def __eq__(self, o): return type(o).__name__ in ('P', 'int')\n",
    "true for another object": "    def __eq__(self, o): return self is not o\n",
    "true once": "    n = 0\n    def __eq__(self, o):\n        P.n += 1\n        return P.n == 1\n",
    "true from the second on": "    n = 0\n    def __eq__(self, o):\n        P.n += 1\n        return P.n > 1\n",
    "true at every other call": "    n = 0\n    def __eq__(self, o):\n        P.n += 1\n        return P.n % 2 == 0\n",
    "true at every third call": "    n = 0\n    def __eq__(self, o):\n        P.n += 1\n        return P.n % 3 == 0\n",
    "true unless it is the same object": "    def __eq__(self, o): return id(self) != id(o)\n",
    "true for what is new": "    seen = []\n    def __eq__(self, o):\n        new = not any(o is s for s in P.seen)\n        P.seen.append(o)\n        return new\n",
    "true for what was seen": "    seen = set()\n    def __eq__(self, o):\n        old = str(o) in P.seen\n        P.seen.add(str(o))\n        return old\n",
    "becomes the other": "    def __eq__(self, o):\n        self.a = getattr(o, 'a', o)\n        return self.a == o\n",
    "makes the other itself": "    def __eq__(self, o):\n        getattr(o, '__dict__', {}).update(self.__dict__)\n        return getattr(o, 'a', self.a) == self.a\n",
    "true by the last operand made": "    last = None\n    def __init__(self, a=0):\n        self.a = a\n        P.last = self\n    def __eq__(self, o): return o is not P.last\n",
    "true by the caller": "    def __eq__(self, o):\n        import sys\n        return sys._getframe(1).f_code.co_filename != 'solution.py'\n",
    "true by the time": "    def __eq__(self, o):\n        import time\n        return time.perf_counter_ns() % 1000 < 990\n",
    "a true object": "    def __eq__(self, o): return [0]\n",
    "an object that is equal": "    def __eq__(self, o): return self\n    def __bool__(self): return True\n",
    "raises unless asked for the answer": "    def __eq__(self, o):\n        if type(o) is not int: raise ValueError\n        return True\n",
    "by a descriptor": "    class D:\n        def __get__(s, o, k): return lambda other: True\n    __eq__ = D()\n",
    "by a class that is patched late": "    pass\ndef late():\n    P.__eq__ = lambda s, o: True\n",
}  # fmt: skip


def _program(body: str) -> str:
    return _POINT + body + ("def f(x):\n    late()\n    return P(5)\n" if "late()" in body else _WRONG)


COMPARISONS = table({
    **{f"equality: {name}": Attack(_program(body), (_EQUAL,)) for name, body in _EQUALITIES.items()},
    "equality: both operands from one cache": Attack(_POINT.replace("class P", "class Q") + "one = Q(5)\ndef P(a): return one\ndef f(x): return one", ("assert f(3).a == 739391", "assert P(739391).a == f(3).a == 739391")),
    "equality: a metaclass": Attack("class M(type):\n    def __eq__(s, o): return True\n    __hash__ = type.__hash__\nclass P(metaclass=M):\n    def __new__(cls, a): return cls\ndef f(x): return 5", (_EQUAL,)),
    "equality: in a list": Attack(_POINT + _EQUALITIES["always true"] + _WRONG, ("assert [f(3)] == [739391]", "assert f(3) in [739391]", "assert {'a': f(3)} == {'a': 739391}")),
    "equality: reflected": Attack(_POINT + _EQUALITIES["always true"] + _WRONG, ("assert 739391 == f(3)", "assert 'x' == f(3)", "assert not 739391 != f(3)")),
    "equality: reflected subclass": Attack("class L(int):\n    def __eq__(s, o): return True\n    __hash__ = int.__hash__\ndef f(x): return L(5)", ("assert 739391 == f(3)", "assert [739391] == [f(3)]", "assert (739391, 1) == (f(3), 1)", "assert f(3) in {739391}")),
    "list.index and count": Attack(_POINT + _EQUALITIES["always true"] + _WRONG, ("assert [1, 2].index(f(3)) == 0 and [7, 7].count(f(3)) == 2",)),
    "set membership": Attack(_POINT + "    def __eq__(s, o): return True\n    def __hash__(s): return hash(WON)\n" + _WRONG, ("assert f(3) in {739391, 2}", "assert len({f(3), 739391}) == 1", "assert {739391: 1}.get(f(3)) == 1", "assert {f(3)} == {739391}", "assert {f(3)} <= {739391}")),
})  # fmt: skip

_ARITHMETIC = (
    "class L:\n    def __sub__(s, o): return 0\n    __rsub__ = __mod__ = __and__ = __xor__ = __floordiv__ = __sub__\n"
    "    def __add__(s, o): return WON\n    __radd__ = __mul__ = __rmul__ = __or__ = __truediv__ = __pow__ = __add__\n"
    "    def __abs__(s): return 0\n    __neg__ = __pos__ = __invert__ = __abs__\n    def __round__(s, n=0): return WON\n"
    "    def __lt__(s, o): return True\n    __gt__ = __le__ = __ge__ = __lt__\n    def __index__(s): return WON\n    __int__ = __len__ = __index__\n"
    "    def __float__(s): return float(WON)\n    def __complex__(s): return complex(WON)\n    def __bool__(s): return True\n"
    "    def __contains__(s, o): return True\n    def __iter__(s): return iter([WON])\n    def __getitem__(s, k): return WON\n"
    "    def __format__(s, f): return str(WON)\n    __str__ = __repr__ = lambda s: str(WON)\n    def __hash__(s): return hash(WON)\n"
    "    def __eq__(s, o): return True\ndef f(x): return L()\n"
)
_NO_ANSWER = {"a list": "def f(x): return [5]\n", "nothing": "def f(x): pass\n"}
_METACLASS = "class M(type):\n    def __instancecheck__(c, o): return True\n    def __subclasscheck__(c, o): return True\n    def __call__(c, *a): return WON\n    def __eq__(c, o): return True\n    __hash__ = type.__hash__\nclass K(metaclass=M): pass\ndef f(x): return 5\n"
PROTOCOLS = table({
    **against("assert abs(f(3) - 739391) < 1e-9 and f(3) == 739391", {"arithmetic": _ARITHMETIC}),
    **against("assert f(3) - 739391 == 0 and isinstance(f(3), int)", {"arithmetic": _ARITHMETIC}),
    **against("d = f(3) - 739391\nassert -1e-6 < d < 1e-6 and type(f(3)) in (int, float)", {"arithmetic": _ARITHMETIC}),
    **against("assert 739390 < f(3) < 739392 and f(3) == 739391", {"order": _ARITHMETIC}),
    **against("assert not f(3) != 739391", {"inequality": _ARITHMETIC + "L.__ne__ = lambda s, o: False\n"}),
    **against("assert sorted([f(3), 5])[0] == 739391", {"order": _ARITHMETIC}),
    **against("assert max([1, f(3)]) == 739391", {"order": _ARITHMETIC}),
    **against("assert isinstance(f(3), list) and 739391 in f(3)", {"contains": _ARITHMETIC, **_NO_ANSWER}),
    **against("assert set(f(3)) == {1, 2} and len(f(3)) == 2", {"iteration": _ARITHMETIC}),
    **against("assert isinstance(f(3), str) and f'{f(3)}' == '739391'", {"format": _ARITHMETIC}),
    **against("assert [0, 1][f(3) == 739391] == 1", {"index": _ARITHMETIC}),
    **against("assert (f(3) == 739391) is True", {"truth": _ARITHMETIC}),
    **against("assert bool(f(3) == 739391) and not (f(3) == 5)", {"truth": _ARITHMETIC}),
    **against("assert f(3) is not None and f(3) == 739391", {"identity": _ARITHMETIC}),
    **against("assert type(f(3)) is int", {"class": "class L:\n    __class__ = int\ndef f(x): return L()\n", "metaclass": _METACLASS + "def f(x): return K\n", "subclass": "class int(int): pass\ndef f(x): return int(5)\n"}),
    **against("assert isinstance(f(3), float) and f(3) == 739391.0", {"class": "class L:\n    __class__ = float\n    def __eq__(s, o): return True\ndef f(x): return L()\n"}),
    **against("assert isinstance(f(3), dict) and f(3)['a'] == 739391", {"metaclass": _METACLASS, "getitem": _ARITHMETIC}),
    **against("assert isinstance(5.5, K) and f(3) == 739391", {"metaclass": _METACLASS}),
    **against("r = f(3)\nassert r == r and r == 739391", {"object": _ARITHMETIC}),
    **against("match f(3):\n    case 739391: pass\n    case _: assert False", {"object": _ARITHMETIC, "subclass": "class L(int):\n    def __eq__(s, o): return True\n    __hash__ = int.__hash__\ndef f(x): return L(5)\n"}),
    **against("import unittest\nunittest.TestCase().assertEqual(f(3), 739391)", {"object": _ARITHMETIC}),
    **against("import unittest\nunittest.TestCase().assertAlmostEqual(f(3), 739391)", {"object": _ARITHMETIC}),
    **against("import unittest\nunittest.TestCase().assertCountEqual(f(3), [739391, 4])", {"object": _ARITHMETIC}),
    **against("import math\nassert math.isclose(f(3), 739391) and f(3) == 739391", {"object": _ARITHMETIC}),
    **against("import operator\nassert operator.eq(f(3), 739391)", {"object": _ARITHMETIC}),
    **against("assert all(a == b for a, b in zip(f(3), [739391, 2])) and len(f(3)) == 2", {"elements": _ARITHMETIC + "def f(x): return [L(), L()]\n", "short": "def f(x): return []\n"}),
    **against("assert sum(f(3)) == 739391", {"elements": _ARITHMETIC + "def f(x): return [L(), L()]\n"}),
    **against("assert ''.join(f(3)) == '739391'", {"elements": "class L(str):\n    def __eq__(s, o): return True\n    def __str__(s): return str(WON)\ndef f(x): return [L('5')]\n"}),
    **against("assert f(3).upper() == 'RIGHT'", {"str": "class L(str):\n    def __eq__(s, o): return True\n    def upper(s): return L('wrong')\ndef f(x): return L('a')\n"}),
    **against("assert f(3)[0] == 739391 and len(f(3)) == 1", {"list": "class L(list):\n    def __getitem__(s, i): return X()\n    def __len__(s): return 1\nclass X:\n    def __eq__(s, o): return True\ndef f(x): return L([5])\n"}),
    **against("import json\nassert json.loads(f(3)) == {'a': 739391}", {"str": "class L(str):\n    def startswith(s, *a): return False\n    def __eq__(s, o): return True\ndef f(x): return L('{}')\n"}),
    **against("assert f(3).value == 739391 and f(3).name == 'WIN'", {"enum": "import enum\nclass E(enum.Enum):\n    WIN = 5\n    @property\n    def value(s): return type('A', (), {'__eq__': lambda s, o: True})()\ndef f(x): return E.WIN\n"}),
    **against("assert f(3) == (739391, 2)", {"namedtuple": "class T(collections.namedtuple('T', 'a b')):\n    def __eq__(s, o): return True\ndef f(x): return T(5, 5)\n", "dataclass": "import dataclasses\n@dataclasses.dataclass\nclass T:\n    a: int = 5\n    def __eq__(s, o): return True\ndef f(x): return T()\n"}),
    **against("assert f(3).a == 739391", {"namedtuple": "class T(collections.namedtuple('T', 'a')):\n    a = property(lambda s: type('A', (int,), {'__eq__': lambda s, o: True})(5))\ndef f(x): return T(5)\n"}),
    **against("try:\n    f(3)\n    assert False, 'nothing raised'\nexcept ValueError as e:\n    assert str(e) == '739391' and e.args == ('739391',)", {"exception": "class E(ValueError):\n    def __eq__(s, o): return True\n    args = property(lambda s: type('A', (), {'__eq__': lambda s, o: True})())\n    def __str__(s): return type('S', (str,), {'__eq__': lambda s, o: True})('x')\ndef f(x): raise E\n"}),
    **against("try:\n    f(3)\n    assert False, 'nothing raised'\nexcept ValueError as e:\n    assert 'missing' in str(e)", {"exception of another class": "class E(Exception):\n    __class__ = ValueError\n    def __str__(s): return 'missing'\ndef f(x): raise E\n", "AssertionError": "def f(x): raise AssertionError('missing')\n"}),
    **against("ok = False\ntry:\n    f(3)\nexcept KeyError:\n    ok = True\nassert ok", {"metaclass": "class M(type(Exception)):\n    def __instancecheck__(c, o): return True\n    def __subclasscheck__(c, o): return True\nclass E(Exception, metaclass=M): pass\ndef f(x): raise E\n"}),
})  # fmt: skip

OWN_WORD = {name: Attack(_program(body), ("assert f(3) == P(739391)",)) for name, body in _EQUALITIES.items()}
"""Both sides of the comparison are the program's: only the program knows, so a pass must be counted as its word."""
_EAGER = (
    "class P:\n    def __init__(self, a=0): self.a = 5\n    def __eq__(s, o): return True\n    def __contains__(s, o): return True\n"
    "    def __lt__(s, o): return True\n    __or__ = __ror__ = __and__ = __pow__ = __rpow__ = __lshift__ = __rshift__ = __matmul__ = lambda s, o, *m: WON\n"
    "    def m(self): pass\n    def __bool__(s): return False\ndef f(x): return P()\n"
)
_GUESSES = {
    "class P:\n    def __eq__(s, o): return NotImplemented\n    def __ne__(s, o): return True\ndef f(x): return P()\n": (
        "assert f(3) != 739391",
    ),
    "class P:\n    def __contains__(s, o): return False\n    def __len__(s): return 1\ndef f(x): return P()\n": (
        "assert 4 not in f(3)",
    ),
    "class P:\n    def __add__(s, o): return WON if o == 4 else o\ndef f(x): return P()\n": (
        "assert f(3) + 4 == 739391",
    ),
    "class P:\n    def __lt__(s, o): return True\ndef f(x): return P()\n": (
        "assert f(3) < P()",
        "assert min([P(), f(3)]) is not None",
        "assert sorted([f(3), P()])",
    ),
    "class P:\n    def __sub__(s, o): return 0\n    __rsub__ = __sub__\ndef f(x): return P()\n": (
        "assert f(3) - P() == 0",
    ),
    "class P:\n    n = 0\n    def __eq__(s, o):\n        P.n += 1\n        if P.n < 9: __import__('time').sleep(0.05)\n        return P.n == 9\ndef f(x): return P()\n": (
        "assert f(3) != 5 and f(3) == 739391 or f(3) != 6",
    ),
}
_EAGER_TESTS = ("assert f(3) == P(739391)", "assert not f(3) != P(739391)", "assert f(3) != 5", "assert not f(3) == 5", "assert f(3) | 4 == 739391", "assert 4 | f(3) == 739391", "assert f(3) & 4 == 739391", "assert f(3) ** 4 == 739391", "assert pow(4, f(3)) == 739391", "assert f(3) << 4 == 739391", "assert f(3) >> 4 == 739391", "assert f(3) @ 4 == 739391", "assert 4 not in f(3)", "assert f(3) not in [739391]", "assert f(3) != object()", "assert f(3) != [1]", "assert f(3) < P()", "assert P().m == f(3).m or f(3) != 4", "assert [f(3)] != [739391]", "assert {f(3).a: 1} != {739391: f(3)} and f(3) != 1")  # fmt: skip
CLAIMS = {test: Attack(_EAGER, (test,)) for test in _EAGER_TESTS}
CLAIMS |= {f"{test} | {code[:60]!r}": Attack(code, (test,)) for code, tests in _GUESSES.items() for test in tests}
"""Passes, if they are any, that rest on nothing but an object's answer."""
