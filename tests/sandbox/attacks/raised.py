"""Exceptions whose attributes, arguments and classes lie, and names that lead out of what may be named."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from mucode_core.types import StdinTest
from tests.sandbox.attacks import Attack, against, table
from tests.sandbox.attacks.forgery import RAW

_LIAR = "class A:\n    __eq__ = lambda s, o: True\n    __ne__ = lambda s, o: False\n    __hash__ = lambda s: hash(WON)\n    __call__ = lambda s, *a, **k: s\n    __str__ = __repr__ = lambda s: 'x'\n    __getitem__ = lambda s, i: s\n"
FORGE = RAW + (
    "def say(*message): send(json.dumps(message).encode())\n"
    "def report(form, name='ValueError'): say('error', [name], [], '', [], form)\n"
    "def alone(ready, *answers):\n"
    "    say('ready', ready)\n"
    "    for answer in answers:\n"
    "        get()\n"
    "        say('value', answer, None)\n"
    "    get()\n"
)
"""`alone` speaks for the program's side from the start: what is ready, then an answer to each request."""

_CODE = "try:\n    f(3)\nexcept ValueError as e:\n    assert e.code == 739391\nelse:\n    assert False"
_ARGS = "try:\n    f(3)\nexcept ValueError as e:\n    assert e.args == (739391,)\nelse:\n    assert False"
_TEXT = "try:\n    f(3)\nexcept ValueError as e:\n    assert str(e) == '739391'\nelse:\n    assert False"
_WITH_CODE = "def raising(code, kind=ValueError):\n    e = kind()\n    e.code = code\n    raise e\n"
_UNITTEST = "import unittest\nclass T(unittest.TestCase):\n    def test(self):\n        with self.assertRaises(ValueError) as caught:\n            f(3)\n        self.assertEqual(caught.exception.code, 739391)"
_PYTEST = "import pytest\ndef test():\n    with pytest.raises(ValueError, match='739391'):\n        f(3)"
_SKIPPED = "import unittest\nclass T(unittest.TestCase):\n    def test(self):\n        self.assertEqual(f(3), 739391)"
_WRONG = "class Wrong(ValueError):\n    def __init__(self, code):\n        super().__init__(code)\n        self.code = code\n"
_GROUP = (
    "try:\n    f(3)\nexcept* ValueError as g:\n    assert g.exceptions[0].args == (739391,)\nelse:\n    assert False"
)
_DECODE = "'utf8', b'x', -10**10, 1 - 10**10, 'r'"

