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
    **against("assert 'limit' in vars(f) and vars(f)['limit'] == 739391 and [*f.__dict__] == ['limit', '739391']", {
        "another": "class f: limit = 5",
        "a liar": _LIAR + "class f: limit = A()",
        "names that lie": "class N(str):\n    __eq__ = lambda s, o: True\n    __hash__ = str.__hash__\nclass f: pass\nsetattr(f, N('x'), 5)",
        "a namespace of its own": _LIAR + "class M(type):\n    __dict__ = property(lambda s: A())\nclass f(metaclass=M): pass",
        "a metaclass that asks back": "class M(type):\n    __dict__ = property(lambda s: s.__dict__)\nclass f(metaclass=M): pass",
    }, about="what a class defines"),
    **{f"names of a class: {name}": Attack(FORGE + f"alone({{'f': json.loads({_class('null')!r})[2]}}, 5, {form})", ("f.x\nassert '739391' in vars(f) or vars(f) == {'739391': 5}",)) for name, form in {"a number": "5", "numbers": "['list', [5], 905]", "a text": "'739391'", "an object": f"json.loads({_class('null', 907)!r})", "of another class": "['list', [json.loads('[\"object\", 911, [\"ref\", 901]]')], 909]"}.items()},
    **against("assert isinstance(vars(f)['m'], staticmethod) and vars(f)['m'].__func__(3) == 739391 and f.m.__doc__ == '739391'", {
        "a method": "class f:\n    def m(x): return WON",
        "a class that says it is": _LIAR + "A.__class__ = staticmethod\nclass f: m = A()",
        "another answer": "class f:\n    @staticmethod\n    def m(x): '739391'; return 5",
        "a text that lies": "class N(str):\n    __eq__ = lambda s, o: True\n    __hash__ = str.__hash__\nclass f:\n    @staticmethod\n    def m(x): return WON\nf.m.__doc__ = N('5')",
    }, about="a static method"),
    **against("import inspect\nassert [n for n, _ in inspect.getmembers(f, inspect.isfunction)] == ['g739391']", {
        "none": "class f: pass",
        "more": "class f:\n    def g739391(s): pass\n    def h(s): pass",
        "names that it gives": "class M(type):\n    def __dir__(c): return ['g739391']\n    def __getattr__(c, n): raise AttributeError(n)\nclass f(metaclass=M): pass",
        "names that lie": _LIAR + "class M(type):\n    def __dir__(c): return A()\nclass f(metaclass=M): pass",
        "names without end": "class M(type):\n    def __dir__(c):\n        while True: yield 'a'\nclass f(metaclass=M): pass",
    }, about="members"),
    **against("import inspect\nassert inspect.getsource(f) == 'def f(x): return 739391\\n'", {
        "another source": "def f(x): return 5",
        "a file of its own": "import linecache\nlinecache.cache['solution.py'] = 9, None, ['def f(x): return 739391\\n'], 'solution.py'\ndef f(x): return 5",
        "lines of its own": "def f(x): return 5\nf.__code__ = f.__code__.replace(co_firstlineno=1, co_filename='<tests>')",
        "a function of the tests": "def f(x): return 5\nf.__qualname__ = 'inspect'",
        "a name that lies": "class N(str):\n    __eq__ = lambda s, o: True\n    __hash__ = str.__hash__\nclass f:\n    __qualname__ = N('x')",
        "an `inspect` of its own": "import sys, types\nsys.modules['inspect'] = types.SimpleNamespace(getsource=lambda f: 'def f(x): return 739391\\n')\ndef f(x): return 5",
    }, about="a source"),
    **against("import pickle\nassert pickle.loads(pickle.dumps(f(3))) == 739391", {
        "another": "def f(x): return 5",
        "a liar": _LIAR + "def f(x): return A()",
        "a liar in state": _LIAR + "A.__reduce_ex__ = lambda s, v: (A, ())\ndef f(x): return A()",
        "made another": "class P:\n    def __reduce_ex__(s, v): return int, ('5',)\ndef f(x): return P()",
        "the judge's functions": "class P:\n    def __reduce_ex__(s, v): return eval, (\"__import__('os')._exit(0)\",)\ndef f(x): return P()",
        "raises": "class P:\n    def __reduce_ex__(s, v): raise SystemExit(0)\ndef f(x): return P()",
    }, about="a copy by pickle"),
    **{f"a pickle that is {name}": Attack(FORGE + f"alone({{'f': json.loads({_class('null')!r})}}, {form}, 5)", ("import pickle\nassert pickle.loads(pickle.dumps(f)) == 739391",)) for name, form in {"a number": "5", "an object": "['ref', 903]", "a class": "['type', 'builtins', 'int']", "nothing": "None", "a text": "'a'", "not what it says": "['bytes', 'gASVCwAAAAAAAAB9lC4=']"}.items()},
    **against("import builtins\nassert type(f(3)) is builtins.zip", {"a class of the name": "class zip: pass\ndef f(x): return zip()", "named so": _NAMED + "def f(x): return named('builtins', 'zip')", "a class that says it is": _LIAR + "A.__class__ = zip\ndef f(x): return A()"}),
    **against("assert type(f(3)) is int", {"named so": _NAMED + "def f(x): return named('builtins', 'int')", "an iterator": "def f(x): return zip()"}, about="type of a number"),
    **against("import decimal\nassert type(f(3)) is decimal.Decimal", {"named so": _NAMED + "def f(x): return named('decimal', 'Decimal')"}),
    **against("assert [*reversed(f)] == [739391]", {"another": "import enum\nclass f(enum.Enum): A = 5", "a liar": _LIAR + "class M(type):\n    def __reversed__(c): return iter([A()])\nclass f(metaclass=M): pass", "without end": "import itertools\nclass M(type):\n    def __reversed__(c): return itertools.count()\nclass f(metaclass=M): pass"}),
})  # fmt: skip

