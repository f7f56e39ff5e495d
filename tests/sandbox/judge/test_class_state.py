"""What the tests' own classes hold is shared with the program; callables and bare objects of the tests come back."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

import pytest

from mucode_core.sandbox import Sandbox
from tests.sandbox.sandbox_jobs import make_job, run_jobs

_NODE = (
    "class Node:\n    made = 0\n    log = []\n    def __init__(self, val=0, next=None):\n"
    "        Node.made += 1\n        self.val, self.next = val, next\n    def show(self): return self.val\n"
)

_SHARED = {
    "a counter of instances": ("def f(x): return x.val == Node(1).val", "x = Node(1)\nassert f(x) and Node.made == 2\nassert f(x) and Node.made == 3\nNode.made = 7\nf(x)\nassert Node.made == 8"),
    "a counter that the setup advanced": ("def f(x): return Node.made", "a, b = Node(1), Node(2)\nassert f(a) == 2 and Node.made == 2"),
    "a list": ("def f(x): Node.log.append(x.val)", "x = Node(1)\nf(x)\nassert Node.log == [1]\nNode.log.append(2)\nf(x)\nassert Node.log == [1, 2, 1]"),
    "a new attribute": ("def f(x): Node.extra = x.val", "f(Node(4))\nassert Node(1).extra == 4"),
    "an attribute removed": ("def f(x): del Node.made", "x = Node(1)\nf(x)\nassert not hasattr(Node, 'made')"),
}  # fmt: skip


@pytest.mark.parametrize("name", _SHARED)
def test_the_data_of_a_class_is_shared(name: str, sandbox: Sandbox) -> None:
    code, test = _SHARED[name]
    (verdict,) = run_jobs(sandbox, [make_job(code, test, setup=_NODE)])
    assert verdict.passed, verdict.feedback


def test_what_a_program_does_to_a_class_of_the_tests_is_its_word(sandbox: Sandbox) -> None:
    setup = "class Close:\n    most = 1e-6\n    def __init__(self, v): self.v = v\n    def __eq__(self, o): return abs(self.v - o) < Close.most\n"
    lie = "def f(x):\n    Close.most = 1e9\n    return 5"
    (verdict,) = run_jobs(sandbox, [make_job(lie, "assert Close(3) == f(Close(3))", setup=setup)])
    assert verdict.num_delegated > 0
    (honest,) = run_jobs(sandbox, [make_job("def f(x): return x.v", "assert Close(3) == f(Close(3))", setup=setup)])
    assert honest.passed and honest.num_delegated == 0


@pytest.mark.parametrize("change", ["Node.show = lambda s: 5", "Node.show = 5", "Node.__eq__ = lambda s, o: True"])
def test_methods_of_the_tests_stay(change: str, sandbox: Sandbox) -> None:
    code = f"def f(x):\n    {change}\n    return x"
    (verdict,) = run_jobs(sandbox, [make_job(code, "x = f(Node(1))\nassert x.show() == 5 or x == 5", setup=_NODE)])
    assert not verdict.passed


_BACK = {
    "built-in methods": "fn = '{}-'.format\nassert f(fn) is fn and f(fn) == fn\nx = [].append\nassert f(x) is x",
    "partial": "import functools\nx = functools.partial(int, base=2)\nassert f(x) is x and f([x])[0]('11') == 3",
    "itemgetter": "import operator\nx = operator.itemgetter(1)\nassert f(x) is x",
    "patterns": "import re\nx = re.compile('a+')\nassert f(x) is x and f(x).pattern == 'a+'",
    "bare objects": "x, y = object(), object()\nassert f(x) is x and f([y])[0] is y and f({y: 1}) == {y: 1} and f(x) != y",
    "functions by name": "assert f(len) is len and f(str.upper) is str.upper",
}


@pytest.mark.parametrize("name", _BACK)
def test_what_the_tests_pass_comes_back_as_itself(name: str, sandbox: Sandbox) -> None:
    (verdict,) = run_jobs(sandbox, [make_job("def f(v): return v", _BACK[name])])
    assert (verdict.status, verdict.num_delegated) == ("passed", 0), verdict.feedback


def test_methods_of_one_object_are_equal(sandbox: Sandbox) -> None:
    code = "class C:\n    def m(self): pass\nc = C()\nf = c.m"
    test = "assert c.m == f and c.m is not f and C().m != f and hash(c.m) == hash(f) and f in [c.m] and f != 3"
    (verdict,) = run_jobs(sandbox, [make_job(code, test)])
    assert verdict.passed and verdict.num_delegated > 0, "only the program can know"


def test_bases_are_those_of_the_program(sandbox: Sandbox) -> None:
    code = "class B(Exception): pass\nclass D(B, ValueError): pass\nclass A: pass\nclass Z(A): pass\ndef f(): raise D"
    tests = (
        "try:\n    f()\nexcept D as e:\n    assert [k.__name__ for k in type(e).__mro__][:4] == ['D', 'B', 'ValueError', 'Exception']",
        "assert D.__bases__ == (B, ValueError) and B.__bases__ == (Exception,) and D() is not None",
        "assert A.__bases__ == (object,) and Z.__mro__ == (Z, A, object) and Z.__base__ is A and A.__base__ is object and Z()",
    )
    (verdict,) = run_jobs(sandbox, [make_job(code, *tests)])
    assert verdict.passed, verdict.feedback
