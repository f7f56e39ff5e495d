"""Which tests leave a judge as they found it."""

import ast

import pytest

from mucode_core.sandbox.judge.syntax.trees import are_harmless, nodes_of

HARMLESS = (
    "assert f([3, 1]) == sorted([3, 1]) and f(x=-1)[0] is not None",
    "def check(candidate):\n    for a, b in [(1, 2)]:\n        assert candidate(a) == b\ncheck(f)",
    "expected = {k: [v * 2 for v in range(3)] for k in 'ab'}\nassert f(*expected, key=lambda x: x) == expected",
    "METADATA = {'author': 'x'}\nassert abs(f(1.5) - 2) < 1e-6 if True else not f(2)",
)
HARMFUL = (
    "import sys\nassert f(1) == 2",
    "from os import environ\nassert f(1) == 2",
    "math.pi = 3\nassert f(1) == 2",
    "assert f(1) == math.floor(2.5)",
    "assert f([].__class__)",
    "print = f\nopen('x', 'w')",
    "exec('x = 1')",
    "setattr(f, 'x', 1)",
    "global x\nx = 1",
    "class A:\n    pass\nassert f(A())",
    "with f() as x:\n    assert x",
    "def g():\n    yield 1",
    "assert np.sum(f([1])) == 1",
    "unknown(f)",
)


def judge(source: str) -> bool:
    return are_harmless(nodes_of(ast.parse(source)), {"f"})


@pytest.mark.parametrize("source", HARMLESS)
def test_code_that_changes_its_own_variables_alone(source: str) -> None:
    assert judge(source)


@pytest.mark.parametrize("source", HARMFUL)
def test_code_that_may_change_what_the_next_tests_find(source: str) -> None:
    assert not judge(source)
