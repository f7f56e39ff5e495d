"""Classes with protocol methods of their own, and what tests do with their instances."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

import random

from tests.sandbox.oracle.grammar import Sketch, indent, pick, value

_METHODS: dict[str, list[str]] = {
    "eq": ["def __eq__(self, o): return isinstance(o, K) and self.a == o.a", "def __eq__(self, o): return self.a == getattr(o, 'a', o)",
           "def __eq__(self, o): return NotImplemented", "def __eq__(self, o): return False", "def __eq__(self, o):\n    if not isinstance(o, K): return NotImplemented\n    return (self.a, self.b) == (o.a, o.b)",
           "def __eq__(self, o):\n    seen.append('eq')\n    return self.a == o.a", "__eq__ = lambda self, o: self.b == o.b"],
    "ne": ["def __ne__(self, o): return True", "def __ne__(self, o): return not self == o"],
    "hash": ["def __hash__(self): return hash(self.a)", "__hash__ = None", "def __hash__(self): return 7"],
    "lt": ["def __lt__(self, o): return self.a < o.a", "def __lt__(self, o): return NotImplemented", "def __lt__(self, o): return self.b > o.b"],
    "le": ["def __le__(self, o): return self.a <= o.a"], "gt": ["def __gt__(self, o): return self.a > o.a"],
    "len": ["def __len__(self): return len(self.b)", "def __len__(self): return 0", "def __len__(self): return self.a"],
    "bool": ["def __bool__(self): return bool(self.a)", "def __bool__(self): return False", "def __bool__(self): return 5"],
    "iter": ["def __iter__(self): return iter(self.b)", "def __iter__(self):\n    yield self.a\n    yield from self.b", "def __iter__(self): return self"],
    "next": ["def __next__(self):\n    if not self.b: raise StopIteration\n    return self.b.pop()", "def __next__(self):\n    self.a += 1\n    if self.a > 4: raise StopIteration\n    return self.a"],
    "getitem": ["def __getitem__(self, i): return self.b[i]", "def __getitem__(self, i): return [(0, self.a), (1, self.b)][i]", "def __getitem__(self, i):\n    if isinstance(i, slice): return [self.a, i.start]\n    return self.b[i]"],
    "setitem": ["def __setitem__(self, i, v): self.b[i] = v"], "delitem": ["def __delitem__(self, i): del self.b[i]"],
    "contains": ["def __contains__(self, v): return v in self.b", "def __contains__(self, v): return v == self.a"],
    "call": ["def __call__(self, *p, **k): return (self.a, p, sorted(k.items()))", "def __call__(self, v):\n    self.b.append(v)\n    return self"],
    "add": ["def __add__(self, o): return K(self.a + o.a, self.b + o.b)", "def __add__(self, o): return self.a + (o.a if isinstance(o, K) else o)", "def __add__(self, o): return NotImplemented"],
    "radd": ["def __radd__(self, o): return ('r', o, self.a)", "def __radd__(self, o): return K(self.a + o, self.b)"],
    "iadd": ["def __iadd__(self, o):\n    self.b += [o]\n    return self"],
    "sub": ["def __sub__(self, o): return self.a - o.a"], "mul": ["def __mul__(self, n): return K(self.a * n, self.b)"], "rmul": ["__rmul__ = lambda self, n: (n, self.a)"],
    "neg": ["def __neg__(self): return K(-self.a, self.b)"], "abs": ["def __abs__(self): return abs(self.a)"],
    "int": ["def __int__(self): return self.a"], "index": ["def __index__(self): return self.a"], "float": ["def __float__(self): return float(self.a)"],
    "str": ["def __str__(self): return f'<{self.a}>'"], "repr": ["def __repr__(self): return f'K({self.a!r})'"], "format": ["def __format__(self, s): return f'{s}|{self.a}'"],
    "property": ["@property\ndef p(self): return (self.a, len(self.b))", "@property\ndef p(self): return self.b\n@p.setter\ndef p(self, v): self.b = [v]", "@functools.cached_property\ndef p(self):\n    self.a += 1\n    return self.a"],
    "method": ["def m(self, v=1):\n    self.b.append(v)\n    return self", "def m(self, v=1): return [self.a, v]", "def m(self, v=1): raise E(self.a, v)", "def m(self, v=1): return self.b", "def m(self, v=1): return K(v, self.b)"],
    "static": ["@staticmethod\ndef s(v): return v * 2"], "class": ["@classmethod\ndef c(cls, v):\n    cls.made += 1\n    return cls(v)"],
    "enter": ["def __enter__(self): return self\ndef __exit__(self, *e):\n    self.a = [k.__name__ if k else k for k in e[:1]]\n    return True", "def __enter__(self): return self.b\ndef __exit__(self, *e): self.b.append('out')"],
    "getattr": ["def __getattr__(self, n):\n    if n.startswith('_'): raise AttributeError(n)\n    return n * 2"], "setattr": ["def __setattr__(self, n, v): object.__setattr__(self, n, v if n != 'a' else v)"],
    "copy": ["def __copy__(self): return K(self.a, ['copied'])", "def __deepcopy__(self, memo): return K(self.a, ['deep'])"],
    "reversed": ["def __reversed__(self): return iter([self.a])"], "del": ["def __delattr__(self, n): seen.append(n)"], "dir": ["def __missing__(self, k): return k"],
}  # fmt: skip
_DERIVED = ["list", "dict", "int", "str", "tuple", "set", "collections.deque", "collections.OrderedDict", "collections.Counter", "float", "frozenset", "collections.UserDict", "collections.UserList"]  # fmt: skip
_STARTS = {"int": ["3", "0", "-1"], "float": ["1.5", "2.0"], "str": ["'ab'", "''"], "dict": ["{1: 2}", "{}"], "collections.OrderedDict": ["{1: 2, 3: 4}"],
           "collections.Counter": ["'aab'"], "collections.UserDict": ["{1: 2}"]}  # fmt: skip
_OPERATIONS = [
    "x == y", "x != y", "y == x", "x == 1", "1 == x", "x is y", "x is x", "[x] == [y]", "x in [y]", "x in (1, y)", "{'k': x} == {'k': y}", "(x, 1) == (y, 1)", "x == x", "[y, x].index(x)", "[x, y, x].count(x)",
    "x < y", "x <= y", "x > 1", "1 < x", "sorted([y, x]) == [x, y]", "[i.a for i in sorted([x, y, x])]", "max(x, y).a", "min([x, y], key=lambda i: i.a).a", "max([x, y]) is y",
    "len(x)", "bool(x)", "not x", "1 if x else 2", "x or 5", "x and 5", "all([x, y])", "any([x])", "list(x)", "tuple(x)", "sum(x)", "sorted(x)", "[*x]", "[i for i in x]", "set(x) == {1, 2}", "next(iter(x))", "dict(enumerate(x))", "list(zip(x, 'ab'))", "list(map(str, x))", "max(x)",
    "x[0]", "x[-1]", "x[1:]", "x['a']", "x[9]", "1 in x", "'a' in x", "[1] in x", "x()", "x(1)", "x(1, k=2)", "x(4).b",
    "x + y", "(x + y).a", "x + 1", "1 + x", "[0] + x", "sum([x, y])", "sum([x, y], start=x)", "x - y", "x * 2", "(x * 2).a", "2 * x", "-x", "(-x).a", "abs(x)", "x @ y", "x ** 2", "divmod(x, 2)", "x % 2", "x // 2", "x & y", "x | y",
    "int(x)", "float(x)", "complex(x)", "round(x)", "[5, 6, 7][x]", "list(range(x))", "'ab' * x", "hex(x)", "math.floor(x)",
    "str(x)", "repr(x)", "f'{x}'", "f'{x!r}'", "f'{x:>5}'", "format(x, 's')", "'%s' % (x,)", "'{0.a}'.format(x)", "'%d' % x", "str([x])", "print(x)",
    "hash(x) == hash(y)", "len({x, y})", "{x: 1}[y]", "{x: 1}.get(x)", "hash(x) == hash(x)",
    "x.a", "x.b", "x.p", "x.zz", "x.m()", "x.m(2)", "x.m().b", "x.m(3).m(4).b", "x.m is x.m", "x.m == x.m", "x.m == y.m", "K.m(x, 5)", "x.b is x.b", "x.b is y.b", "x.m() is x", "x.m() is x.b", "x.m() is x.m()", "x.s(3)", "K.s('q')", "x.c(1).a", "K.c(2).b", "K.made", "x.made", "x.__class__.__name__", "type(x).__name__", "K.__name__", "x.__doc__",
    "isinstance(x, K)", "isinstance(x, object)", "isinstance(x, (int, list))", "isinstance(x, Iterable)", "isinstance(x, collections.abc.Sized)", "type(x) is K", "type(x) == type(y)", "issubclass(K, object)", "callable(x)", "callable(K)", "getattr(x, 'a', 9)", "getattr(x, 'none', 9)", "hasattr(x, 'b')", "hasattr(x, 'zz')", "vars(x)", "x.__dict__", "sorted(vars(x))", "'m' in dir(x)", "isinstance(K, type)",
    "copy.copy(x) == x", "copy.copy(x).b is x.b", "copy.deepcopy(x).b is x.b", "copy.deepcopy([x, x])[0] is x", "copy.deepcopy(x).b", "copy.copy(x) is x", "functools.reduce(lambda p, q: p + q, [x, y, x])", "list(reversed(x))", "x.__len__()", "x.__eq__(y)", "K.__eq__(x, y)", "x.__add__(y)", "x.__hash__() == hash(x)", "list(filter(None, [x, 0, y])) == [x, y]", "x.__str__()", "operator.eq(x, y)", "operator.attrgetter('a')(x)", "heapq.heappushpop([x], y) is x", "bisect.bisect([x], y)",
    "f(x)", "f(x) is x", "f(x) == x", "g(x, y)", "g(x, x)", "h() is h()", "h() == x", "h().b", "f([x])[0] is x", "f({'k': x})['k'] is x", "[id(x) == id(f(x))]", "f(x.b) is x.b", "x in {y: 1}", "f(K) is K", "f(len)('abc')", "f(K)(7).a", "f(x.m) == x.m", "f((x, y))[1] is y", "type(h()) is K", "w(lambda i: i.a, [x, y])", "w(K, [1, 2])[1].a", "w(str, [x])", "w(lambda i: i, [x])[0] is x", "w(x, [1])", "w(x.m, [8])",
]  # fmt: skip
_STATEMENTS = [
    "x.a = 5", "x.b = y.b", "x.zz = 1", "x.b.append(9)", "x[0] = 7", "x['k'] = 1", "del x[0]", "x += y", "x += 1", "x = y", "del x.a", "K.made = 9", "x.p = 3", "x.m(6)", "y.b = x.b; y.b.append(1)", "with x as z: pass", "with x as z: 1 / 0", "with x as z: y = z",
    "for i in x: y.b.append(i)", "x, y = y, x", "z = [x, y]; z.sort()", "x.b += [4]", "x.b[:] = [1, 2]", "setattr(x, 'a', 8)", "K.m = lambda self, v=1: 'patched'", "for _ in range(2): f(x)", "a, *b = x", "match x:\n    case K(a=q): y.b.append(q)\n    case _: y.b.append(0)", "x.b.append(x)", "y.a = x", "try: x.m()\nexcept Exception as e: y.a = type(e).__name__", "assert x", "h().b.append('h')", "mut(x)", "mut(x.b)",
]  # fmt: skip
_HELPERS = "seen = []\nclass E(Exception):\n    pass\ndef f(v): return v\ndef g(p, q): return p is q\nkept = None\ndef h():\n    global kept\n    if kept is None: kept = K(1)\n    return kept\ndef w(fn, vs): return [fn(v) for v in vs]\ndef mut(v):\n    if isinstance(v, list): v.append('mut')\n    else: v.a = 'mut'\n"  # fmt: skip


def classes(draw: random.Random) -> Sketch:
    """A class of random methods and two of its instances."""
    base, made = "", [f"K({value(draw, 1)})", f"K({value(draw, 1)})"]
    if draw.random() < 0.3:
        base = draw.choice(_DERIVED)
        starts = _STARTS.get(base, ["[1, 2]", "[]", "(3, 1)"])
        made = [f"K({draw.choice(starts)})" for _ in range(2)]
    if draw.random() < 0.4:
        made = ["K(1)", draw.choice(["K(1)", "K(2)", "K(2, [1, 2])", "K(1, ['a'])", "x"])]
    if base:
        body = "made = 0\na = 1\n"
        body += "@property\ndef b(self): return self.__dict__.setdefault('_b', [])\n"
    else:
        start = "self.a = a\nself.b = [] if b is None else b\n"
        body = "made = 0\ndef __init__(self, a=0, b=None):\n" + indent(start)
    for name in draw.sample(list(_METHODS), draw.randint(1, 9)):
        body += draw.choice(_METHODS[name]) + "\n"
    code = _HELPERS + f"class {'B' if draw.random() < 0.2 else 'K'}{f'({base})' if base else ''}:\n" + indent(body)
    if "class B" in code:
        code += "class K(B):\n    def m(self, v=1):\n        return ('sub', super().__init__.__name__, v)\n"
    if draw.random() < 0.1:
        code = code.replace("class K", "@functools.total_ordering\nclass K", 1)
    return Sketch(code, _probes(draw, made, _OPERATIONS, _STATEMENTS))


def _probes(
    draw: random.Random, made: list[str], operations: list[str], statements: list[str]
) -> tuple[tuple[str, str], ...]:
    rows: list[tuple[str, str]] = []
    for _ in range(draw.randint(2, 5)):
        lines = [f"x = {made[0]}", f"y = {made[1]}"]
        lines += pick(draw, statements, 3) if draw.random() < 0.5 else []
        rows.append(("\n".join(lines), draw.choice(operations)))
    return tuple(rows)


_RECORDS = {
    "dataclass": "@dataclasses.dataclass({flags})\nclass K:\n    a: int = 1\n    b: list = dataclasses.field(default_factory=list)\n    def m(self, v=1): return self.a\n",
    "frozen": "@dataclasses.dataclass(frozen=True, order=True)\nclass K:\n    a: int = 1\n    b: tuple = ()\n    def m(self, v=1): return dataclasses.replace(self, a=v)\n",
    "slots": "@dataclasses.dataclass(slots=True)\nclass K:\n    a: int = 1\n    b: list = dataclasses.field(default_factory=list)\n    def __post_init__(self): self.b = self.b or [self.a]\n",
    "namedtuple": "K = collections.namedtuple('K', 'a b', defaults=(1, ()))\n",
    "typed tuple": "class K(typing.NamedTuple):\n    a: int = 1\n    b: tuple = ()\n    def m(self, v=1): return self.a + v\n    @property\n    def p(self): return -self.a\n",
    "enum": "class K(enum.Enum):\n    A = 1\n    B = 2\n    C = 1\n    @property\n    def a(self): return self.value\n    def m(self, v=1): return K(3 - self.value)\n",
    "int enum": "class K(enum.IntEnum):\n    A = 1\n    B = 2\n    def m(self, v=1): return self.name\n",
    "flag": "class K(enum.Flag):\n    A = enum.auto()\n    B = enum.auto()\n",
    "str enum": "class K(str, enum.Enum):\n    A = 'a'\n    B = 'b'\n",
    "simple": "K = types.SimpleNamespace\n",
    "exception": "class K(ValueError):\n    def __init__(self, a=1, b=()):\n        super().__init__(a, b)\n        self.a = a\n        self.b = list(b)\n    def m(self, v=1): raise self\n",
}
_RECORD_OPERATIONS = [
    "dataclasses.asdict(x)", "dataclasses.astuple(x)", "dataclasses.replace(x, a=5).a", "[k.name for k in dataclasses.fields(x)]", "dataclasses.is_dataclass(x)", "x._asdict()", "x._fields", "x._replace(a=4)", "K._make([1, 2])", "tuple(x)", "x == (1, ())", "(1, ()) == x", "x[0]", "a == x if (a := x) else 0", "x + (1,)",
    "x.value", "x.name", "K(1) is x", "K['A'] is x", "list(K)", "[m.name for m in K]", "len(K)", "K.A is K.A", "K.A == K.B", "K.A < K.B", "K.A in K", "x in (K.A, K.B)", "{K.A: 1}[x]", "K.A | K.B", "x & K.A", "(K.A | K.B).value", "K(9)", "K.C is K.A", "K.__members__.keys() >= {'A'}", "isinstance(x, K)", "isinstance(x, int)", "isinstance(x, str)", "x == 1", "x == 'a'", "x + 1", "x + 'z'", "x.upper()", "str(x)", "repr(x)", "f'{x}'", "type(x) is K", "x.m()", "x.m() is K.B", "x.args", "str(x)", "isinstance(x, ValueError)", "type(x).__name__", "x.p", "match_(x)", "sorted([y, x])", "max(x, y) is y", "hash(x) == hash(y)", "len({x, y})", "f(x) is x", "f(x) == y", "f([x, y]) == [x, y]", "x.zz", "sorted([K.B, K.A], key=lambda m: m.value)[0] is K.A",
]  # fmt: skip


def records(draw: random.Random) -> Sketch:
    """Data classes, named tuples, enums, exceptions: classes that Python writes methods for."""
    name = draw.choice(list(_RECORDS))
    flags = ", ".join(
        draw.sample(["order=True", "eq=False", "unsafe_hash=True", "repr=False", "kw_only=True"], draw.randrange(3))
    )
    code = "import dataclasses, enum, types, typing\n" + _HELPERS + _RECORDS[name].replace("{flags}", flags)
    code += (
        "def match_(v):\n    match v:\n        case 1: return 'one'\n        case K(): return 'K'\n    return 'none'\n"
    )
    if "enum" in name or name == "flag":
        made = [draw.choice(["K.A", "K(1)", "K['A']", "K('a')"]), draw.choice(["K.A", "K.B", "K.B.m()"])]
    elif name == "simple":
        made = ["K(a=1, b=[])", draw.choice(["K(a=1, b=[])", "K(a=2)"])]
    else:
        made = [draw.choice(["K()", "K(a=1)", "K(1)"]), draw.choice(["K(1)", "K(2)", "K(a=1, b=(1,))", "K(b=[3])"])]
    operations = _RECORD_OPERATIONS + _OPERATIONS[:120]
    sketch = _probes(
        draw,
        made,
        operations,
        ["import dataclasses", *_STATEMENTS[:12], "try: x.m()\nexcept ValueError as e: y = e", "x, *y = x", "q, r = x"],
    )
    return Sketch(code, tuple(("import dataclasses\n" + body, expression) for body, expression in sketch))