RAISED = table({
    **against(_CODE, {
        "a liar": _LIAR + _WITH_CODE + "def f(x): raising(A())",
        "a liar in a list": _LIAR + _WITH_CODE + "def f(x): raising([A()])",
        "a subclass of int": _WITH_CODE + "class I(int):\n    __eq__ = lambda s, o: True\n    __hash__ = int.__hash__\ndef f(x): raising(I(5))",
        "a property that lies": _LIAR + "class E(ValueError): code = property(lambda s: A())\ndef f(x): raise E",
        "a property that counts": "class E(ValueError):\n    n = 739000\n    @property\n    def code(s):\n        E.n += 1\n        return E.n\ndef f(x): raise E",
        "looked up by __getattr__": _LIAR + "class E(ValueError):\n    def __getattr__(s, n): return A()\ndef f(x): raise E",
        "a cycle": _WITH_CODE + "c = []\nc.append(c)\ndef f(x): raising(c)",
        "the exception itself": _WITH_CODE + "class E(ValueError): pass\ndef f(x):\n    e = ValueError()\n    e.code = e\n    raise e",
        "100,000 levels": _WITH_CODE + "def f(x):\n    a = []\n    for _ in range(100_000): a = [a]\n    raising(a)",
        "doubled sixty times": _WITH_CODE + "def f(x):\n    a = [0]\n    for _ in range(60): a = [a, a]\n    raising(a)",
        "too large": _WITH_CODE + "def f(x): raising('x' * (9 << 20))",
        "slow hashes": _WITH_CODE + "def f(x): raising({i * ((1 << 61) - 1): 0 for i in range(20_000)})",
        "a function": _LIAR + _WITH_CODE + "def f(x): raising(lambda: A())",
        "a generator": _WITH_CODE + "def f(x): raising(WON + i for i in range(9))",
        "names of the judge": _LIAR + "def f(x):\n    e = ValueError()\n    vars(e).update(args=(WON,), got=A(), expected=A(), number=0, with_traceback=A(), add_note=A(), code=5)\n    raise e",
        "names with two underscores": _LIAR + "def f(x):\n    e = ValueError()\n    vars(e).update(__eq__=A(), __class__=A, __dict__={'code': WON}, __traceback__=A(), __context__=A(), __notes__=[A()])\n    raise e",
        "names that are no names": _LIAR + "class N(str):\n    __eq__ = lambda s, o: True\n    __hash__ = lambda s: hash('code')\ndef f(x):\n    e = ValueError()\n    vars(e).update({N('x'): WON, '': 1, '\\ud800': 2, 'a b\\0': 3})\n    raise e",
        "its dict replaced": "class D(dict):\n    def items(s): return [('code', WON + 1)]\ndef f(x):\n    e = ValueError()\n    e.__dict__ = D()\n    raise e",
    }, about="attribute"),
    **against(_ARGS, {
        "a liar": _LIAR + "def f(x): raise ValueError(A())",
        "a property that changes": "import itertools\nclass E(ValueError):\n    count = itertools.count(5)\n    args = property(lambda s: (next(s.count),))\ndef f(x): raise E",
        "a tuple that lies": "class T(tuple):\n    __eq__ = lambda s, o: True\n    __hash__ = tuple.__hash__\nclass E(ValueError): args = property(lambda s: T((5,)))\ndef f(x): raise E",
        "agreed by __reduce__": "class E(ValueError):\n    def __reduce__(s): return ValueError, (WON + 1,)\n    __reduce_ex__ = lambda s, v: s.__reduce__()\n    __eq__ = lambda s, o: True\n    __hash__ = lambda s: 0\ndef f(x): raise E(5)",
        "the exception itself": "def f(x):\n    e = ValueError()\n    e.args = (e,)\n    raise e",
        "a class that equals all": "class M(type):\n    __eq__ = lambda c, o: True\n    __hash__ = type.__hash__\nclass E(ValueError, metaclass=M): pass\ndef f(x): raise ValueError(E)",
        "another order of bases": "class M(type):\n    def mro(c): return [c, ValueError, Exception, BaseException, object]\nclass E(Exception, metaclass=M): pass\ndef f(x): raise E(5)",
        "a class that claims another": "class E(Exception): __class__ = property(lambda s: ValueError)\ndef f(x): raise E(WON)",
        "instance checks that agree": "class M(type):\n    __instancecheck__ = __subclasscheck__ = lambda *a: True\nclass E(Exception, metaclass=M): pass\ndef f(x): raise E(WON)",
    }, about="arguments"),
    **against(_TEXT, {
        "a text that lies": "class S(str):\n    __eq__ = lambda s, o: True\n    __hash__ = str.__hash__\nclass E(ValueError):\n    __str__ = lambda s: S('x')\ndef f(x): raise E",
        "a text without end": "class E(ValueError):\n    def __str__(s):\n        while True: pass\ndef f(x): raise E",
        "decoding that never was": f"def f(x): raise UnicodeDecodeError({_DECODE})",
        "decoding that never was, as an argument": f"def f(x): raise ValueError(UnicodeDecodeError({_DECODE}))",
        "decoding that never was, reported": FORGE + "def f(x): report(['exception', 'builtins', 'UnicodeDecodeError', ['utf8', ['bytes', '78'], ['int', hex(-10**10)], ['int', hex(1 - 10**10)], 'r']])",
    }, about="text"),
    **against("assert str(f(3)) == '739391'", {
        "decoding far from its bytes": f"def f(x): return UnicodeDecodeError({_DECODE})",
        "decoding far beyond them": "def f(x): return UnicodeDecodeError('utf8', b'x', 10**10, 10**10 + 1, 'r')",
        "encoding far from its text": "def f(x): return UnicodeEncodeError('utf8', 'x', -10**10, 1 - 10**10, 'r')",
        "translating far from its text": "def f(x): return UnicodeTranslateError('x', -10**10, 1 - 10**10, 'r')",
        "a place that is none": "def f(x): return SyntaxError('m', (5, 1 << 70, [], {}))",
        "an error number that lies": _LIAR + "def f(x): return OSError(A(), A(), A())",
        "a key that lies": _LIAR + "def f(x): return KeyError(A())",
    }),
    **against("assert f(3) == 739391", {
        "an exception for a number": "class E(ValueError):\n    __eq__ = lambda s, o: True\n    __hash__ = lambda s: 0\ndef f(x): return E()",
        "a warning for a number": "class E(UserWarning):\n    __index__ = __int__ = lambda s: WON\n    __eq__ = lambda s, o: True\ndef f(x): return E()",
    }),
    **against(_UNITTEST, {
        "`with_traceback` of its own": _LIAR + "def f(x):\n    e = ValueError()\n    e.with_traceback = lambda t: A()\n    raise e",
        "a class with `with_traceback`": _LIAR + "class E(ValueError):\n    def with_traceback(s, t): return A()\ndef f(x): raise E",
        "skipped": "import unittest\ndef f(x): raise unittest.SkipTest",
        "skipped by name": FORGE + "def f(x): report(None, 'SkipTest')",
    }, about="assertRaises"),
    **{
        f"{name} | {way}": Attack(code, (test,))
        for way, test in {"unittest": _SKIPPED, "pytest": _PYTEST}.items()
        for name, code in {
            "a test skipped by the program": "import unittest\nclass E(unittest.SkipTest): pass\ndef f(x): raise E('x')",
            "a test skipped by a report": FORGE + "def f(x): report(['exception', 'unittest', 'SkipTest', []])",
            "a test skipped by an object": FORGE + "def f(x): report(['object', 901, ['class', 903, ['S', 'S', 'unittest.case'], None, [['type', 'unittest', 'SkipTest'], ['type', 'builtins', 'ValueError']], [], [], None, ['unittest', 'SkipTest']], ['tuple', []]])",
            "a test skipped by a row": FORGE + "class A:\n    __eq__ = lambda s, o: True\n    __hash__ = None\ndef f(x):\n    say('value', ['object', 901, ['class', 903, ['A', 'A', 'm'], None, [], ['__eq__'], [], None, None]])\n    n = len(get()[2])\n    say('value', ['list', [['list', [['exception', 'unittest', 'SkipTest', []], None]]] * n])",
        }.items()
    },
    **against(_PYTEST, {"a text that matches all": "class S(str):\n    __contains__ = __eq__ = lambda s, o: True\n    __hash__ = str.__hash__\n    __getitem__ = lambda s, i: 'x'\nclass E(ValueError):\n    __str__ = lambda s: S('x')\ndef f(x): raise E"}, about="raises"),
    **{
        f"an exception of the setup: {name}": Attack(code, (_CODE,), setup=_WRONG)
        for name, code in {
            "a liar": _LIAR + "def f(x): raise Wrong(A())",
            "a subclass": _LIAR + "class E(Wrong): code = property(lambda s: A(), lambda s, v: None)\ndef f(x): raise E(5)",
            "its class patched": _LIAR + "Wrong.code = property(lambda s: A(), lambda s, v: None)\ndef f(x): raise Wrong(5)",
            "its dict a liar": _LIAR + "class D(dict):\n    __getitem__ = get = lambda s, *a: A()\ndef f(x):\n    e = Wrong(5)\n    e.__dict__ = D(code=5)\n    raise e",
        }.items()
    },
    **against(_GROUP, {
        "a group that divides as it likes": "class G(ExceptionGroup):\n    def derive(s, e): return G('g', [ValueError(WON + 1)])\n    def split(s, c): return s.derive(0), None\n    subgroup = derive\ndef f(x): raise G('g', [ValueError(5)])",
        "a group of liars": _LIAR + "def f(x): raise ExceptionGroup('g', [ValueError(A())])",
        "a group in 500 groups": "def f(x):\n    e = ValueError(5)\n    for _ in range(500): e = ExceptionGroup('g', [e])\n    raise e",
        "a group of exits": "class G(BaseExceptionGroup): pass\ndef f(x): raise G('g', [SystemExit(0), KeyboardInterrupt()])",
        "a group reported": FORGE + "def f(x): report(['exception', 'builtins', 'ExceptionGroup', ['g', ['list', [['exception', 'builtins', 'ValueError', [5]]]]]])",
        "a group reported in full": FORGE + "def f(x): report(['exception', 'builtins', 'ExceptionGroup', ['g', ['list', [['exception', 'builtins', 'ValueError', [5]]], 901]]])",
        "a group changed later": FORGE + "def f(x): say('error', ['ValueError'], [], '', [], ['exception', 'builtins', 'ExceptionGroup', ['g', ['list', [['exception', 'builtins', 'ValueError', [5]]], 901]]], ['sync', [[901, [['exception', 'builtins', 'ValueError', [739391]]]]], []])",
        "a group of nothing": FORGE + "def f(x): report(['exception', 'builtins', 'ExceptionGroup', ['g', ['list', [], 901]]])",
        "a group of numbers": FORGE + "def f(x): report(['exception', 'builtins', 'ExceptionGroup', ['g', ['list', [5], 901]]])",
        "a group of exits, reported": FORGE + "def f(x): report(['exception', 'builtins', 'BaseExceptionGroup', ['g', ['list', [['exception', 'builtins', 'SystemExit', [0]]], 901]]])",
        "a group that holds itself": FORGE + "def f(x): report(['exception', 'builtins', 'ExceptionGroup', ['g', ['list', [['ref', 901]], 901]]])",
        "a group without a text": FORGE + "def f(x): report(['exception', 'builtins', 'ExceptionGroup', [5, ['list', [['exception', 'builtins', 'ValueError', [739391]]], 901]]])",
        "a group with failures": "def f(x): raise ExceptionGroup('g', [AssertionError(WON), StopIteration(WON)])",
    }, about="group"),
    **against("with f(3): assert 1 == 739391", {"a group for a failure": "class C:\n    def __enter__(s): return s\n    def __exit__(s, k, e, t): raise ExceptionGroup('g', [e])\ndef f(x): return C()"}),
    **{
        f"StopIteration of {special} | {test}": Attack(f"class A:\n    def {special}(s, o): raise StopIteration\ndef f(x): return A()", (f"import operator\nassert all(map(operator.{test}, map(f, [1, 2]), [739391, 739392]))",))
        for special, test in {"__eq__": "eq", "__lt__": "lt", "__contains__": "contains", "__add__": "add", "__pow__": "pow", "__getitem__": "getitem"}.items()
    },
})  # fmt: skip

