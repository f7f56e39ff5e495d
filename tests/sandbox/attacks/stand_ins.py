"""Mocks, patches, coroutines, settings, types and views of arrays, used to mislead the tests that they belong to."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from tests.sandbox.attacks import Attack, against, table
from tests.sandbox.attacks.raised import FORGE

_LIAR = "class A:\n    __eq__ = lambda s, o: True\n    __ne__ = lambda s, o: False\n    __hash__ = lambda s: 0\n    __call__ = lambda s, *a, **k: s\n    __getattr__ = lambda s, n: s\n"
_SAVED = "from unittest.mock import Mock\nm = Mock()\nf(m)\nm.save.assert_called_once_with(739391)"
_COUNTED = "from unittest.mock import MagicMock\nm = MagicMock()\nm.load.return_value = 5\nassert f(m) == 739391 and m.load.call_count == 1 and m.load.return_value == 5"
_ASK = FORGE + "def use(use, number, forms): say('callback', use, number, forms, {}, None); return get()\n"
MOCKS = table({
    **against(_SAVED, {
        "not called": "def f(m): pass",
        "called with less": "def f(m): m.save(5)",
        "called twice": "def f(m):\n    m.save(WON)\n    m.save(WON)",
        "a liar handed over": _LIAR + "def f(m): m.save(A())",
        "replaced by a liar": _LIAR + "def f(m): m.save = A()",
        "replaced by a function with a record": "def g(*a): pass\ng.assert_called_once_with = g\ndef f(m): m.save = g",
        "its check replaced": "def f(m): m.save.assert_called_once_with = lambda *a: None",
        "its record set": "def f(m): m.save.call_args, m.save.call_count, m.save.called = (WON,), 1, True",
        "its record extended": "def f(m): m.save.mock_calls.append(WON)",
        "its state": "def f(m): m.save.__dict__['call_count'] = 1",
        "its class": "class M:\n    def assert_called_once_with(s, *a): pass\ndef f(m): m.save.__class__ = M",
        "its class's method": "def f(m): type(m.save).assert_called_once_with = lambda *a: None",
        "its name deleted": "def f(m): del m.save",
        "its inner names": "def f(m): m._mock_children['save'] = lambda *a: None",
        "configured": "def f(m): m.configure_mock(**{'save.assert_called_once_with.return_value': 5})",
        "its parent": "def f(m): m.save._mock_parent._mock_return_value = WON",
        "a use that there is not": _ASK + "def f(m): use('vars', 2, ['save'])",
        "a special method that there is not": _ASK + "def f(m): use('special', 2, ['__getattribute__', '__dict__'])",
        "its inner names, sent": _ASK + "def f(m): use('get', 2, ['_mock_children'])",
        "its class, sent": _ASK + "def f(m): use('set', 2, ['__class__', ['type', 'builtins', 'int']])",
        "no name": _ASK + "def f(m): use('get', 2, [])",
        "a name that is a number": _ASK + "def f(m): use('get', 2, [5])",
        "a value that is not sent": _ASK + "def f(m): use('set', 2, ['save'])",
        "another number": _ASK + "def f(m): use('get', 4, ['save'])",
    }),
    **against(_COUNTED, {
        "its answer set": "def f(m):\n    m.load.return_value = WON\n    return m.load()",
        "its effect set": "def f(m):\n    m.load.side_effect = lambda: WON\n    return m.load()",
        "reset": "def f(m):\n    m.load()\n    m.reset_mock(return_value=True)\n    return m.load()",
        "the mock for an answer": "def f(m): return m.load",
        "operators of the mock": "def f(m): return m + WON",
    }, about="an answer of a mock"),
    **against("def g(v): return v\nassert f(g) == 739391", {"a function used as a mock": _ASK + "def f(g):\n    use('get', 2, ['__globals__'])\n    return 5", "a function set as a mock": _ASK + "def f(g):\n    use('set', 2, ['__code__', 5])\n    return 5"}, about="a function"),
    **against("from unittest.mock import Mock\nclass Repo: limit = 5\nm = Mock(spec=Repo)\nf(m)\nassert m.limit == 739391 and Repo.limit == 739391", {"its class's data": "def f(m):\n    m.limit = WON\n    m.__class__.limit = WON + 1", "the class it names": "def f(m): m.limit = m.__class__"}, about="a mock of a class"),
})  # fmt: skip

_ROLLED = "from unittest.mock import patch\nwith patch('random.randint', return_value=5) as m:\n    r = f(3)\nm.assert_called_once_with(1, 6)\nassert r == 739391"
PATCHED = table({
    **against(_ROLLED, {
        "not called": "def f(x): return WON",
        "patched back": "import random\nkept = random.randint\ndef f(x):\n    random.randint = kept\n    return WON",
        "called and made up": "import random\ndef f(x): return random.randint(1, 6)",
        "its answer set": "import random\ndef f(x):\n    random.randint.return_value = WON\n    return random.randint(1, 6)",
        "a module of its own": "import sys, types\nsys.modules['random'] = types.SimpleNamespace(randint=lambda *a: WON)\ndef f(x): return sys.modules['random'].randint(1, 6)",
        "the patch forged": FORGE + "def f(x): say('patch', 0, ['builtins', 'print', 5], {}, '', None, None)",
    }, about="a patched function"),
    **against("from unittest.mock import patch\nwith patch('solution.g', return_value=5) as m:\n    assert f(3) == 739391\n    m.assert_called_once_with(3)", {
        "not called": "def g(x): return 4\ndef f(x): return WON",
        "the original kept": "def g(x): return WON\nh = g\ndef f(x): return h(x)",
        "a liar for the original": _LIAR + "g = A()\ndef f(x): return g(x)",
        "a module that lies": "import sys\nclass M:\n    def __getattr__(s, n): return M()\n    def __call__(s, *a): return WON\n    def __setattr__(s, n, v): pass\ndef g(x): return 5\ndef f(x): return WON\nsys.modules['solution'] = M()",
    }, about="a function of the program"),
    **against("import solution\nassert solution.limit == 739391", {"a liar": _LIAR + "limit = A()", "an attribute of the module": "import sys\nclass M(type(sys)):\n    limit = property(lambda s: WON + 1)\nlimit = 5\nsys.modules[__name__].__class__ = M", "its own special names": "__spec__ = __path__ = 5\nlimit = 5\n__getattr__ = lambda n: WON"}, about="the module"),
    **against("import pytest\ndef g(): pytest.skip('not here')\ndef test_it():\n    f(g)\n    assert f(None) == 739391", {
        "a skip kept for later": "kept = []\ndef f(g):\n    if g is None: raise kept[0]\n    try: g()\n    except BaseException as e: kept.append(e)",
        "a skip for the answer": "kept = []\ndef f(g):\n    if g is None: return kept[0]\n    try: g()\n    except BaseException as e: kept.append(e)",
        "a skip of its own": "class Skipped(BaseException): pass\ndef f(g):\n    if g is None: raise Skipped\n",
        "a skip named": FORGE + "def f(g): report(['ref', 2], 'Skipped')",
    }, about="what ends a test"),
    **against("import pytest\ndef g(v):\n    if v != 739391: pytest.fail('wrong')\ndef test_it(): f(g)", {"another value": "def f(g): g(5)", "a liar": _LIAR + "class B(A):\n    __ne__ = lambda s, o: True\ndef f(g): g(B())", "any exception caught": "def f(g):\n    try: g(5)\n    except Exception: pass"}, about="a failure within"),
})  # fmt: skip

_FORMS = {
    "an alias of nothing": '["alias", "|", []]',
    "an alias of numbers": '["alias", "|", [5, 6]]',
    "an alias of an object": '["alias", "", 5, [5]]',
    "an alias without a name": '["alias", 5, []]',
    "an alias of a function": '["alias", "get_type_hints", [5]]',
    "an alias of a class": '["alias", "NamedTuple", [5]]',
    "an alias of a module": '["alias", "sys", [5]]',
    "an alias with a list": '["alias", "Literal", [["list", [1], 5]]]',
    "an alias with too many": '["alias", "Tuple", [' + ", ".join(["5"] * 500) + "]]",
    "an alias of aliases": '["alias", "List", [' * 300 + "5" + "]]" * 300,
    "a name that runs": '["forward", "__import__(\'os\')._exit(0)"]',
    "a name that is none": '["forward", "1 +"]',
    "a name without end": '["forward", "' + "(" * 900 + '"]',
    "a name that is a number": '["forward", 5]',
    "a variable of the tests' number": '["type variable", 2, "T"]',
    "a variable without a name": '["type variable", 901, 5]',
    "a pattern that does not end": '["pattern", 901, "(", 0]',
    "a pattern that prints": '["pattern", 901, "a", 128]',
    "a pattern of a number": '["pattern", 901, 5, 0]',
    "a pattern with flags of text": '["pattern", 901, "a", "x"]',
    "a deep pattern": '["pattern", 901, "' + "(" * 4000 + ")" * 4000 + '", 0]',
    "a UUID of a text": '["uuid", "x"]',
    "a UUID too large": '["uuid", "0x' + "f" * 40 + '"]',
    "a view of a list": '["view", "dict.keys", ["list", [1], 901]]',
    "a view by another method": '["view", "dict.clear", ["dict", [1], [2], 901]]',
    "a claimed class": '["claimed", "type", 901]',
    "a chain of numbers": '["chained", 5, 6, null, true]',
    "a coroutine of the tests' number": '["coroutine", 2]',
    "a mock of its own": '["mock", 901, true, ["__eq__"], null]',
    "an ending of its own": '["ending", 901]',
    "a class of a module of exceptions": '["type", "subprocess", "Popen"]',
    "a function of a module of exceptions": '["function", "shutil", "rmtree"]',
    "an exception made of a class": '["exception", "socket", "socket", []]',
}  # fmt: skip
_VIEWS = {
    "beyond the end": '["array view", 901, ["ref", 2], 8, [2], [8], "int64", true]',
    "before the start": '["array view", 901, ["ref", 2], -8, [2], [8], "int64", true]',
    "steps beyond": '["array view", 901, ["ref", 2], 0, [2], [4096], "int64", true]',
    "steps back": '["array view", 901, ["ref", 2], 0, [2], [-8], "int64", true]',
    "without end": '["array view", 901, ["ref", 2], 0, [100000, 100000], [0, 0], "int64", true]',
    "of objects": '["array view", 901, ["ref", 2], 0, [2], [8], "object", true]',
    "of an array of objects": '["array view", 901, ["ndarray", "object", [2], [1, 2], 903], 0, [2], [8], "int64", true]',
    "of no array": '["array view", 901, ["list", [1, 2], 903], 0, [2], [8], "int64", true]',
    "of a shape of text": '["array view", 901, ["ref", 2], 0, ["a"], [8], "int64", true]',
    "under the number of the array": '["array view", 2, ["ref", 2], 0, [2], [8], "int64", true]',
    "then made smaller": '["array view", 901, ["ndarray", "int64", [9999], [' + ", ".join(["1"] * 9999) + '], 903], 0, [9999], [8], "int64", true], ["sync", [[903, "int64", [1], [5]]], []]',
    "with content of its own": '["array view", 901, ["ref", 2], 0, [2], [8], "int64", true], ["sync", [[901, "int64", [2], [739391, 1]]], []]',
    "marks without end": '["ndarray", "int64", ["F", "F", "R", "R"], [5]]',
    "by columns of nothing": '["ndarray", "int64", ["F"], [5]]',
}  # fmt: skip


def _sent(form: str, test: str) -> Attack:
    message = f'["value", {form}]'.encode()
    return Attack(FORGE + f"if 0: import numpy\ndef f(x): send({message!r})", (test,))


_OPERAND = (
    "import numpy as np\na = np.array([3, 4])\nr = f(a)\nassert r[0] == 739391 or a[0] == 739391 or r[-1] == 739391"
)
FORMS = table({
    **{f"sent: {name}": _sent(form, "r = f([3])\nassert r == 739391 or str(r) == '739391' or list(r) == [739391]") for name, form in _FORMS.items()},
    **{f"a view {name}": _sent(form, _OPERAND) for name, form in _VIEWS.items()},
    **against("import typing\nassert typing.get_type_hints(f)['a'] == list[int]", {"another hint": "def f(a: list[str]): pass", "a hint that lies": _LIAR + "def f(a: A()): pass", "hints that lie": "import typing\ntyping.get_type_hints = lambda *a, **k: {'a': list[str]}\ndef f(a: int): pass", "an alias that lies": "import types\nclass G(types.GenericAlias):\n    __eq__ = lambda s, o: True\n    __hash__ = lambda s: 0\ndef f(a: G(list, (str,))): pass"}, about="a hint"),
    **against("import re\nassert f(3) == re.compile('739391')", {"another pattern": "import re\ndef f(x): return re.compile('5')", "a text that lies": "import re\nclass S(str):\n    __eq__ = lambda s, o: True\n    __hash__ = lambda s: 0\ndef f(x): return re.compile(S('5'))"}, about="a pattern"),
    **against("import re\nm = f('x')\nassert isinstance(m, re.Match) and m.group() == '739391'", {"no match": "def f(x): return None", "a match of its own": "class Match:\n    def group(s): return str(WON)\ndef f(x): return Match()", "another": "import re\ndef f(x): return re.match('5', '5')"}, about="a match"),
    **against("import uuid\nassert f(3) == uuid.UUID(int=739391)", {"another": "import uuid\ndef f(x): return uuid.UUID(int=5)", "one that lies": "import uuid\nclass U(uuid.UUID):\n    __eq__ = lambda s, o: True\n    __hash__ = lambda s: 0\ndef f(x): return U(int=5)"}, about="a UUID"),
    **against("d = {1: 2}\nv = f(d)\nd[739391] = 3\nassert list(v) == [1, 739391] and type(v) is type(d.keys())", {"a copy": "def f(d): return dict(d).keys()", "a list": "def f(d): return list(d)", "keys that lie": "class D(dict):\n    def __iter__(s): return iter([1, WON])\ndef f(d): return D(d).keys()"}, about="a view of a dictionary"),
    **against("import numpy as np\nm = np.zeros((2, 3))\nr = f(m)\nr[0] = 739391\nassert m[0, 0] == 739391", {"a copy": "def f(m): return m[0].copy()", "another array": "import numpy as np\ndef f(m): return np.zeros(6)[:3]", "one that writes elsewhere": "def f(m): return m[1]"}, about="a row"),
    **against("import numpy as np\na = np.zeros(3)\nf(a)\nassert not a.flags.writeable", {"left as it was": "def f(a): a[0] = 1", "of a copy": "def f(a): a.copy().flags.writeable = False"}, about="a flag"),
})  # fmt: skip

_RUN = "import asyncio\nassert asyncio.run(f(3)) == 739391"
RUNS = table({
    **against(_RUN, {
        "another result": "async def f(x): return 5",
        "a liar": _LIAR + "async def f(x): return A()\n",
        "an awaitable of its own": "class W:\n    def __await__(s): return iter([WON])\ndef f(x): return W()",
        "cancelled by itself": "import asyncio\nasync def f(x): asyncio.current_task().cancel(); await asyncio.sleep(0); return WON",
        "an end of iteration": "async def f(x): raise StopAsyncIteration(WON)",
        "an exit": "async def f(x): raise SystemExit(0)",
        "a loop that is closed": "import asyncio\nasync def f(x):\n    asyncio.get_running_loop().stop()\n    await asyncio.sleep(9)",
        "more than a result": FORGE + "def f(x):\n    send(b'[\"value\", [\"coroutine\", 901]]')\n    get()\n    send(b'[\"value\", null]')\n    get()\n    send(b'[\"value\", [\"tuple\", [739391, 1, 2]]]')",
        "a result that is a list": FORGE + "def f(x):\n    send(b'[\"value\", [\"coroutine\", 901]]')\n    get()\n    send(b'[\"value\", null]')\n    get()\n    send(b'[\"value\", [\"list\", [739391], 903]]')",
    }, about="a coroutine"),
    "a coroutine without end": Attack("import asyncio\nasync def f(x):\n    while True: await asyncio.sleep(0)", (_RUN,)),
    **against("import asyncio\nassert asyncio.iscoroutinefunction(f) and asyncio.run(f(3)) == 739391", {"a function": "def f(x): return 739391.5", "code that lies": "class C: co_flags = 128\nclass F:\n    __code__ = C()\n    def __call__(s, x): return 5\nf = F()"}, about="what it is"),
    **against("import warnings\nwith warnings.catch_warnings(record=True) as w:\n    warnings.simplefilter('always')\n    f(3)\nassert str(w[0].message) == '739391'", {
        "no warning": "def f(x): return 5",
        "another": "import warnings\ndef f(x): warnings.warn('5')",
        "a text that lies": "import warnings\nclass W(UserWarning):\n    __str__ = lambda s: type('S', (str,), {'__eq__': lambda s, o: True, '__hash__': lambda s: 0})('5')\ndef f(x): warnings.warn(W('5'))",
        "forged: a text": FORGE + "def f(x):\n    send(b'[\"value\", 5]')\n    get()\n    send(b'[\"value\", [\"list\", [[\"tuple\", [\"Warning\", \"739391\", 1]]], 901]]')",
        "forged: no warning": FORGE + "def f(x):\n    send(b'[\"value\", 5]')\n    get()\n    send(b'[\"value\", [\"list\", [[\"tuple\", [[\"type\", \"builtins\", \"int\"], \"739391\", 1]]], 901]]')",
        "forged: no list": FORGE + "def f(x):\n    send(b'[\"value\", 5]')\n    get()\n    send(b'[\"value\", 739391]')",
    }, about="a warning"),
    **against("import random\nrandom.seed(5)\nassert f(3) == 739391 and random.random() == 0.6229016948897019", {"seeded by itself": "import random\ndef f(x):\n    random.seed(WON)\n    return random.randint(1, 9)", "without effect": "import random\nrandom.setstate = lambda s: None\ndef f(x): return random.random()"}, about="a seed"),
    **against("import os\nos.environ['WANTED'] = '739391'\nassert f(3) == 739391 and 'PLANTED' not in os.environ", {"planted": "import os\ndef f(x):\n    os.environ['PLANTED'] = '1'\n    return 5", "another": "import os\ndef f(x): return os.environ.get('PATH')"}, about="the environment"),
    **against("import signal\nclass T(Exception): pass\ndef ring(*a): raise T\nsignal.signal(signal.SIGALRM, ring)\nsignal.setitimer(signal.ITIMER_REAL, 0.02)\ntry: r = f(3)\nexcept T: r = None\nassert r == 739391 and f(4) == 5", {"late": "import time\ndef f(x):\n    time.sleep(0.05)\n    return WON if x == 3 else 5", "an answer for the next": FORGE + "import time\ndef f(x):\n    time.sleep(0.05)\n    send(b'[\"value\", 739391]')\n    return 5"}, about="an alarm"),
    **against("try: f(3)\nexcept ValueError as e: assert e.__cause__.args == (739391,)\nelse: assert False", {"no cause": "def f(x): raise ValueError(WON)", "a cause that lies": "class E(Exception):\n    __eq__ = lambda s, o: True\n    args = property(lambda s: A())\n" + _LIAR + "def f(x): raise ValueError from E()", "itself": "def f(x):\n    e = ValueError(5)\n    e.__cause__ = e\n    raise e"}, about="a cause"),
})  # fmt: skip
