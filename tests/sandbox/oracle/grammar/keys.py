"""Objects of the program that it has hashed: keys and elements of what it returns, keeps, and changes for the tests."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

import random

from tests.sandbox.oracle.grammar import Sketch, indent, pick

_CLASSES = [
    "import enum\nclass K(enum.Enum):\n    A, B, C = 1, 2, 3\n", "import enum\nclass K(enum.IntEnum):\n    A, B, C = 1, 2, 3\n", "import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass K:\n    a: int\n", "import dataclasses\n@dataclasses.dataclass(frozen=True, order=True)\nclass K:\n    a: int\n", "class K:\n    def __init__(self, a): self.a = a\n    def __eq__(self, o): return isinstance(o, K) and self.a == o.a\n    def __hash__(self): return hash(self.a)\n    def __repr__(self): return f'K({self.a})'\n", "import typing\nclass K(typing.NamedTuple):\n    a: int\n", "class K(str):\n    def __new__(cls, a): return super().__new__(cls, a)\n",
]  # fmt: skip
_BODIES = [
    "d[K(x)] = d.get(K(x), 0) + 1", "d.setdefault(K(x), []).append(x)", "d.pop(K(1), None)", "d = {k: v for k, v in d.items()}", "d = collections.Counter([K(x), K(1), K(x)])", "d = collections.OrderedDict(d)", "d = {K(2): {K(x): d}}", "d = {(K(x), 1): x}", "d = {frozenset([K(x)]): 1}", "d = {K(x), K(2)}", "d = [{K(x): d}, d]", "kept[K(x)] = d", "d = kept", "d = dict.fromkeys([K(1), K(x)], [])", "d = collections.defaultdict(list, d)", "d[K(3)].append(x)", "d.clear()", "d = {v: k for k, v in d.items()}", "d['t'] = K(x)", "raise ValueError({K(x): 1})", "d = (K(x), {K(x): 1})", "d |= {K(x): 5}",
]  # fmt: skip
_SETUPS = ["d = {}", "d = {K(1): 5}", "d = {K(2): [1], 'a': 2}", "d = collections.OrderedDict()", "d = collections.Counter()", "d = collections.defaultdict(int)", "d = {(K(1), 1): 2}"]  # fmt: skip
_CALLS = ["r = f(1, d)", "r = f(2, d); r = f(2, d)", "r = f(1, d); d[K(3)] = 7; r = f(3, d)", "r = f(2, f(1, d))", "r = f(1, d); r[K(1)] = 8", "r = g(2)", "f(1, {}); r = kept"]  # fmt: skip
_AFTER = ["len(r)", "len(d)", "r == d", "r is d", "K(1) in r", "K(2) in d", "r[K(1)]", "d[K(2)]", "r == {K(1): 1}", "d == {K(1): 6}", "list(r.values())", "list(d.values())", "list(r) == [K(1)]", "next(iter(r)) == K(2)", "sorted(map(str, d))", "r[0]", "r[1] is d", "r[K(1)] is r[K(2)]", "r[K(2)][K(1)]", "kept == {K(1): d}", "len(kept)", "r[(K(1), 1)]", "d['t'] is K(1)", "r == r", "{K(1): 2} == {K(1): 2}", "r | {K(1): 0} == d", "max(r)", "{K(3), *r} == {K(3), K(1)}", "all(k == k for k in r)", "[v for k, v in r.items() if k == K(1)]"]  # fmt: skip


def keys(draw: random.Random) -> Sketch:
    """Dictionaries, counters and sets with keys of a class of the program."""
    head = draw.choice(_CLASSES)
    body = [*pick(draw, _BODIES, 2), "return d"]
    code = f"import collections\n{head}kept = {{}}\ndef f(x, d):\n{indent(chr(10).join(body))}def g(x): return {{K(x): f(x, {{}})}}\n"
    probes = [
        ("\n".join(["import collections", draw.choice(_SETUPS), draw.choice(_CALLS)]), draw.choice(_AFTER))
        for _ in range(draw.randint(2, 5))
    ]
    return Sketch(code, tuple(probes))