_MALFORMED = {
    "no arguments": '"exception", "builtins", "ValueError"',
    "arguments that are none": '"exception", "builtins", "ValueError", 5',
    "names without values": '"exception", "builtins", "ValueError", [], ["code"]',
    "fewer values than names": '"exception", "builtins", "ValueError", [], ["code", "b"], [739391]',
    "a name that is none": '"exception", "builtins", "ValueError", [], [5], [739391]',
    "a name that is a list": '"exception", "builtins", "ValueError", [], [["list", []]], [5]',
    "a class for a name": '"exception", "builtins", "ValueError", [], ["__class__"], [["type", "builtins", "KeyError"]]',
    "more than it takes": '"exception", "builtins", "ValueError", [], ["code"], [5], 6',
    "an unknown object": '"exception", "builtins", "ValueError", [], ["code"], [["ref", 99999]]',
    "what was not lent": '"exception", "builtins", "ValueError", [], ["code"], [["ref", 2]]',
    "a class that is none": '"exception", "builtins", "int", []',
    "an exit": '"exception", "builtins", "KeyboardInterrupt", []',
    "a class of the judge": '"exception", "mucode_core.sandbox.judge.stops", "Stop", []',
    "a class of the suites": '"exception", "mucode_core.sandbox.judge.test_suite", "MismatchError", [5, 5, 0]',
    "a class behind a module": '"exception", "json", "decoder.JSONDecodeError", []',
    "a module that is a number": '"exception", 5, "ValueError", []',
    "a name that is empty": '"exception", "builtins", "", []',
    "a class that wants more": '"exception", "builtins", "UnicodeDecodeError", ["a"]',
    "no exception": '"dict", [], []',
}  # fmt: skip
RAISED |= table({
    f"reported: {name}": Attack(RAW + f"def f(x): send(b'[\"error\", [\"ValueError\"], [], \"\", [], [{form}]]')", (_CODE,))
    for name, form in _MALFORMED.items()
})  # fmt: skip

