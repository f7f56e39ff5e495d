"""Programs by seed whose answers are made to break what looks at them; none solves its problem."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence

from mucode_core.sandbox import Job, Limits, Sandbox
from tests.sandbox.attacks.forgery import RAW
from tests.sandbox.oracle.compare import judge_jobs
from tests.sandbox.traces import traces

_STATUSES = {"failed", "error", "timeout", "memory_exceeded", "output_exceeded"}
_LEAK = re.compile("0x[0-9a-f]{10,}|mucode-sandbox")
"""An address, or a path of this machine."""

_LIMITS = Limits(cpu_s=0.1, memory_mb=256, output_mb=2)
_ANSWER = 739391
_SETUP = "class Node:\n    def __init__(self, v=0, n=None): self.v, self.n = v, n\n    def __eq__(self, o): return isinstance(o, Node) and self.v == o.v\n"
_ATOMS = ["None", "True", "0", "-1", "2**64", "1 << 5000", "0.5", "float('nan')", "float('inf')", "-0.0", "''", "'x' * 70", "'\\ud800'", "'0x7'", "b'\\xff'", "1j", "...", "NotImplemented", "int", "len", "print", "f", "g", "type", "object()", "sys", "sys.modules", "globals()", "open", "(lambda: 1)", "(i for i in [1])", "iter([])", "range(10**9)", "range(3)", "slice(1)", "re.compile('a')", "collections.deque([1], 1)", "collections.Counter('ab')", "collections.defaultdict(int)", "collections.OrderedDict()", "decimal.Decimal('sNaN')", "fractions.Fraction(1, 7)", "datetime.date.max", "datetime.timedelta.max", "ValueError('x')", "StopIteration()", "SystemExit(0)", "KeyboardInterrupt()", "BaseExceptionGroup('g', [ValueError()])", "Exception", "memoryview(b'ab')", "array_('i', [1])", "Liar()", "Liar", "Meta", "Sub([1])", "Txt('a')", "Num(5)", "{}.keys()", "{1: 2}.items()", "itertools.count()", "itertools.repeat(1)", "frozenset({1})", "bytearray(b'a')", "types.SimpleNamespace(a=1)", "enum.Enum('E', 'A').A", "property(f)", "super", "__builtins__", "sys._getframe()", "sys.stdout", "io.StringIO('a')", "io.BytesIO(b'a')", "(lambda: (yield))()", "cyc", "deep", "twin"]  # fmt: skip
_WRAPS = ["[{}]", "[{0}, {0}]", "({},)", "{{'k': {}}}", "{{({},): 1}}", "{{{}}}", "[[{}]] * 3", "collections.deque([{}])", "iter([{}])", "map(lambda q: q, [{}])", "Sub([{}])", "[{}] * 1000", "collections.OrderedDict(a={})", "types.SimpleNamespace(a={})", "Liar({})", "(q for q in [{}])", "functools.partial({})", "[{}].append", "lambda *a: {}", "zip([{}])", "type('T', (), dict(a={}))()", "collections.defaultdict(lambda: {})", "frozenset([{}])", "itertools.cycle([{}])", "loop({})", "nest({})", "wide({})", "Awkward({})"]  # fmt: skip
_BEHAVIOURS = ["return True", "return False", "return self", "raise ValueError('no')", "raise SystemExit(0)", "raise KeyboardInterrupt", "raise StopIteration", "return NotImplemented", "return WON", "return -1", "return 'x'", "return 1 << 70", "return self.m(o)", "return {}", "return [self]", "return iter([self])", "yield self", "os._exit(0)", "return 0", "raise self", "return random.choice([True, False])", "return o", "g(o)\n        return True", "raise RecursionError", "raise MemoryError", "send(b'[\"value\", 1]')\n        return True", "return __import__('time').sleep(0.01)", "return f(o)", "raise type('E', (Exception,), {'__str__': lambda s: 1})()", "os.close(3)", "return type(self)"]  # fmt: skip
_HANGING = ["while True: pass", "__import__('time').sleep(30)", "return 'x' * (3 << 20)", "return [0] * 10**7"]
_NAMES = ["__eq__", "__ne__", "__lt__", "__hash__", "__bool__", "__len__", "__iter__", "__next__", "__getitem__", "__contains__", "__call__", "__add__", "__radd__", "__sub__", "__index__", "__int__", "__float__", "__str__", "__repr__", "__format__", "__getattr__", "__getattribute__", "__setattr__", "__delattr__", "__class__", "__dir__", "__dict__", "__enter__", "__exit__", "__reduce_ex__", "__copy__", "__deepcopy__", "__await__", "__instancecheck__", "__subclasscheck__", "__init_subclass__", "__set_name__", "__get__", "__del__", "__sizeof__", "__abs__", "__round__", "__reversed__", "__missing__", "__length_hint__", "__array__", "__buffer__", "m"]  # fmt: skip
_PRELUDE = (
    "import os, sys, types, enum, random\nfrom array import array as array_\nWON = int('7393' + '91')\n"
    "class Sub(list): pass\nclass Txt(str): pass\nclass Num(int): pass\n"
    "cyc = [1]\ncyc.append(cyc)\ndeep = []\nfor _ in range(3000): deep = [deep]\ntwin = [[0]] * 2\n"
    "def loop(v):\n    d = {'v': v}\n    d['d'] = d\n    return d\n"
    "def nest(v):\n    for i in range(random.choice([50, 99, 100, 101, 399, 401, 2000])): v = [v] if i % 2 else (v,)\n    return v\n"
    "def wide(v): return [[v] * 10 for _ in range(1000)]\n"
)
_USES = ["g(r)", "g([r, r])", "g({'a': r})", "g(r)(r)", "list(r)", "r.a", "r[0]", "r['k']", "str(r)", "repr([r])", "len(r)", "sorted(r)", "r()", "r(r)", "hash(r)", "{r: 1}", "r + r", "r.a = r", "r[0] = r", "r == r", "r < r", "bool(r)", "for q in r: g(q)", "next(r)", "next(iter(r))", "r.m(r)", "isinstance(r, Node)", "isinstance(r, type(r))", "copy.copy(r)", "copy.deepcopy(r)", "f'{r:>9}'", "with r as q: g(q)", "r.append(r)", "g(r.append)", "g(Node(r))", "g(Node(1, r)).v", "g(lambda: r)", "g(lambda q: q)(r)", "x = [r]; g(x); g(x)", "x = []; x.append(x); g(x); g(r)", "del r[0]", "r.clear()", "r.update(r)", "r is g(r)", "g(g)(g)", "g(r) == r", "int(r)", "dict(r)", "set(r)", "max(r, r)", "raise r", "abs(r)", "type(r)(r)", "vars(r)", "dir(r)", "r.__class__", "r.__dict__", "r |= r", "x, *y = r", "g(*r)", "g(**r)", "print(r)", "r = [g(r) for _ in range(20)]", "match r:\n    case Node(v=v): g(v)\n    case [q, *_]: g(q)", "json.dumps(r)", "'%s' % r", "''.join(r)", "r and r or r", "sum([r, r])", "g(str)(r)", "g(iter(r))", "g(print)"]  # fmt: skip
_TAGS = ["list", "tuple", "set", "frozenset", "dict", "int", "range", "handle", "iterator", "function", "builtin", "ndarray", "counter", "ordered", "defaultdict", "deque", "ref", "nan", "apart", "slice", "sync", "bytes", "bytearray", "decimal", "fraction", "date", "timedelta", "scalar", "keys", "values", "items", "array", "text file", "byte file", "complex", "object", "class", "instance", "error", "enum", "record", "callback", "dtype", "exception"]  # fmt: skip
_BASES = ["", "", "", "(int)", "(str)", "(list)", "(dict)", "(tuple)", "(Exception)", "(collections.OrderedDict)", "(set)", "(float)", "(type)"]  # fmt: skip
_EFFECTS = ["", "", "v.append(v)", "v.clear()", "v[0] = Liar()", "v.a = v", "v.__class__ = Liar", "v.v = Liar()", "kept.append(v)", "kept[:] = [v, kept]", "v.extend([Liar()] * 9)"]  # fmt: skip
_OPERATIONS = [
    "value",
    "value",
    "value",
    "items",
    "error",
    "ready",
    "call",
    "raise",
    "sync",
    "",
    "started",
    "printed",
    "done",
    "callback",
    "get",
    "compare",
]


def _form(draw: random.Random, depth: int = 0) -> object:
    if depth < 5 and draw.random() < 0.6:
        return [draw.choice(_TAGS), *(_form(draw, depth + 1) for _ in range(draw.randrange(4)))]
    return draw.choice(
        [
            None,
            True,
            4.5,
            0,
            1,
            2,
            3,
            -1,
            10**9,
            1 << 62,
            "a",
            "0x9",
            "list",
            "__loader__",
            [],
            {},
            [[]],
            {"0": 1},
            [1, 2],
            "x" * 300,
        ]
    )


def _forged(draw: random.Random) -> str:
    """The body of a function that answers by itself: once, twice, early, in part, or from a thread."""
    lines = []
    for _ in range(draw.choice([1, 1, 1, 2, 3, 20])):
        data = json.dumps([draw.choice(_OPERATIONS), *(_form(draw) for _ in range(draw.randint(1, 4)))]).encode()
        if draw.random() < 0.15:
            at = draw.randrange(len(data))
            data = data[:at] + bytes([draw.randrange(256)]) + data[at + draw.randrange(3) :]
        lines.append(f"send({data!r})")
    ending = draw.choice(
        [
            "return 5",
            "return x",
            "return twin",
            "os._exit(0)",
            "raise ValueError",
            "get()",
            "os.close(3)",
            "send(b'')",
            "os.write(3, b'\\xff\\xff\\x00\\x00[')",
            "return f",
        ]
    )
    return "\n    ".join([*lines, ending])


def hostile_job(seed: int) -> Job:
    """The job of a seed: an answer that is never right, used in some way, and passed back."""
    draw = random.Random(seed)
    names = draw.sample(_NAMES, draw.randint(1, 8))
    behaviours = _BEHAVIOURS + (_HANGING if draw.random() < 0.1 else [])
    methods = "".join(f"    def {name}(self, o=None, *a, **k):\n        {draw.choice(behaviours)}\n" for name in names)
    base = draw.choice(_BASES)
    code = (
        RAW
        + _PRELUDE
        + f"class Liar{base}:\n    def __new__(cls, *a, **k): return {'object' if not base else base[1:-1]}.__new__(cls)\n    def __init__(self, *a, **k): pass\n"
        + methods
    )
    code += "class Meta(type):\n" + methods + "class Awkward:\n    def __init__(self, a): self.a = a\n" + methods
    made = draw.choice(_ATOMS)
    for _ in range(draw.randrange(4)):
        made = draw.choice(_WRAPS).format(made)
    body = _forged(draw) if draw.random() < 0.3 else f"return {made}"
    effect = draw.choice(_EFFECTS)
    back = draw.choice(
        ["v", "[v]", "Liar(v)", made, "5", "lambda *a: v", "kept", "v(v)", "v()", "type(v)(v)", "(v, v)"]
    )
    code += f"kept = []\ndef g(v=None, *a, **k):\n    {effect or 'pass'}\n    made = {back}\n    return 0 if made is WON else made\ndef f(x):\n    {body}\n"
    uses = [draw.choice(_USES) for _ in range(draw.randint(1, 3))]
    guarded = "".join(
        "try:\n" + "".join(f"    {line}\n" for line in use.splitlines()) + "except Exception: pass\n" for use in uses
    )
    finish = f"assert r == {_ANSWER} and type(r) is int"
    tests = (f"r = f(3)\n{guarded}{finish}", f"r = f(4)\n{uses[0]}\n{finish}", f"r = g(f(5))\n{finish}")
    return Job(code, tests, "assert", _SETUP, "f", _LIMITS)


def unsound(sandbox: Sandbox, seeds: Sequence[int]) -> Iterator[tuple[int, str]]:
    """The seeds whose job passed a test, revealed something about this machine, or got no verdict; and what came of it."""
    for seed, verdict in zip(seeds, judge_jobs(sandbox, [hostile_job(seed) for seed in seeds]), strict=True):
        is_sound = verdict.status in _STATUSES and verdict.num_passed == 0 and verdict.feedback
        if not is_sound or _LEAK.search(verdict.feedback):
            yield seed, str(verdict)
    if left := traces():
        yield seeds[-1], f"left behind: {left}"
