"""Functions that change their arguments, keep state, call back, raise, iterate, print."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

import random

from tests.sandbox.oracle.grammar import Sketch, indent, integers, pick, value

_LIST_EFFECTS = [
    "v.append(7)", "v.sort()", "v.reverse()", "v.clear()", "v.pop()", "v[:] = [1, 2]", "v += [5]", "v = v + [5]", "v.insert(0, v[-1])", "del v[0]", "v.extend(v)", "v[0], v[-1] = v[-1], v[0]", "v.remove(1)", "v *= 2", "kept.append(v)", "kept.append(list(v))", "v.append(kept)", "v.append(v)", "w = v; w.append(8)", "v[0] = v", "v.append([3]); v[-1].append(4)", "v = sorted(v)", "u.append(1)", "u = v", "v[:] = u", "kept[:] = v", "raise E(v)", "for k in list(kept): k.append(0)",
]  # fmt: skip
_RETURNS = ["v", "None", "list(v)", "v[:]", "[v]", "(v, u)", "v == u", "v is u", "kept", "copy.deepcopy(v)", "len(v)", "{'v': v}", "[v, v]", "[[0] * 2] * 2", "[[0] * 2 for _ in range(2)]", "lambda: v", "iter(v)", "reversed(v)", "u if v else v", "copy.copy(v)", "kept[-1]", "v[0]", "v.append", "tuple(v)", "enumerate(v)", "map(str, v)"]  # fmt: skip
_LIST_ARGUMENTS = [
    "[3, 1, 2]",
    "[]",
    "[1]",
    "[[1], [2]]",
    "[[0] * 2] * 2",
    "list(range(4))",
    "[1, 1, 2]",
    "[p, p]",
    "[[], p]",
]
_AFTER = ["x", "r", "r is x", "r == x", "x is y", "(x, r)", "r is None", "p", "y", "x[0] is p", "x[0] is x[1]", "x[0] is r[0]", "r[0] is x", "r[0]", "len(x)", "sum(x)", "f(x)", "f(x, y)", "f(x) is f(x)", "list(r)", "r()", "r() is x", "r['v'] is x", "r[1]", "(x, y, p)", "x == y", "sorted(x)", "f(f(x))", "[f(x), f(x)]", "f(r) is r", "r is not x and r == x", "next(r)", "list(r) == x", "all(q is not r for q in x)", "x.count(1)", "str(x)", "r[0] is r[1]", "f(list(x)) is x", "f(u=x, v=y)", "f(*[x])", "x[-1] is x"]  # fmt: skip
_CHANGES = ["r.append(6)", "x.append(5)", "x[0] = 9", "r[0] = 4", "x[0].append(8)", "r[0].append(8)", "r[0][0] = 1", "x = x[:]", "r = f(r)", "p.append(0)", "y = x", "f(y)", "r(3)", "x, r = r, x", "del x[:]", "x.sort()", "f(x)", "y = f(x)", "for q in list(x): f(x)", "r['v'].append(2)", "x += r", "r.extend(x)"]  # fmt: skip


def mutation(draw: random.Random) -> Sketch:
    """Lists changed, kept, returned and aliased."""
    parameter = draw.choice(["u=None", "u=[]", "u=()"])
    effects = pick(draw, _LIST_EFFECTS, 3) if draw.random() < 0.85 else ["pass"]
    code = (
        "kept = []\nclass E(Exception): pass\n"
        + f"def f(v, {parameter}):\n"
        + indent("\n".join([*effects, f"return {draw.choice(_RETURNS)}"]))
    )
    probes: list[tuple[str, str]] = []
    for _ in range(draw.randint(2, 5)):
        call = draw.choice(
            [
                "r = f(x)",
                "r = f(x)",
                "f(x); r = x",
                "r = f(x, y)",
                "r = f(x, x)",
                "r = f(x, p)",
                "r = f(v=x)",
                "r = f(x[0])",
                "r = f(y, x)",
            ]
        )
        lines = [
            "p = [1]",
            f"x = {draw.choice(_LIST_ARGUMENTS)}",
            f"y = {draw.choice(['[2]', 'x', '[3, 1, 2]', 'x[:]', '[x]'])}",
            call,
        ]
        lines += pick(draw, _CHANGES, 2) if draw.random() < 0.5 else []
        probes.append(("\n".join(lines), draw.choice(_AFTER)))
    return Sketch(code, tuple(probes))


_CONTAINERS = {
    "dict": (["{}", "{1: 2}", "{'a': [1]}", "{1: {2: 3}}", "dict(a=1, b=2)"], ["v[5] = 6", "v.pop(1, None)", "v.update(a=3)", "v.clear()", "v.setdefault('a', []).append(1)", "del v[1]", "v |= {7: 8}", "v = {**v, 1: 1}", "v['self'] = v", "v[1] = u"]),
    "set": (["set()", "{1, 2}", "{'a'}", "{(1, 2)}"], ["v.add(3)", "v.discard(1)", "v |= {9}", "v.clear()", "v = v | {4}", "v.remove(2)", "v ^= {1}", "v.update(u)"]),
    "bytearray": (["bytearray(b'ab')", "bytearray(3)"], ["v.append(65)", "v[0] = 66", "v += b'z'", "v.reverse()"]),
    "deque": (["collections.deque([1, 2])", "collections.deque([1, 2, 3], maxlen=2)", "collections.deque()"], ["v.append(4)", "v.appendleft(0)", "v.rotate(1)", "v.popleft()", "v.maxlen"]),
    "Counter": (["collections.Counter('aab')", "collections.Counter()"], ["v['z'] += 1", "v.update('ab')", "v.subtract('a')", "v['zero']", "del v['a']", "+v"]),
    "defaultdict": (["collections.defaultdict(list)", "collections.defaultdict(int, {1: 2})", "collections.defaultdict(lambda: 'd')"], ["v[5]", "v['a'] = v['b']", "v[1] += 1", "v['l'].append(3)", "v.pop(5, None)"]),
    "OrderedDict": (["collections.OrderedDict([(1, 2), (3, 4)])", "collections.OrderedDict()"], ["v.move_to_end(1)", "v.popitem(last=False)", "v[9] = 8", "v.move_to_end(3, last=False)"]),
    "array": (["np.array([1, 2, 3])", "np.zeros((2, 2))", "np.array([[1], [2]])", "np.arange(4)"], ["v += 1", "v[0] = 5", "v = v + 1", "v.sort()", "v *= v", "v.fill(3)"]),
    "nested": (["[{1: [2]}]", "{'k': [[1]]}", "([1], {2})", "[(1, [2])]", "{'a': p, 'b': p}"], ["v[0][1].append(3)", "v['k'][0].append(3)", "v[0].append(2)", "v[1].add(9)", "v['a'].append(5)", "v[0][1] = 7", "v['b'] = 0"]),
    "file": (["io.StringIO('ab\\ncd')", "io.BytesIO(b'ab\\ncd')", "io.StringIO()", "io.StringIO('a\\r\\nb', newline=None)"], ["v.read(1)", "v.readline()", "v.write('zz')", "v.write(b'z')", "v.seek(0, 2)", "v.truncate(1)", "v.close()", "v.seek(9)"]),
    "text": (["'abc'", "''", "'aé😀'", "b'ab'", "'a\\x00b\\udc80'"], ["v = v.upper()", "v += v", "v = v[::-1]", "v.zz", "v = v.encode()"]),
    "number": (["3", "-1", "10**30", "2.5", "float('inf')", "float('nan')", "True", "1j", "decimal.Decimal('1.5')", "fractions.Fraction(1, 3)", "0.1 + 0.2", "-0.0"], ["v += 1", "v = -v", "v = v * v", "v /= 3", "v = v // 2", "v = round(v, 1)"]),
    "dates": (["datetime.date(2020, 1, 31)", "datetime.datetime(2020, 1, 1, 5)", "datetime.timedelta(days=2)", "datetime.time(3, 4)"], ["v += datetime.timedelta(1)", "v = v.replace(day=1)", "v = str(v)"]),
    "range": (["range(5)", "range(9, 0, -2)", "slice(1, 3)", "frozenset({1, 2})", "memoryview(b'ab')", "Ellipsis", "NotImplemented", "int", "len", "[].append", "object()"], ["v = v[1:]", "v = list(v)", "kept.append(v)"]),
}  # fmt: skip
_CONTAINER_AFTER = [
    "x", "r", "r is x", "r == x", "type(r) is type(x)", "type(r).__name__", "list(x)", "list(r)", "sorted(x)", "len(x)", "len(r)", "x == y", "r == y", "1 in x", "1 in r", "x[1]", "r[1]", "r['missing']", "list(r.items())", "dict(x)", "x.keys() == {1}", "r.maxlen", "r.default_factory", "r.most_common(1)", "r + y", "r - y", "r & y", "x | y", "str(x)", "str(r)", "repr(r)", "bool(r)", "x is y", "f(f(x)) is x", "next(iter(r))", "r.tolist()", "x.tolist()", "x.sum()", "(x == r).all()", "r.shape", "isinstance(r, dict)", "isinstance(r, list)", "isinstance(x, collections.abc.Mapping)", "r['a'] is x['a']", "r[0] is x[0]", "x[0][1]", "p", "copy.copy(r) == x", "sum(r)", "max(r)", "hash(r) == hash(x)", "{r: 1}[x]", "r + 1", "r < y", "round(r, 2)", "r == 3", "r is True", "f'{r}'", "r[::-1]", "x.year", "r.day", "r is Ellipsis", "r is int", "r('abc')", "r is len", "g(x)", "g(r)", "g(x, y)", "kept[-1] is x", "len(kept)", "kept", "x.getvalue()", "r.getvalue()", "x.read()", "r.tell()", "x.closed",
]  # fmt: skip


def containers(draw: random.Random) -> Sketch:
    """Values of every kind, changed, handed back and compared."""
    starts, effects = _CONTAINERS[draw.choice(list(_CONTAINERS))]
    result = draw.choice(
        [
            "v",
            "v",
            "copy.copy(v)",
            "[v]",
            "(v, v)",
            "type(v)(v)",
            "None",
            "v == u",
            "list(v)",
            "{'a': v}",
            "copy.deepcopy(v)",
        ]
    )
    needs_numpy = "np." in str(starts)
    if needs_numpy and result == "type(v)(v)":  # an array of whatever memory holds
        result = "np.array(v)"
    body = [*pick(draw, effects, 2), *(["kept.append(v)"] if draw.random() < 0.2 else []), f"return {result}"]
    code = (
        "kept = []\ndef f(v, u=()):\n" + indent("\n".join(body)) + "def g(*vs): return [type(v).__name__ for v in vs]\n"
    )
    code = ("import numpy as np\n" if needs_numpy else "") + code
    probes: list[tuple[str, str]] = []
    for _ in range(draw.randint(2, 5)):
        lines = ["import numpy as np"] if needs_numpy else []
        lines += [
            "p = [1]",
            f"x = {draw.choice(starts)}",
            f"y = {draw.choice([*starts, 'x'])}",
            draw.choice(["r = f(x)", "r = f(x, y)", "r = f(x); r = f(x)", "r = f(v=x)"]),
        ]
        probes.append(("\n".join(lines), draw.choice(_CONTAINER_AFTER)))
    return Sketch(code, tuple(probes))


_CALLS = [
    "def f(fn, *vs): return [fn(v) for v in vs]", "def f(fn, *vs): return list(map(fn, vs))", "def f(fn, *vs): return sorted(vs, key=fn)", "def f(fn, *vs): return functools.reduce(fn, vs)", "def f(fn, *vs): return lambda *u: fn(*vs, *u)", "def f(fn, *vs): return fn", "def f(fn, *vs):\n    try: return fn(*vs)\n    except Exception as e: return type(e).__name__, str(e)", "def f(fn, *vs):\n    for v in vs: yield fn(v)",
    "def f(fn, *vs):\n    @functools.wraps(fn)\n    def w(*a, **k): return [fn(*a, **k)]\n    return w", "def f(fn, *vs): return [v for v in vs if fn(v)]", "def f(fn, *vs): return fn(fn(vs[0]))", "def f(fn, *vs): return fn(lambda q: q + 1)", "def f(fn, *vs): return fn([*vs])", "def f(fn, *vs):\n    data = [*vs]\n    fn(data)\n    return data", "def f(fn, *vs): return max(vs, key=fn, default='none')", "def f(fn, *vs): return {v: fn(v) for v in vs}",
    "memo = {}\ndef f(fn, *vs):\n    for v in vs:\n        if v not in memo: memo[v] = fn(v)\n    return memo", "def f(fn, *vs): return functools.partial(fn, *vs)", "def f(fn, *vs): return fn.__name__", "def f(fn, *vs): return callable(fn), isinstance(fn, type)", "def f(fn, *vs): return any(map(fn, vs))", "def f(fn, *vs): return next(iter(fn(vs)))",
]  # fmt: skip
_CALLBACKS = ["lambda q: q", "lambda q: q * 2", "lambda q, r: q + r", "lambda *q: sum(q)", "str", "len", "abs", "seen.append", "lambda q: seen.append(q) or q", "lambda q: 1 / q", "bump", "fail", "list", "lambda q: [q, q]", "lambda q: f(lambda z: z, q)", "operator.neg", "math.sqrt", "lambda q: (yield_ := q)", "lambda q: q > 1", "Thing", "Thing(1).plus", "lambda q: q.append(5)", "lambda q: q(1)", "max", "functools.partial(max, 2)", "lambda q: lambda r: q + r", "dict.get", "'{}-'.format", "gen", "lambda q: same", "int", "sorted", "set", "lambda: 4"]  # fmt: skip
_CALLBACK_AFTER = ["r", "seen", "list(r)", "r()", "r(3)", "r(1, 2)", "[q for q in r]", "r is fn", "r == fn", "next(r)", "r.__name__", "r[0]", "r[0] is same", "r[0](2)", "r[0].n", "r.func is fn", "f(fn, 1)", "(list(r), seen)", "count", "r(same) is same", "sorted(r)", "r.args", "type(r).__name__"]  # fmt: skip
_CALLBACK_SETUP = "seen = []\nsame = [1]\ncount = 0\ndef bump(q):\n    global count\n    count += 1\n    return count\ndef fail(*q):\n    raise KeyError('no')\ndef gen(q):\n    yield from [q, q]\nclass Thing:\n    def __init__(self, n): self.n = n\n    def plus(self, q): return self.n + q\n    def __eq__(self, o): return isinstance(o, Thing) and self.n == o.n\n    def __lt__(self, o): return self.n < o.n\n    def __hash__(self): return hash(self.n)\n"  # fmt: skip


def callbacks(draw: random.Random) -> Sketch:
    """Functions of the tests handed to the program, and functions handed back."""
    code = draw.choice(_CALLS)
    probes: list[tuple[str, str]] = []
    for _ in range(draw.randint(2, 5)):
        arguments = draw.choice(
            ["1, 2", "3, 1, 2", "", "'a', 'b'", "1", "[1]", "same", "Thing(2), Thing(1)", "0", "2.0, 1"]
        )
        lines = [
            _CALLBACK_SETUP.rstrip(),
            f"fn = {draw.choice(_CALLBACKS)}",
            f"r = f(fn{', ' * bool(arguments)}{arguments})",
        ]
        probes.append(("\n".join(lines), draw.choice(_CALLBACK_AFTER)))
    return Sketch(code, tuple(probes))


_NODE = "class Node:\n    made = 0\n    def __init__(self, val=0, next=None):\n        Node.made += 1\n        self.val = val\n        self.next = next\n"
_NODE_EQ = "    def __eq__(self, o): return isinstance(o, Node) and (self.val, self.next) == (o.val, o.next)\n"
_LINK = "def link(vs):\n    head = None\n    for v in reversed(vs): head = Node(v, head)\n    return head\ndef flat(n):\n    out = []\n    while n and len(out) < 9:\n        out.append(n.val)\n        n = n.next\n    return out\n"
_LISTS = [
    "def f(head):\n    prev = None\n    while head:\n        head.next, prev, head = prev, head, head.next\n    return prev", "def f(head): return head.next if head else None", "def f(head):\n    n = 0\n    while head:\n        n += head.val\n        head = head.next\n    return n", "def f(head):\n    head.val += 1\n    return head", "def f(head):\n    return Node(0, head)", "def f(head):\n    vals = []\n    while head:\n        vals.append(head.val)\n        head = head.next\n    out = None\n    for v in sorted(vals, reverse=True): out = Node(v, out)\n    return out", "def f(head):\n    head.next = head\n    return head", "def f(head): return copy.deepcopy(head)", "def f(head): return isinstance(head, Node)", "def f(head):\n    head.extra = [1]\n    return head.extra", "class Solution:\n    def f(self, head: 'Optional[Node]'):\n        self.last = head\n        return head.next\nf = Solution().f", "def f(head): return type(head)(5, head)", "def f(head): return head == Node(1)", "def f(head): return [head, head.next]",
]  # fmt: skip
_LIST_AFTER = ["r", "flat(r)", "flat(x)", "r is x", "r is x.next", "r.val", "r.next is x", "r.next", "x.val", "isinstance(r, Node)", "type(r) is Node", "r == x", "r == link([1, 2])", "x.extra is r", "x.extra", "r[0] is x", "r[1] is x.next", "Node.made", "f(r)", "flat(f(x.next))", "flat(f(r))", "r.next is r", "vars(r).keys() == {'val', 'next'}", "x.next.next is None"]  # fmt: skip


def setup_classes(draw: random.Random) -> Sketch:
    """Instances of a class that the setup defines; some programs make more of them."""
    setup = _NODE + (_NODE_EQ if draw.random() < 0.5 else "") + _LINK
    code = draw.choice(_LISTS)
    if draw.random() < 0.3:
        code, setup = _NODE + code, setup.replace(_NODE, "").replace(_NODE_EQ, "")
    starts = ["link([1, 2, 3])", "link([1])", "link([])", "link([3, 1, 2])", "Node(1)", "Node([1], Node('a'))"]
    probes = [
        (
            f"x = {draw.choice(starts)}\nr = f(x)"
            + draw.choice(["", "\nx.val = 7", "\nr.val = 8", "\nr.next = x", "\nr.next.val = 4"]),
            draw.choice(_LIST_AFTER),
        )
        for _ in range(draw.randint(2, 5))
    ]
    return Sketch(code, tuple(probes), setup)


_ERRORS = "class Base(Exception):\n    code = 1\nclass Own(Base, ValueError):\n    def __init__(self, what, n=0):\n        super().__init__(what)\n        self.what, self.n = what, n\n    def __str__(self): return f'own {self.what}'\n"
_RAISERS = ["raise Own(v)", "raise Own(v, n=3)", "raise Base", "raise ValueError(v)", "raise KeyError(v)", "raise IndexError", "[][0]", "{}[v]", "1 / 0", "int('x')", "raise Own('in') from KeyError(v)", "raise StopIteration(v)", "raise SystemExit(v)", "raise AssertionError(v)", "assert v == 0, 'not zero'", "return v", "raise NotImplementedError", "v.missing", "raise OSError(2, 'none')", "try: 1 / 0\nfinally: kept.append(v)", "try: 1 / 0\nexcept ZeroDivisionError as e: raise Own('again') from e", "raise Exception([v], {'a': v})", "raise UnicodeDecodeError('utf-8', b'x', 0, 1, 'bad')", "f.depth = 1\nreturn f(v + 1)", "raise type('Odd', (TypeError,), {})(v)", "return Own(v)", "raise kept_error", "raise ExceptionGroup('g', [ValueError(1), Own(2)])", "warnings.warn('w')\nreturn v", "yield v\nraise Own(v)", "e = ValueError(v)\ne.add_note('n')\nraise e", "raise KeyboardInterrupt", "raise TimeoutError('late')"]  # fmt: skip
_CATCHES = [
    "Own",
    "Base",
    "ValueError",
    "Exception",
    "(KeyError, Own)",
    "LookupError",
    "ArithmeticError",
    "BaseException",
    "AssertionError",
    "TypeError",
    "OSError",
]
_ERROR_AFTER = ["caught", "type(e).__name__", "str(e)", "e.args", "repr(e)", "isinstance(e, Own)", "isinstance(e, ValueError)", "type(e) is Own", "e.what", "e.n", "e.code", "type(e.__cause__).__name__", "e.__cause__ is None", "e.args[0]", "e is kept_error", "kept", "e.errno", "e.__notes__", "e.value", "str(e.__context__)", "issubclass(Own, Base)", "(type(e).__name__, str(e))", "list(x)", "x is None", "e.__traceback__ is not None", "len(e.exceptions)", "isinstance(x, Exception)", "f'{e}'", "e == e", "f(1) == f(1)", "type(e).__mro__[1].__name__"]  # fmt: skip


def exceptions(draw: random.Random) -> Sketch:
    """Exceptions raised by the program and caught by the tests, with what they carry."""
    code = (
        "import warnings\nkept = []\n"
        + _ERRORS
        + "kept_error = Own('kept')\ndef f(v):\n"
        + indent(draw.choice(_RAISERS))
    )
    probes: list[tuple[str, str]] = []
    for _ in range(draw.randint(2, 4)):
        call = draw.choice(
            [
                "x = f({v})",
                "x = f({v})",
                "x = list(f({v}))",
                "x = f(f({v}))",
                "x = next(f({v}))",
                "x = f({v}) + 1",
                "raise f({v})",
            ]
        ).format(v=value(draw, 1))
        style = draw.randrange(4)
        if style == 0:
            body = (
                f"import contextlib\nx = caught = e = None\nwith contextlib.suppress({draw.choice(_CATCHES)}):\n"
                + indent(call)
            )
        elif style == 1:
            body = (
                f"import unittest\nx = None\ntc = unittest.TestCase()\nwith tc.assertRaises({draw.choice(_CATCHES)}) as cm:\n"
                + indent(call)
                + "e = cm.exception\ncaught = True"
            )
        else:
            body = (
                "x = e = None\ncaught = False\ntry:\n"
                + indent(call)
                + f"except {draw.choice(_CATCHES)} as error:\n    e, caught = error, True\n"
                + draw.choice(["", "else:\n    caught = 'else'\n", "finally:\n    done = 1\n"])
            )
        probes.append((body, draw.choice(_ERROR_AFTER)))
    return Sketch(code, tuple(probes))


_ITERATORS = ["def f(n):\n    for i in range(n): yield i", "def f(n):\n    got = 0\n    for _ in range(9):\n        got = yield got\n        if got == 'stop': return 'end'", "def f(n): return (i * i for i in range(n))", "def f(n):\n    try:\n        yield from range(n)\n    finally: log.append('closed')", "def f(n): return iter([[1], [2]])", "def f(n): return zip(range(n), 'abc')", "class It:\n    def __init__(self, n): self.n = n\n    def __iter__(self): return self\n    def __next__(self):\n        if self.n <= 0: raise StopIteration\n        self.n -= 1\n        return self.n\ndef f(n): return It(n)", "def f(n): return itertools.islice(itertools.count(n), 4)", "def f(n): return itertools.groupby([1] * n + [2])", "def f(n):\n    x = [0]\n    for i in range(n):\n        x.append(i)\n        yield x", "def f(n): return reversed(range(n))", "def f(n): return map(lambda i: i + 1, range(n))", "def f(n):\n    yield 1\n    raise ValueError('mid')", "def f(n):\n    def inner():\n        log.append('ran')\n        yield n\n    return inner()", "def f(n): return iter(lambda: log.append(1) or min(len(log), n + 1), n + 1)", "def f(n):\n    yield from ({'k': i} for i in range(n))", "def f(n):\n    try: yield 1\n    except KeyError: yield 'thrown'", "def f(n): return itertools.tee(range(n))", "async def f(n): return n", "def f(n): return dict.fromkeys(range(n)).keys()", "def f(n): return {i: -i for i in range(n)}.items()"]  # fmt: skip
_ITERATOR_AFTER = ["next(g)", "list(g)", "[next(g), next(g)]", "next(g, 'none')", "g.send(None)", "[next(g), g.send(5)]", "list(itertools.islice(g, 2))", "sum(g)", "next(g) in g", "list(zip(g, g))", "g is iter(g)", "log", "(next(g), log)", "(list(g), list(g))", "g.throw(KeyError)", "(next(g), g.throw(KeyError))", "g.close()", "(next(g), g.close(), log)", "len(g)", "g[0]", "type(g).__name__", "inspect.isgenerator(g)", "isinstance(g, collections.abc.Iterator)", "isinstance(g, types.GeneratorType)", "max(g)", "2 in g", "[*g]", "dict(g)", "list(enumerate(g))", "sorted(g)", "[a is b for a, b in zip(f(2), f(2))]", "list(map(id, g))[0] == 0", "(next(g), next(g))[0] is next(f(3))", "[list(v) for k, v in g]", "next(g) is next(g)", "list(g)[0]", "str(next(g))", "asyncio.run(f(3))", "0 in g", "any(g)", "' '.join(map(str, g))", "list(g) == list(f(3))", "g == f(3)", "[i for i in g if i]", "list(g[1])", "bool(g)"]  # fmt: skip


def iterators(draw: random.Random) -> Sketch:
    """Generators and other iterators, read one way or another."""
    code = "log = []\n" + draw.choice(_ITERATORS)
    probes = [
        (
            f"import inspect, types, asyncio\nlog.clear()\ng = f({draw.randrange(4)})"
            + draw.choice(["", "", "\nnext(g)", "\nfor i in g: break"]),
            draw.choice(_ITERATOR_AFTER),
        )
        for _ in range(draw.randint(2, 5))
    ]
    return Sketch(code, tuple(probes))


_STATE = ["def f(n):\n    total = 0\n    def add(k):\n        nonlocal total\n        total += k\n        return total\n    return add", "@functools.lru_cache\ndef f(n): return [n]", "@functools.cache\ndef f(n): return n if n < 2 else f(n - 1) + f(n - 2)", "count = 0\ndef f(n):\n    global count\n    count += n\n    return count", "def f(n, seen=[]):\n    seen.append(n)\n    return seen", "def f(n):\n    f.calls = getattr(f, 'calls', 0) + 1\n    return f.calls", "def f(n, *args, k=2, **kw): return (n, args, k, kw)", "def f(n, /, m=1, *, k=2): return (n, m, k)", "f = lambda n: [n] * n", "def f(n): return [lambda: i for i in range(n)]", "class f:\n    def __init__(self, n): self.n = n\n    def __repr__(self): return f'f{self.n}'", "def f(n): return (lambda q: q(q, n))(lambda s, k: 1 if k < 1 else k * s(s, k - 1))", "def deco(fn):\n    def w(*a):\n        w.n += 1\n        return fn(*a)\n    w.n = 0\n    return w\n@deco\ndef f(n): return n", "f = functools.partial(pow, 2)", "f = operator.methodcaller('upper')", "class C:\n    def f(self, n): return (self, n)\nc = C()\nf = c.f", "f = str.upper", "f = dict", "f = [1, 2, 3]", "f = {'a': [1]}", "f = 5", "import itertools\nids = itertools.count(1)\ndef f(n): return next(ids)", "@functools.singledispatch\ndef f(n): return 'any'\n@f.register\ndef _(n: int): return 'int'\n@f.register(list)\ndef _(n): return 'list'", "@contextlib.contextmanager\ndef f(n):\n    log.append('in')\n    try: yield [n]\n    finally: log.append('out')", "def f(n): return locals()", "def f(n): return random.Random(n).random()", "def f(n: int = 3) -> str:\n    'Doc.'\n    return str(n)", "def f(n): return [g, h][n % 2]\ndef g(): return h\ndef h(): return g", "def f(n): return type('T', (), {'n': n})", "def f(n): return sorted(log)"]  # fmt: skip
_STATE_AFTER = ["f(1)", "f(3)", "[f(1), f(2)]", "f(1) is f(1)", "f(1) == f(1)", "f(2)(5)", "r(1) + r(2)", "r", "count", "f.calls", "f(1, 2, 3, k=4, z=5)", "f(1, m=2)", "f(n=1)", "f()", "f(1, k=9)", "[q() for q in f(3)]", "f(2).n", "f.n", "f.cache_info().hits", "f.cache_clear()", "f.__name__", "f.__doc__", "f.__defaults__", "f.__annotations__", "inspect.signature(f).parameters.keys() >= {'n'}", "str(inspect.signature(f))", "f(4)", "f('a')", "f([1])", "f(**{'n': 2})", "f(*[2])", "f", "f[0]", "f[-1:]", "f['a']", "f == 5", "f is f", "callable(f)", "f.append(4)", "len(f)", "log", "f(2)[0] is f(2)[0]", "f(0)() is f(1)", "f(1)() is f(0)", "f(1).n", "f(1).__name__", "isinstance(f(1)(), f(1))", "f.__self__ is c", "c.f == f", "list(map(f, [1, 2]))", "[*map(f, (0, 1))]", "max([3, 1], key=f)", "f.func is pow", "f(1)['n']", "type(f).__name__", "str(f(2))", "f.missing", "f.x", "isinstance(f(1), str)", "f.__wrapped__", "functools.reduce(lambda a, b: f(b), [1, 2])"]  # fmt: skip


def state(draw: random.Random) -> Sketch:
    """Closures, caches, globals, defaults, signatures: what a function keeps and shows."""
    code = "import contextlib\nlog = []\n" + draw.choice(_STATE)
    bodies = [
        "r = f(1)",
        "r = f(2); r = f(2)",
        "log.append(4)",
        "f.x = 3",
        "with f(1) as r: r.append(2)",
        "",
        "",
        "r = f(0); f(1)",
        "global_count = 1",
        "try: r = f(1); r.append(9)\nexcept Exception: pass",
    ]
    probes = [("import inspect\n" + draw.choice(bodies), draw.choice(_STATE_AFTER)) for _ in range(draw.randint(2, 5))]
    return Sketch(code, tuple(probes))


_PRINTERS = ["def f(n):\n    print(n)\n    return n", "def f(n): print(n, 'é', sep='-', end='')", "def f(n):\n    sys.stdout.write(str(n))", "def f(n):\n    for i in range(3): print(i, end=' ')", "def f(n): return int(input()) * 2", "def f(n): return [input('? ') for _ in range(2)]", "def f(n): return sys.stdin.read()", "def f(n): return [line.strip() for line in sys.stdin]", "def f(n): print('err', file=sys.stderr)", "def f(n):\n    name = input('name: ')\n    print(f'hi {name}')", "def f(n): return sys.stdin.readline()", "def f(n): print(input(), flush=True)", "from sys import stdin, stdout\ndef f(n): stdout.write(stdin.readline())", "def f(n): return time.time()", "def f(n): return random.random()", "def f(n): return os.environ.get('N', 'none')", "def f(n): return helper(n)\ndef helper(n): return n", "def f(n): return open('t.txt').read()", "def f(n): return datetime.datetime.now().year > 2000", "def f(n): return sys.argv[1:]"]  # fmt: skip
_CAPTURES = [
    "out = io.StringIO()\nwith contextlib.redirect_stdout(out):\n    r = f({v})", "old, sys.stdout = sys.stdout, io.StringIO()\nr = f({v})\nout, sys.stdout = sys.stdout, old", "out = io.StringIO()\nbuiltins.input = lambda *a: '4'\nr = f({v})", "out = io.StringIO()\nsys.stdin = io.StringIO('7\\n8\\n')\nr = f({v})", "out = io.StringIO()\nwith mock.patch('builtins.input', side_effect=['1', '2']), contextlib.redirect_stdout(out):\n    r = f({v})", "out = io.StringIO()\nwith mock.patch('builtins.input', return_value='9') as m:\n    r = f({v})", "with mock.patch('sys.stdout', new_callable=io.StringIO) as out:\n    r = f({v})", "with mock.patch('builtins.print') as m:\n    r = f({v})\nout = io.StringIO()", "out = io.StringIO()\nwith mock.patch('sys.stdin', io.StringIO('3\\n')), contextlib.redirect_stderr(out):\n    r = f({v})", "out = io.StringIO()\nwith contextlib.redirect_stderr(out):\n    r = f({v})", "out = io.StringIO()\nwith mock.patch.dict(os.environ, N='env'):\n    r = f({v})", "out = io.StringIO()\nwith mock.patch('time.time', return_value=5):\n    r = f({v})", "out = io.StringIO()\nrandom.seed(3)\nr = f({v})", "out = io.StringIO()\nsys.argv = ['a', 'b']\nr = f({v})", "out = io.StringIO()\nopen('t.txt', 'w').write('file')\nr = f({v})", "out = io.StringIO()\nprint_ = f({v})\nr = None",
]  # fmt: skip
_PRINTED_AFTER = ["out.getvalue()", "out.getvalue().strip()", "r", "r is None", "(r, out.getvalue())", "out.getvalue().split()", "m.called", "m.call_count", "m.call_args", "m.mock_calls", "len(out.getvalue())", "r == 5", "r == random.Random(3).random()", "out.getvalue() == ''", "r == 8", "out.getvalue().splitlines()"]  # fmt: skip


def printed(draw: random.Random) -> Sketch:
    """Programs that print and read, with tests that capture and patch."""
    code = draw.choice(_PRINTERS)
    head = "import io, builtins, contextlib, random\nfrom unittest import mock\n"
    probes = [
        (head + draw.choice(_CAPTURES).format(v=draw.choice(["3", "'a'", integers(draw)])), draw.choice(_PRINTED_AFTER))
        for _ in range(draw.randint(1, 3))
    ]
    return Sketch(code, tuple(probes))