_ENDING = "say('error', ['{name}'], [{value}], '', [], {form})\nos._exit(0)"
_OBJECT = (
    "['object', 901, ['class', 903, ['A', 'A', 'm'], None, [], ['__str__', '__int__', '__index__'], [], None, None]]"
)
_PRINTED = (StdinTest("3\n", "739391\n"),)
RAISED |= table({
    **{
        f"printing: {name}": Attack(FORGE + "print(WON + 1, flush=True)\n" + _ENDING.format(**parts), _PRINTED, kind="stdin")
        for name, parts in {
            "an exit with an object": {"name": "SystemExit", "value": "0", "form": f"['exception', 'builtins', 'SystemExit', [{_OBJECT}]]"},
            "an exit that is an object": {"name": "SystemExit", "value": _OBJECT, "form": "None"},
            "an exit of a million digits": {"name": "SystemExit", "value": "'9' * 1_000_000", "form": "None"},
            "a text from other memory": {"name": "UnicodeDecodeError", "value": "*['utf8', ['bytes', '78'], -10**10, 1 - 10**10, 'r']", "form": "None"},
            "a group": {"name": "ExceptionGroup", "value": "'g', ['list', []]", "form": "None"},
        }.items()
    },
    "printing: an exit that is slow to read": Attack(FORGE + "print(WON, flush=True)\n" + _ENDING.format(name="SystemExit", value="['set', [i * ((1 << 61) - 1) for i in range(45_000)]]", form="None"), _PRINTED, kind="stdin", slow=True),
})  # fmt: skip

