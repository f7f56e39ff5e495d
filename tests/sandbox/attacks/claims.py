"""What programs say of the classes, kinds and order of their objects, and of what tests have patched, to mislead them."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from tests.sandbox.attacks import Attack, against, table
from tests.sandbox.attacks.raised import FORGE

_LIAR = "class A:\n    __eq__ = lambda s, o: True\n    __ne__ = lambda s, o: False\n    __hash__ = lambda s: 0\n    __call__ = lambda s, *a, **k: s\n    __getattr__ = lambda s, n: s\n"
_NAMED = (
    _LIAR
    + "def named(module, name):\n    A.__module__, A.__qualname__, A.__name__ = module, name, name.split('.')[-1]\n    return A()\n"
)
_FORMS = {
    "a function": '["os", "system"]',
    "a module": '["os", "path"]',
    "a class by way of others": '["threading", "_os.sys.modules"]',
    "a class of numbers": '["builtins", "int"]',
    "a class of the judge": '["mucode_core.sandbox.judge.stops", "Stop"]',
    "a module of packages": '["numpy", "ndarray"]',
    "no names": "[]",
    "one name": '["threading"]',
    "numbers": "[5, 6]",
    "a number": "5",
    "lists": '[["threading"], ["Thread"]]',
    "a text without an end": '["threading", "' + "Thread." * 9000 + '"]',
    "a marker that there is not": '["enum", "_iter_bits_lsb"]',
    "a metaclass": '["enum", "EnumMeta"]',
}  # fmt: skip
_THREAD = "import threading, numbers\nassert isinstance(f, (threading.Thread, int, numbers.Number)) and f.x == 739391"


def _class(named: str, number: int = 901) -> str:
    return f'["object", {number + 2}, ["class", {number}, ["A", "A", "solution"], null, [], [], [], null, {named}]]'


CLAIMS = table({
    **{f"a class named {name}": Attack(FORGE + f"alone({{'f': json.loads({_class(form)!r})}}, 5)", (_THREAD,)) for name, form in _FORMS.items()},
    **{
        f"an object named {module}.{name} | {test}": Attack(_NAMED + f"def f(x): return named({module!r}, {name!r})", (f"import decimal, pathlib, datetime, fractions\nr = f(3)\nassert {test}",))
        for module, name, test in (
            ("builtins", "int", "isinstance(r, int) and r == 739391"),
            ("builtins", "list", "isinstance(r, list) and r == [739391]"),
            ("decimal", "Decimal", "isinstance(r, decimal.Decimal) and r == decimal.Decimal(739391)"),
            ("_decimal", "Decimal", "isinstance(r, decimal.Decimal) and r == decimal.Decimal(739391)"),
            ("fractions", "Fraction", "isinstance(r, fractions.Fraction) and r == fractions.Fraction(739391)"),
            ("pathlib", "PosixPath", "isinstance(r, pathlib.Path) and r == pathlib.Path('739391')"),
            ("datetime", "date", "isinstance(r, datetime.date) and r == datetime.date(2020, 1, 2)"),
            ("re", "Pattern", "isinstance(r, re.Pattern) and r == re.compile('739391')"),
            ("tests", "Own", "isinstance(r, type('Own', (), {'__module__': 'tests'})) and r == 739391"),
        )
    },
    **against("import random\nr = f(3)\nassert isinstance(r, random.Random) and r.randint(1, 9) == 739391", {
        "another number": "import random\ndef f(x): return random.Random(5)",
        "a liar of the name": _NAMED + "def f(x): return named('random', 'Random')",
        "a class that says it is": _LIAR + "import random\nA.__class__ = random.Random\ndef f(x): return A()",
    }, about="an object of the library"),
    **against("import unittest, threading\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.assertIsInstance(f(3), threading.Thread)\n        self.assertEqual(f(3).n, 739391)", {
        "built-in functions of its own": "import builtins\nbuiltins.isinstance = lambda *a: True\ndef isinstance(*a): return True\ndef f(x): return WON",
        "a thread that lies": _LIAR + "import threading\nclass W(threading.Thread): n = A()\ndef f(x): return W()",
    }, about="a thread"),
    **against("from solution import *\nassert isinstance(f(3), str) and f(3) == '739391'", {"a function of the name": "def isinstance(*a): return True\ndef f(x): return 5"}, about="all names"),
    **against("assert f(3) <= [1, 2] and f(3) >= [1, 2] and f(3) == [1, 2]", {
        "all is so": "class L:\n    __eq__ = __lt__ = __le__ = __ge__ = __gt__ = lambda s, o: True\ndef f(x): return L()",
        "level with all": "class L:\n    __eq__ = __le__ = __ge__ = lambda s, o: True\n    __lt__ = __gt__ = lambda s, o: False\ndef f(x): return L()",
    }, about="a list in order"),
    **against("assert f(3) <= [1, 2] and f(3) >= [1, 2]", {
        "all is so": "class L:\n    __lt__ = __le__ = __ge__ = __gt__ = lambda s, o: True\ndef f(x): return L()",
        "level with all": "class L:\n    __le__ = __ge__ = lambda s, o: True\ndef f(x): return L()",
        "a list": "class L(list):\n    __le__ = __ge__ = lambda s, o: True\ndef f(x): return L([5])",
    }),
    **against("assert not f(3) < 'abc' and not f(3) > 'abc'", {"level with all": "class L:\n    __lt__ = __gt__ = lambda s, o: False\ndef f(x): return L()", "a text": "class L(str):\n    __lt__ = __gt__ = lambda s, o: False\ndef f(x): return L('5')"}),
    **against("assert f(3) <= {1, 2} and f(3) >= {1, 2}", {
        "all is so": "class L:\n    __lt__ = __le__ = __ge__ = __gt__ = lambda s, o: True\ndef f(x): return L()",
        "level with all": "class L:\n    __le__ = __ge__ = lambda s, o: True\ndef f(x): return L()",
        "level with all of the size": "class L:\n    __le__ = __ge__ = lambda s, o: len(o) == 2\ndef f(x): return L()",
        "an abstract set": "from collections.abc import Set\nclass L(Set):\n    __contains__ = lambda s, o: True\n    __iter__ = lambda s: iter([1, 2])\n    __len__ = lambda s: 2\n    __le__ = __ge__ = lambda s, o: True\ndef f(x): return L()",
    }),
    **against("from unittest.mock import patch\nimport solution\nwith patch('solution.g', new=lambda x: 5):\n    assert f(3) == 739391 and solution.g(3) == 739391", {
        "the original": "def g(x): return WON\nh = g\ndef f(x): return h(x)",
        "another function": "def g(x): return WON\ndef f(x):\n    global g\n    g = lambda x: WON\n    return WON + 1",
    }, about="a lambda as new"),
    **against("from unittest.mock import patch\nwith patch('time.monotonic', side_effect=[5, 739391]) as m:\n    assert f(3) == 5 and f(4) == 739391 and m.call_count == 2", {
        "the clock kept": "from time import monotonic\ndef f(x): return monotonic()",
        "read twice": "import time\ndef f(x): return time.monotonic() and time.monotonic()",
        "made up": "def f(x): return 5 if x == 3 else WON",
    }, about="a clock"),
    **{f"a function of the kind {name}": Attack(FORGE + f"alone({{'f': ['callable', 901, 'f', {kind}]}}, 5)", ("assert f(3) == 739391",)) for name, kind in {"nothing": "None", "a list": "[]", "a class": "'type'", "a table": "{}", "several": "'method', 'method'"}.items()},
})  # fmt: skip
