"""Which asserts keep their values, what a program may supply, and what of a test is run."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from mucode_core.sandbox.judge.syntax.trees import nodes_of
from mucode_core.sandbox.judge.test_suite import HELPERS, MismatchError, compile_suite


def kept(*tests: str, setup: str = "") -> list[str]:
    suite = compile_suite(setup, tests, "f")
    return [suite.source_of(number) for number in range(len(suite.asserts))]


@pytest.mark.parametrize(
    ("test", "number"),
    [
        ("assert f(1) == 2", 1),
        ("assert f(1) is None", 1),
        ("assert 1 == 1, 'm'", 1),
        ("assert f(1)", 1),
        ("assert not f(1)", 1),
        ("assert candidate(1)", 1),
        ("assert f(1) < 2", 0),
        ("assert 1 == f(1) == 1", 0),
        ("assert f(1) and f(2)", 0),
        ("assert len(f(1))", 0),
        ("assert x.f(1)", 0),
        ("assert not not f(1)", 0),
        ("if 1:\n    assert f(1) == 2\nelse:\n    assert f(2) == 2", 2),
        ("try:\n    assert f(1)\nexcept E:\n    assert f(2)\nfinally:\n    assert f(3)", 3),
        ("match 1:\n    case 1:\n        assert f(1)", 1),
        ("def g():\n    class A:\n        assert f(1) == 1\n", 1),
    ],
)
def test_which_asserts_keep_their_values(test: str, number: int) -> None:
    assert len(kept(test)) == number


def test_texts_are_the_tests_own_without_messages() -> None:
    assert kept("assert f(1)==2, 'no'\nassert not  f(3)") == ["assert f(1) == 2", "assert not f(3)"]


@pytest.mark.parametrize(
    ("test", "got", "expected"),
    [
        ("assert f(1) == 2", 1, 2),
        ("assert 2 == f(1)", 1, 2),
        ("assert 2 == g(f(1))", 1, 2),
        ("assert max(2, 2) == f(1)", 1, 2),
        ("assert f(1) is 2", 1, 2),
        ("assert f(0)", 0, True),
        ("assert not f(1)", 1, False),
    ],
)
def test_what_was_got_is_the_side_that_calls_the_program(test: str, got: Any, expected: Any) -> None:
    space: dict[str, Any] = {"f": lambda x: x, "g": lambda x: x, **HELPERS}
    with pytest.raises(MismatchError) as caught:
        exec(compile_suite("", (test,), "f").tests[0], space)
    assert (caught.value.got, caught.value.expected, caught.value.number) == (got, expected, 0)


@pytest.mark.parametrize(
    ("tests", "names"),
    [
        (("assert f(1) == g(2)",), ("f", "g")),
        (("def g(x): return x\nassert f(1) == g(2)",), ("f",)),
        (("import g\nfrom a import b as h\nassert f(1) == g + h",), ("f",)),
        (("try: f(1)\nexcept E as e: assert e == len(x)",), ("E", "f", "x")),
        (("assert close(f(1), 2)",), ("f",)),
        (("async def g(a, *b, **c): return a, b, c\nassert f(g)",), ("f",)),
        (("class g: pass\nassert f(g) == np.array(1)",), ("f",)),
        (("def check(candidate):\n    assert candidate(1) == 2\n",), ("f",)),
        (("def check(candidate):\n    assert candidate(1) == 2\ncheck(h)",), ("h",)),
    ],
)
def test_names_that_a_program_may_supply(tests: tuple[str, ...], names: tuple[str, ...]) -> None:
    assert compile_suite("", tests, "f").names == names


@pytest.mark.parametrize("call", ["unittest.main()", "unittest.main(exit=False)", "pytest.main(['-q'])"])
def test_a_main_of_the_test_file_is_not_run(call: str) -> None:
    suite = compile_suite("", (f"import unittest, pytest\nx = f(1)\n{call}",), "f")
    assert "main" not in suite.tests[0].co_names and "x" in suite.tests[0].co_names


def test_all_nodes_of_trees_are_walked_once() -> None:
    source = "def f(a, *b, c=1):\n    return [x for x in a if x] and {**b} or f'{c!r:>{a}}'\n"
    tree = ast.parse(source)
    walked = [node for node in ast.walk(tree) if not isinstance(node, ast.expr_context)]
    assert nodes_of(tree) == walked