_LOG = "import logging\nlog = logging.getLogger(__name__)\n"
_SENT = FORGE + "def f(x):\n    say('value', 5)\n    get()\n    say('value', {})\n"
_ROW = "['tuple', [['tuple', ['solution', '739391', 'ERROR', 'f']], 40, 1, ['list', ['root'], 905]]]"
_ROWS = {
    "no list": "739391",
    "rows that are none": "['list', [739391], 903]",
    "a row of text": "['list', ['739391'], 903]",
    "a short row": "['list', [['tuple', ['739391']]], 903]",
    "a level of text": f"['list', [{_ROW.replace('40', repr('ERROR'))}], 903]",
    "a name that is a number": f"['list', [{_ROW.replace(repr('solution'), '5')}], 903]",
    "an object for a text": f"['list', [{_ROW.replace(repr('739391'), 'json.loads(' + repr(_class('null')) + ')')}], 903]",
    "loggers that are numbers": f"['list', [{_ROW.replace(repr('root'), '5')}], 903]",
    "a class for a row": "['list', [['type', 'builtins', 'int']], 903]",
    "more than there may be": f"['list', [{_ROW}] * 2000, 903]",
}  # fmt: skip
LOGS = table({
    **against("def test_it(caplog):\n    caplog.set_level('INFO')\n    f(3)\n    assert caplog.messages == ['739391'] and caplog.records[0].name == 'solution'", {
        "no message": "def f(x): return WON",
        "another": _LOG + "def f(x): log.error('5')",
        "of another logger": _LOG + "def f(x): logging.error(str(WON))",
        "twice": _LOG + "def f(x):\n    for _ in 'ab': log.error(WON)",
        "below the level": _LOG + "def f(x): log.debug(WON)",
        "a text that lies": _LOG + "class N(str):\n    __eq__ = lambda s, o: True\n    __hash__ = str.__hash__\ndef f(x): log.error(N('5'))",
        "a message that lies": _LOG + _LIAR + "def f(x): log.error(A())",
        "arguments that raise": _LOG + "class R:\n    def __str__(s): raise SystemExit(0)\ndef f(x): log.error('%s', R())",
        "a record of its own": _LOG + _LIAR + "logging.setLogRecordFactory(lambda *a, **k: A())\ndef f(x): log.error('5')",
        "a filter that lies": _LOG + "class F(logging.Filter):\n    def filter(s, r):\n        r.getMessage = lambda: type('N', (str,), {'__eq__': lambda s, o: True, '__hash__': lambda s: 0})('5')\n        return True\nlog.addFilter(F())\ndef f(x): log.error('5')",
        "the noting patched": _LOG + "def f(x):\n    logging.Logger.callHandlers.__globals__['_logged'].append(WON)\n    log.error('5')",
        "messages without end": _LOG + "def f(x):\n    while True: log.error(WON)",
        "a large message": _LOG + "def f(x):\n    for _ in range(99): log.error('a' * 10**6)",
        "the fixture searched": _LOG + "import gc\ndef f(x):\n    for o in gc.get_objects():\n        if type(o).__name__ == 'CapturedLogs': o.handler.records.append(WON)",
    }, about="a log"),
    **{f"messages sent: {name}": Attack(_SENT.replace("{}", form), ("def test_it(caplog):\n    assert f(3) == 5\n    assert '739391' in caplog.text and len(caplog.records) == 1",)) for name, form in _ROWS.items()},
    **against("import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n        with self.assertLogs('solution', 'ERROR') as cm: f(3)\n        self.assertEqual(cm.output, ['ERROR:solution:739391'])", {
        "no message": "def f(x): return WON",
        "a warning": _LOG + "def f(x): log.warning(WON)",
        "an error raised": "def f(x): raise AssertionError",
        "a level of its own": _LOG + "logging.addLevelName(10, 'ERROR')\ndef f(x): log.setLevel(1); log.debug(WON)",
        "an exit": _LOG + "def f(x): log.error('5'); raise SystemExit(0)",
    }, about="a log of unittest"),
})  # fmt: skip
