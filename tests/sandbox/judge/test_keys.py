"""Objects of the program as keys and elements: to hash them the program is asked, while other messages are read or made."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from collections.abc import Callable

import pytest

from mucode_core.types import Verdict

_PROGRAM = """
import collections, dataclasses
from enum import Enum
class C(Enum):
    A = 1
    B = 2
@dataclasses.dataclass(frozen=True)
class P:
    a: int
class Q:
    def __init__(self, a): self.a = a
    def __eq__(self, other): return isinstance(other, Q) and self.a == other.a
    def __hash__(self): return hash(self.a)
NAMES = {C.A: 'a', P(1): ['b']}
kept = collections.defaultdict(list)
def plain(): return {C.A: 1}
def nested(): return [collections.Counter([C.A]), collections.OrderedDict({P(1): []}), {P(2): {P(3)}}]
def add(key, value):
    kept[key].append(value)
    return kept
def shared():
    x = [1]
    return [{Q(1): x}, x, {Q(2): x, 'y': x}]
class Stock:
    def __init__(self): self.items = {}
    def put(self, key, n=1):
        self.items[key] = self.items.get(key, 0) + n
        return self.items
def put(d, key): d[key] = d.get(key, 0) + 1
def include(s, x): s.add(x)
def fail(): raise ValueError({P(1): [1]}, [P(2)])
def use(g): return g({P(1): 2}, collections.Counter([P(1)]))
def walk():
    for i in range(40): yield {P(i): [i]}
def change(d, s):
    d[P(1)] = d.pop(P(0))
    s.clear()
    s.update({P(5), P(6)})
def group(xs):
    found = {}
    for x in xs: found.setdefault(P(x % 3), []).append(x)
    return found
"""
ROWS = {
    "a dict": "assert plain() == {C.A: 1} and plain()[C.A] == 1 and list(plain()) == [C.A]",
    "every kind": "for i in range(5):\n    a, b, c = nested()\n    assert a[C.A] == 1 and a == {C.A: 1} and b == {P(1): []} and c == {P(2): {P(3)}}\n    b[P(1)].append(4)\n    assert b == {P(1): [4]}",
    "kept and grown": "d = add(P(1), 2)\nadd(P(1), 3)\nadd(P(2), 4)\nassert d == {P(1): [2, 3], P(2): [4]} and d is kept and d[P(9)] == []\nassert add(P(9), 1)[P(9)] == [1]",
    "values that are shared": "a, x, b = shared()\nassert a[Q(1)] is x and b['y'] is x\nx.append(2)\nassert b[Q(2)] == [1, 2]",
    "an attribute": "s = Stock()\ns.put(C.A)\ns.put(C.A, 2)\ns.put(C.B)\nassert s.items == {C.A: 3, C.B: 1}\ns.items[C.A] = 7\nassert s.put(C.A) == {C.A: 8, C.B: 1} and s.items is s.put(C.B)",
    "globals": "assert NAMES[C.A] == 'a' and NAMES[P(1)] == ['b']",
    "arguments": "d = {}\nput(d, C.A)\nput(d, C.A)\nassert d == {C.A: 2}\ns = set()\nfor i in (1, 1, 2): include(s, P(i))\nassert len(s) == 2 and P(2) in s",
    "arguments that hold them": "d, s = {P(0): 'x'}, {P(1)}\nchange(d, s)\nassert d == {P(1): 'x'} and s == {P(5), P(6)}\nd[P(2)], d[P(0)] = 'y', 'z'\nchange(d, s)\nassert d == {P(2): 'y', P(1): 'z'}",
    "in an exception": "try: fail()\nexcept ValueError as error: assert error.args == ({P(1): [1]}, [P(2)])\nelse: assert False",
    "given to a function of the test": "assert use(lambda d, c: d[P(1)] + c[P(1)]) == 3\nseen = []\nuse(lambda d, c: seen.append((d, c)))\nassert seen == [({P(1): 2}, {P(1): 1})]",
    "given back by a function of the test": "assert use(lambda d, c: collections.OrderedDict({P(3): d})) == {P(3): {P(1): 2}}",
    "from a generator": "assert list(walk())[39] == {P(39): [39]} and [list(d) for d in walk()][1] == [P(1)]",
    "grouped": "assert group(range(7)) == {P(0): [0, 3, 6], P(1): [1, 4], P(2): [2, 5]} and group([]) == {}",
    "in tuples": "assert {(P(1), 1): 1} == {(P(1), 1): 1} and {frozenset([P(1)]): 1} == {frozenset([P(1)]): 1}",
}


@pytest.mark.parametrize("name", ROWS)
def test_right_programs_pass(judge_one: Callable[..., Verdict], name: str) -> None:
    verdict = judge_one(_PROGRAM, ROWS[name])
    assert verdict.passed, verdict.feedback


@pytest.mark.parametrize(
    "test",
    [
        "assert plain() == {C.A: 2}",
        "assert plain() == {C.B: 1}",
        "assert group(range(7)) == {P(0): [0, 3, 6], P(1): [1, 4]}",
        "assert nested()[0] == {P(1): 1}",
    ],
)
def test_wrong_programs_fail(judge_one: Callable[..., Verdict], test: str) -> None:
    verdict = judge_one(_PROGRAM, test)
    assert (verdict.status, verdict.num_passed) == ("failed", 0)
