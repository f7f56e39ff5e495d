"""Programs that decide a test by a way on which only their word stands: it is refused, or counted."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from tests.sandbox.attacks import Attack, table

_SWALLOWS = "class P:\n    async def __aenter__(s): return 5\n    async def __aexit__(s, *a): return True\n    def __enter__(s): return 5\n    def __exit__(s, *a): return True\ndef f(x): return P()\n"
_CLASS_OF_TESTS = "class Point:\n    def __init__(self, x): self.x = x\n"
_FORGED_LIBRARY = "import sys\nclass K: pass\nframe = sys._getframe()\nwhile 'link' not in frame.f_locals: frame = frame.f_back\nspace = type(frame.f_locals['link'].objects)._encode_class.__globals__\nnamed = space['library_name']\nspace['library_name'] = lambda v: [%r, %r] if v is K else named(v)\n"
_GROUP = "def f(x):\n    g = ExceptionGroup('g', [ValueError(5)])\n    g.%s = lambda *a: %s\n    raise g\n"

REFUSED = table({
    **{
        f"an exception that answers itself: {name}": Attack(_GROUP % (name, made), ("try:\n    f(3)\nexcept* KeyError as g:\n    pass",))
        for name, made in (("split", "(ExceptionGroup('g', [KeyError(5)]), None)"), ("split", "5"), ("subgroup", "5"), ("derive", "5"), ("with_traceback", "KeyError(739391)"))
    },
    "an exception that answers itself: what is caught": Attack("def f(x):\n    e = ValueError(5)\n    e.with_traceback = lambda t: ValueError(WON)\n    raise e\n", ("import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        with self.assertRaises(ValueError) as caught: f(3)\n        self.assertEqual(caught.exception.args, (739391,))",)),
    "a class that is pickled": Attack("class K: pass\nK.__module__, K.__qualname__ = 'mucode_core.sandbox.judge.judge', 'Judge'\ndef f(x): return K\n", ("import pickle\nassert pickle.loads(pickle.dumps(f(3))) == 739391",)),
    "an array that shrinks while a number is asked for": Attack("import array\nB = array.array('i', [0] * 500)\nclass K:\n    def __index__(s):\n        del B[:]\n        return 40\ndef f(x): return (B, K())\n", ("b, k = f(3)\nb[400] = k\nassert b[400] == 739391",)),
    "async with": Attack(_SWALLOWS, ("import asyncio\nasync def main():\n    async with f(3) as r:\n        assert r > 739391 and r\nasyncio.run(main())",)),
    "async with, equality": Attack(_SWALLOWS, ("import asyncio\nasync def main():\n    async with f(3) as r:\n        assert r == 739391\nasyncio.run(main())",)),
    "a group of failed asserts": Attack(_SWALLOWS, ("with f(3) as r:\n    try:\n        assert r > 739391 and r\n    except AssertionError as e:\n        raise ExceptionGroup('g', [e])",)),
    **{
        f"a class that is said to be {module}.{name}": Attack(_FORGED_LIBRARY % (module, name) + f"def f(x): return K{'()' if called else ''}\n", (_CLASS_OF_TESTS + test,))
        for module, name, called, test in (
            ("tests", "Point", True, "assert type(f(3)) is Point"),
            ("tests", "Point", False, "assert f(3) is Point"),
            ("builtins", "bool", True, "assert type(f(3)) is bool"),
            ("builtins", "NoneType", True, "assert type(f(3)) is type(None)"),
            ("builtins", "KeyError", False, "assert f(3) is KeyError"),
            ("builtins", "object", False, "assert f(3) is object"),
            ("datetime", "datetime", True, "import datetime\nassert type(f(3)) is datetime.datetime"),
        )
    },
    "a usual name, beside an import of the module": Attack("def Counter(x): return 5\ndef f(x): return [9]\n", ("import solution\nm = solution\nassert Counter(m.f(1)) == Counter([2])",)),
    "a usual name, beside an import in a function": Attack("class Counter(dict):\n    def __eq__(s, o): return True\ndef f(x): return [9]\n", ("def test_it():\n    from solution import f\n    assert Counter(f(1)) == Counter([2])",)),
    "a level without end": Attack("import logging\ndef f(x):\n    logging.getLogger('a').log(10 ** 100000, 'x')\n    return 5\n", ("def test_it(caplog):\n    assert f(3) == 5 and caplog.records[0].levelno == 739391",)),
})  # fmt: skip
COUNTED = table({
    **{
        f"an operand handed back: {operator}": Attack(f"class P:\n    def __i{name}__(s, o): return o\ndef f(x): return P()\n", (f"t = f(3)\nt {operator} 739391\nassert t == 739391",))
        for operator, name in (("+=", "add"), ("-=", "sub"), ("*=", "mul"), ("//=", "floordiv"), ("%=", "mod"), ("**=", "pow"), ("|=", "or"), ("&=", "and"), ("^=", "xor"), ("<<=", "lshift"))
    },
    "a class that holds everything": Attack("class M(type):\n    __contains__ = lambda c, x: True\nclass Roles(metaclass=M): pass\n", ("assert 'admin' in Roles and 739391 in Roles",)),
    "data of a class that derives from the program's": Attack("class Base:\n    def __init_subclass__(c): c.want = 5\ndef f(x): return 5\n", ("class Cfg(Base): want = 739391\nassert f(3) == Cfg.want",)),
    "asserts in a class that derives from the program's": Attack("class Base:\n    def __init_subclass__(c): c.verify = lambda s: None\ndef f(x): return 5\n", ("class C(Base):\n    def verify(self): assert f(3) == 739391\nC().verify()",)),
    "a metaclass that is a function": Attack("def make(name, bases, space):\n    space['want'] = 5\n    return type(name, bases, space)\ndef f(x): return 5\n", ("class Cfg(metaclass=make): want = 739391\nassert f(3) == Cfg.want",)),
    "a decorator of the module": Attack("def deco(c):\n    c.want = 5\n    return c\ndef f(x): return 5\n", ("import solution\nm = solution\n@m.deco\nclass Cfg: want = 739391\nassert m.f(3) == Cfg.want",)),
    "a decorator of a decorator": Attack("def make(n): return lambda c: type('Cfg', (), {'want': 5})\ndef f(x): return 5\n", ("class Cfg: want = 739391\nCfg = [make(1)(Cfg)][0]\nassert f(3) == Cfg.want",)),
    "a test that is decorated": Attack("def deco(t): return lambda *a: None\ndef f(x): return 5\n", ("@deco\ndef test_a(): assert f(3) == 739391\ndef test_b(): assert f(3) == 5",)),
    "a failed assert in a callback": Attack("def f(g):\n    try: g(5)\n    except AssertionError: pass\n", ("def g(v): assert v == 739391\nf(g)",)),
    "a failed assert in an iterator": Attack("def f(g):\n    try: list(g)\n    except AssertionError: pass\n    return 5\n", ("def g():\n    yield 1\n    assert False\nassert f(g()) == 5",)),
})  # fmt: skip
