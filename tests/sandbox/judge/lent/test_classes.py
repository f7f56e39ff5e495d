"""Classes of the tests that share something with them: wrong programs fail, and what cannot be passed is no verdict."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

import pytest

from mucode_core.sandbox import Sandbox
from mucode_core.sandbox.judge.syntax.definitions import find_source
from tests.sandbox.sandbox_jobs import make_job, run_jobs

_BASE = "class Base:\n    def __init__(self, n=0): self.n = n\n    def run(self): return {}\n"
_A, _B = (f"class C(Base):\n    def hook(self): return '{name}'\nassert C().run() == '{name}'" for name in "ab")
_WRONG = {
    "one answer for two classes of one name": (_BASE.format("'a'"), (_A, _B)),
    "a hook that is never called": (_BASE.format("None"), ("log = []\nclass C(Base):\n    def hook(self): log.append(self.n)\nC(5).run()\nassert log == [5]",)),
    "a hook that is called twice": (_BASE.format("self.hook() or self.hook()"), ("log = []\nclass C(Base):\n    def hook(self): log.append(self.n)\nC(5).run()\nassert log == [5]",)),
    "an exception of the tests that is swallowed": ("class Base:\n    def run(self):\n        try: self.hook()\n        except Exception: pass\n", ("class Mine(Exception): pass\nclass C(Base):\n    def hook(self): raise Mine\ntry:\n    C().run()\n    assert False, 'swallowed'\nexcept Mine: pass",)),
    "a registry that notes a class twice": ("class Base:\n    kinds = []\n    def __init_subclass__(cls): Base.kinds += [cls, cls]\n", ("class X(Base): pass\nassert Base.kinds == [X]",)),
    "a singleton that is none": ("def singleton(cls): return cls\n", ("made = []\n@singleton\nclass D:\n    def __init__(self): made.append(1)\nassert D() is D() and made == [1]",)),
    "a descriptor that checks nothing": ("class Fld:\n    def __set_name__(self, o, n): self.n = '_' + n\n    def __get__(self, i, o=None): return getattr(i, self.n)\n    def __set__(self, i, v): setattr(i, self.n, v)\n", ("class M:\n    a = Fld()\nm = M()\nm.a = 1\nassert m.a == 1\ntry:\n    m.a = 'x'\n    assert False\nexcept TypeError: pass",)),
    "a property that is not cached": ("class lazy:\n    def __init__(self, f): self.f = f\n    def __get__(self, i, o=None): return self.f(i)\n", ("calls = []\nclass M:\n    @lazy\n    def a(self): calls.append(1); return 5\nm = M()\nassert m.a == m.a == 5 and calls == [1]",)),
    "a data class by its base": ("class Shape:\n    def show(self): return 'Shape'\n", ("from dataclasses import dataclass\n@dataclass\nclass Sq(Shape):\n    s: int\nassert Sq(2).show() == 'Sq'",)),
}  # fmt: skip
_NOT_PASSED = {
    "enumerations of one name": ("def f(c): return c.value\n", ("from enum import Enum\nclass C(Enum):\n    A = 1\nassert f(C.A) == 1", "from enum import Enum\nclass C(Enum):\n    A = 2\nassert f(C.A) == 2")),
    "named tuples of one name": ("def f(c): return c[0]\n", ("from collections import namedtuple\nQ = namedtuple('Q', 'x')\nassert f(Q(1)) == 1", "from collections import namedtuple\nQ = namedtuple('Q', 'y')\nassert f(Q(1)) == 1")),
    "coroutines of the tests": ("class Base:\n    async def run(self): return await self.hook()\n", ("import asyncio\nlog = []\nclass C(Base):\n    async def hook(self): log.append(1)\nasyncio.run(C().run())\nassert log == [1]",)),
    "a lock in a class": ("def f(c): return c().go()\n", ("import threading\nlog = []\nclass C:\n    lock = threading.Lock()\n    def go(self): log.append(1); return 5\nassert f(C) == 5",)),
}  # fmt: skip


@pytest.mark.parametrize("name", _WRONG)
def test_a_wrong_program_fails(name: str, sandbox: Sandbox) -> None:
    code, tests = _WRONG[name]
    (verdict,) = run_jobs(sandbox, [make_job(code, *tests)])
    assert verdict.status in ("failed", "error") and verdict.num_passed == len(tests) - 1


@pytest.mark.parametrize("name", _NOT_PASSED)
def test_what_no_program_can_be_given_is_a_fault_of_the_tests(name: str, sandbox: Sandbox) -> None:
    code, tests = _NOT_PASSED[name]
    (verdict,) = run_jobs(sandbox, [make_job(code, *tests)])
    assert verdict.status == "not_judged"


def test_what_a_decorator_of_the_program_makes_of_a_class_is_its_word(sandbox: Sandbox) -> None:
    test = "@f\nclass C:\n    value = 3\nassert C.value == 5"
    (verdict,) = run_jobs(sandbox, [make_job("def f(c):\n    c.value = 5\n    return c", test)])
    assert verdict.passed and verdict.num_delegated > 0


_SOURCES = {
    "class C(Base):\n    x = 1\n    def m(self): return math.pi + self.x": True,
    "K = 5\ndef g(x): return x + K\nclass C(Base):\n    def m(self): return g(K)": True,
    "from decimal import Decimal\nclass C(Base):\n    def m(self): return Decimal(1)": True,
    "log = []\nclass C(Base):\n    def m(self): log.append(1)": False,
    "log = []\ndef g(): log.append(1)\nclass C(Base):\n    def m(self): g()": False,
    "class D: pass\nclass C(Base):\n    def m(self): return D()": False,
    "class C(Base): pass\nclass C(Base):\n    x = 1": False,
    "for i in range(3):\n    class C(Base):\n        x = i": False,
    "def test_a(k):\n    class C(Base):\n        def m(self): return k": False,
    "def test_a():\n    n = 0\n    class C(Base):\n        def m(self):\n            nonlocal n\n            n += 1": False,
    "n = 0\nclass C(Base):\n    def m(self):\n        global n\n        n += 1": False,
    "import pytest\nclass C(Base):\n    def m(self): pytest.fail()": False,
    "class C(Base):\n    x = field()": False,
    "K = max(3, 4)\nclass C(Base):\n    def m(self): return K": False,
}


@pytest.mark.parametrize("source", _SOURCES)
def test_only_what_shares_nothing_is_made_of_its_source(source: str) -> None:
    found = find_source(("", source), "C", True)
    assert (found is not None) is _SOURCES[source]
    assert found is None or "class C(Base)" in found
