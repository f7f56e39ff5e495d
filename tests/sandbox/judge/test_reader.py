"""Iterators of the program are read as far as the tests read them, as far as a test can see."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

import pytest

from mucode_core.sandbox import Sandbox
from tests.sandbox.sandbox_jobs import make_job, run_jobs

_LOGGED = "log = []\ndef f(n):\n    for i in range(n):\n        log.append(i)\n        yield i\n"
_COUNTED = "n = 0\ndef f(k):\n    for i in range(k):\n        global n\n        n += 1\n        yield i\ndef count(): return n\n"
_ECHO = "def f(n):\n    got = 0\n    while True:\n        sent = yield got\n        got = sent or got + 1\n"
_ITEMS = "class f:\n    def __init__(self, k): self.left = list(range(k))\n    def __iter__(self): return self\n    def __next__(self):\n        if not self.left: raise StopIteration\n        return self.left.pop()\n"
_RAISES = "class f:\n    n = 0\n    def __iter__(self): return self\n    def __next__(self):\n        self.n += 1\n        if self.n == 30: raise ValueError('mid')\n        if self.n > 60: raise StopIteration\n        return self.n\n"

_RIGHT = {
    "all": (_LOGGED, "assert list(f(100)) == list(range(100)) and log == list(range(100))"),
    "stops early": (_LOGGED, "for v in f(100):\n    if v == 30: break\nassert log == list(range(31))"),
    "stops early, seen by a call": (_COUNTED, "for v in f(100):\n    if v == 40: break\nassert count() == 41"),
    "stops before the end": (_COUNTED.replace("yield i", "yield i\n    n += 100"), "g = f(40)\nfor _ in range(40): next(g)\nassert count() == 40"),
    "several walks": (_COUNTED, "".join(f"for v in f(99):\n    if v == {k}: break\n" for k in (20, 25, 50, 30, 70, 40, 35)) + "assert count() == 277"),
    "send": (_ECHO, "g = f(1)\nfor v in g:\n    if v == 20: break\nassert g.send(50) == 50 and next(g) == 51"),
    "throw": ("def f(n):\n    for i in range(n):\n        try: yield i\n        except KeyError: yield 'thrown'\n", "g = f(90)\nfor v in g:\n    if v == 25: break\nassert g.throw(KeyError) == 'thrown' and next(g) == 26"),
    "close": ("log = []\ndef f(n):\n    try: yield from range(n)\n    finally: log.append('end')\n", "g = f(90)\nfor v in g:\n    if v == 25: break\nassert log == []\ng.close()\nassert log == ['end']"),
    "an argument grows": ("def f(v): return map(str, v)", "x = list(range(20))\nfor i, v in enumerate(f(x)):\n    if i == 18: x.append('last')\nassert v == 'last'"),
    "a callback per item": ("def f(fn): return map(fn, range(60))", "log = []\nfor v in f(lambda i: log.append(i) or i):\n    assert log == list(range(v + 1))"),
    "side by side": (_LOGGED, "for a, b in zip(f(30), f(50)): assert a == b\nassert len(log) == 60"),
    "an iterator that gets more": (_ITEMS, "g = f(30)\nassert len(list(g)) == 30\ng.left.append(5)\nassert list(g) == [5]"),
    "an iterator that continues after an error": (_RAISES, "g = f()\nseen = []\ntry:\n    for v in g: seen.append(v)\nexcept ValueError as e:\n    assert str(e) == 'mid'\nassert seen == list(range(1, 30)) and list(g) == list(range(31, 61))"),
    "an error after many": ("def f(n):\n    yield from range(n)\n    raise ValueError('end')", "g, seen = f(50), []\ntry:\n    for v in g: seen.append(v)\nexcept ValueError: pass\nassert seen == list(range(50)) and list(g) == []"),
    "part of an endless one": ("def f():\n    n = 0\n    while True:\n        n += 1\n        yield n", "import itertools\nassert sum(itertools.islice(f(), 500)) == 125250\nassert max(itertools.takewhile(lambda v: v < 300, f())) == 299\nassert next(f()) == 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", _RIGHT)
def test_a_walk_shows_what_single_steps_show(name: str, sandbox: Sandbox) -> None:
    code, test = _RIGHT[name]
    (verdict,) = run_jobs(sandbox, [make_job(code, test)])
    assert (verdict.status, verdict.num_delegated) == ("passed", 0), verdict.feedback


def test_a_job_that_is_run_again_counts_its_tests_once(sandbox: Sandbox) -> None:
    tests = (_RIGHT["stops early"][1], "assert list(f(2)) == [0, 1]", "assert list(f(2)) == [0, 2]")
    (verdict,) = run_jobs(sandbox, [make_job(_LOGGED, *tests)])
    assert (verdict.status, verdict.num_passed, verdict.num_tests) == ("failed", 2, 3)


def test_an_endless_walk_is_ended(sandbox: Sandbox) -> None:
    code = "def f(v): return map(str, v)"
    (verdict,) = run_jobs(sandbox, [make_job(code, "x = [1, 2]\nx += f(x)\nassert len(x) == 4")])
    assert verdict.status in ("timeout", "memory_exceeded", "output_exceeded")
