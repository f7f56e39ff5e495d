"""Statements and tests as users write them."""

from __future__ import annotations

import pytest

from mucode_core.errors import ConfigError
from mucode_core.solving import make_problem
from mucode_core.types import StdinTest


def test_asserts_are_tests_and_the_rest_is_setup() -> None:
    problem = make_problem("Add.", "import math\nassert add(1, 2) == 3\nassert add(\n    0, 0) == math.floor(0.5)\n")
    assert problem.public_tests == ("assert add(1, 2) == 3", "assert add(\n    0, 0) == math.floor(0.5)")
    assert (problem.setup, problem.entry_point, problem.kind) == ("import math", "add", "assert")
    assert problem.tests_shown and problem.private_tests == ()


@pytest.mark.parametrize(
    ("tests", "entry_point"),
    [
        ("from math import isclose\nassert isclose(add(1, 2), 3)", "add"),
        ("def near(a, b): return abs(a - b) < 1\nassert near(add(1, 2), 3)", "add"),
        ("assert callable(add)", "add"),
        ("from solution import add\nassert add(1, 2) == 3", "add"),
        ("def test_it():\n    assert len(add(1, 2)) == 3", "add"),
    ],
)
def test_the_entry_point_is_what_the_tests_lack(tests: str, entry_point: str) -> None:
    assert make_problem("Write add(a, b).", tests).entry_point == entry_point


def test_a_file_of_test_functions_is_one_test() -> None:
    source = "def test_add():\n    assert add(1, 2) == 3\n\ndef test_zero():\n    assert add(0, 0) == 0\n"
    assert make_problem("Add.", source).public_tests == (source,)


FOUND = {
    "asserts": (
        "Write add.\n\nassert add(1, 2) == 3\n  assert add([1,\n    2]) == 4\nassert that it works",
        ("assert add(1, 2) == 3", "assert add([1, 2]) == 4"),
    ),
    "fenced": ("Write add.\n```python\nassert add(1, 2) == 3\n```\n", ("assert add(1, 2) == 3",)),
    "doctest": (
        "Write add.\n\n>>> add(1, 2)\n3\n>>> x = 5\n>>> add('a', 'b')\n'ab'\n>>> add(1)\nTraceback (most recent"
        " call last)\n",
        ("assert add(1, 2) == 3", "assert add('a', 'b') == 'ab'"),
    ),
    "examples": (
        "Print the sum.\n\nExample Input 1:\n1 2\nExample Output 1:\n3\n\n"
        "Input\n```\n4\n5\n```\nOutput\n```\n9\n```\n\nNote: easy",
        (StdinTest("1 2\n", "3\n"), StdinTest("4\n5\n", "9\n")),
    ),
    "none": ("Write a function that asserts nothing; the input is a list and the output a number.", ()),
}


@pytest.mark.parametrize("name", FOUND)
def test_tests_that_stand_in_a_statement(name: str) -> None:
    statement, expected = FOUND[name]
    problem = make_problem(statement)
    assert problem.public_tests == expected
    assert problem.prompt == statement.strip() and not problem.tests_shown
    assert problem.kind == ("stdin" if name == "examples" else "assert")
    assert make_problem(statement, extract=False).public_tests == ()


@pytest.mark.parametrize(
    ("statement", "tests", "message"),
    [
        (" \n", "", "statement: is empty"),
        ("a" * 1_000_001, "", "statement: has 1,000,001 characters, more than 100,000"),
        ("Add.", "assert add(1 == 2", "tests: .*is not Python"),
        ("Add.", "add(1)", "tests: hold no test"),
    ],
)
def test_bad_input(statement: str, tests: str, message: str) -> None:
    with pytest.raises((ConfigError, ConfigError), match=message):
        make_problem(statement, tests)


def test_two_kinds_of_tests() -> None:
    with pytest.raises(ConfigError, match="both asserts and examples"):
        make_problem("Add.", "assert add(1) == 1", [StdinTest("1", "1")])


def test_helpers_that_neither_statement_nor_tests_define_are_refused() -> None:
    with pytest.raises(ConfigError, match="tests: need add, helper, which the statement does not name"):
        make_problem("Sum.", "assert helper(add(1, 2)) == 3")
    make_problem("Write add, and helper.", "assert helper(add(1, 2)) == 3")
    make_problem("Sum.", "from math import pi\ndef helper(x):\n    return x\nassert helper(add(1, pi)) > abs(3)")
    make_problem("Sum.", "def test_add():\n    total = [add(n, 1) for n in range(3)]\n    assert total == [1, 2, 3]")


@pytest.mark.parametrize(
    ("tests", "problem"),
    [
        ("assert True", "never call the program"),
        ("def f(x): return 2 * x\nassert f(1) == 3", "never call the program"),
        ("import math\nassert math.sqrt(4) == 2", "never call the program"),
        ("\n".join(f"assert add({i}, 1) == {i + 1}" for i in range(1001)), "are 1,001 asserts, more than 1,000"),
        ("assert add(1, 2) == 3  # " + "x" * 200_000, "have 200,025 characters, more than 200,000"),
    ],
)
def test_tests_that_cannot_work_are_refused(tests: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=f"tests: {problem}"):
        make_problem("Write add(a, b).", tests)


def test_asserts_keep_their_text_whatever_surrounds_them() -> None:
    tests = "x = 'é'; assert add('é', x) == 'éé'; y = 1\r\nassert add(1,\r\n  2)==3 # three\r\nassert add(0, 0) == 0"
    found = make_problem("Write add(a, b).", tests).public_tests
    assert found == ("assert add('é', x) == 'éé'", "assert add(1,\n  2)==3", "assert add(0, 0) == 0")


def test_a_module_of_the_program_may_be_imported_and_a_form_feed_stands_in_a_text() -> None:
    assert make_problem("Write f.", "import solution\nassert solution.f(1) == 2").kind == "assert"
    (test,) = make_problem("Write f.", "assert f('a\fb') == 'b\fa'").public_tests
    assert test == "assert f('a\fb') == 'b\fa'"


def test_a_file_without_tests_says_so() -> None:
    with pytest.raises(ConfigError, match="tests: hold no test"):
        make_problem("Write f.", "def check(candidate): pass")