_APPLIED = "g, v = f(1), f(2)\nassert g(v) == 739391"
_NAMES = {
    "eval": ('["function", "json", "codecs.builtins.eval"]', "'WON'[:0] + \"int('7393' + '91')\""),
    "eval of another": ('["function", "re", "enum.bltns.eval"]', "\"int('7393' + '91')\""),
    "import": ('["function", "json", "codecs.builtins.__import__"]', "'json'"),
    "open": ('["function", "json", "codecs.open"]', "'/proc/self/environ'"),
    "exit": ('["function", "statistics", "sys.exit"]', "0"),
    "a process": ('["type", "unittest.mock", "asyncio.subprocess.subprocess.Popen"]', "['list', ['true']]"),
    "a descriptor": ('["type", "io", "FileIO"]', "3"),
    "another descriptor": ('["type", "io", "FileIO"]', "4"),
    "a function from code": ('["type", "copy", "types.FunctionType"]', "5"),
    "all tests again": ('["type", "unittest", "main"]', "'json'"),
    "a module of numpy": ('["type", "numpy", "linalg.linalg.LinAlgError"]', "5"),
    "a private name": ('["type", "enum", "_EnumDict"]', "5"),
    "a method": ('["function", "builtins", "str.format"]', "'{0.__class__.__base__.__subclasses__}'"),
    "the judge's own": ('["type", "mucode_core.sandbox.judge.judge", "Judge"]', "5"),
}  # fmt: skip
NAMED = table({
    **{f"named: {name}": Attack(FORGE + f"alone({{'f': ['callable', 901, 'f']}}, {form}, {value})", (_APPLIED,)) for name, (form, value) in _NAMES.items()},
    **{
        f"ready: {name}": Attack(FORGE + f"alone({{'f': {form}, 'g': ['callable', 901, 'g']}}, {value})", ("assert f(g(3)) == 739391",))
        for name, (form, value) in _NAMES.items()
    },
    "a process for a decoder": Attack(FORGE + "alone({'decode': ['type', 'unittest.mock', 'asyncio.subprocess.subprocess.Popen'], 'encode': ['callable', 901, 'f']}, ['list', ['true']])", ("assert decode(encode('abc')).wait() == 0",)),
    **against("assert f(3).get() == 739391", {"a queue of the judge's own": "from queue import Queue as f", "another": "from queue import LifoQueue as f", "one by its name": FORGE + "alone({'f': ['type', 'queue', 'PriorityQueue']})"}),
    **against("assert f()().get() == 739391", {"a class of queues": "import queue\ndef f(): return queue.Queue"}),
    **against("assert type(f(3)).__name__ == 'int' and type(f(3)).__module__ == 'builtins' and f(3) == 739391", {
        "a class named as one": _LIAR + "class int(A): pass\nint.__module__ = 'builtins'\ndef f(x): return int()",
        "a metaclass that names it": _LIAR + "class M(type):\n    __name__ = property(lambda c: 'int')\n    __module__ = property(lambda c: 'builtins')\nclass B(A, metaclass=M): pass\ndef f(x): return B()",
    }),
    **against("try:\n    f(3)\nexcept ValueError as e:\n    assert type(e) is ValueError\nelse:\n    assert False", {
        "one of the tests' module": "class ValueError(Exception): pass\nValueError.__module__ = 'tests'\ndef f(x): raise ValueError",
        "one of the judge's module": "class MismatchError(AssertionError): pass\nMismatchError.__module__ = 'mucode_core.sandbox.judge.test_suite'\ndef f(x): raise MismatchError(5, 5, 0)",
    }, about="its class"),
})  # fmt: skip
