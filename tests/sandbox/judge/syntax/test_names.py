"""Which names of tests a program may supply."""

import ast

import pytest

from mucode_core.sandbox.judge.syntax.names import program_names

CHECKED = "def close(a, b): return a == b\nassert close(f(1), 2)"


def names(*tests, setup="", entry_point="f", imported=()):
    trees = [ast.parse(source) for source in (setup, *tests)]
    return program_names(trees, entry_point, set(imported))[0]


@pytest.mark.parametrize(
    ("tests", "expected"),
    [
        (("assert f(g(1)) == 2",), ("f", "g")),
        (("assert f(1) == Decimal(2)", "from decimal import Decimal\nassert f(1) == Decimal(2)"), ("Decimal", "f")),
        (("from decimal import Decimal\nassert f(1) == Decimal(2)", "assert f(1) == Decimal(2)"), ("f",)),
        ((CHECKED, "assert close(f(1), 2)"), ("f",)),
        (("assert g(1) == 2", "def g(x): return x\nassert g(1) == f(1)"), ("f", "g")),
        (("assert close(f(1), 2)", "def close(a, b): return True"), ("f",)),  # it alone would decide
        (("def test_a():\n    assert close(f(1), 2)\ndef close(a, b): return a == b",), ("f",)),
        (("result = result(4)\nassert f(1) == result",), ("f", "result")),
        (("assert max([g(1)], key=lambda g: g.v) == f(1)",), ("f", "g")),
        (("assert [g for g in f(1)] == g(1)",), ("f", "g")),
        (("try:\n    f(1)\nexcept ValueError as e:\n    pass\nassert e(1) is None",), ("f",)),
        (("def test_a():\n    g = 1\n    assert g == f(1)",), ("f",)),
        (("def test_a():\n    g = 1\n    assert g == f(1)\ndef test_b():\n    assert g(1)",), ("f", "g")),
        (("def begin():\n    global g\n    g = 1\nbegin()\nassert f(1) == g",), ("f",)),
        (("class A:\n    g = 1\n    h = g\nassert f(1) == A.h",), ("f",)),
    ],
)
def test_a_name_is_the_programs_until_a_test_binds_it(tests, expected):
    assert names(*tests) == expected


def test_functions_of_the_setup_read_what_any_test_binds():
    assert names("RIGHT = 2\ncheck(f(1))", setup="def check(x): assert x == RIGHT") == ("f",)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("assert Counter(f(1)) == Counter([1])", ("f",)),
        ("assert sum(f(1)) == len([1])", ("f",)),
        ("assert math.isclose(f(1), 2)", ("f",)),
        ("x: List[int] = f(1)", ("f",)),
        ("assert datetime.date(2020, 1, 1) == f(1)", ("f",)),
        ("assert datetime(2020, 1, 1) == f(1)", ("datetime", "f")),
        ("s = Set()\nassert f(s)", ("Set", "f")),
        ("c = Counter()\nassert c.up() == 1", ("Counter",)),
        ("assert deque.size == 4", ("deque",)),
        ("assert math.pi > 3", ()),
    ],
)
def test_usual_names_stay_trusted_where_they_mean_something(test, expected):
    assert names(test) == expected


def test_what_tests_import_from_the_program_is_its_own():
    assert names("assert Counter(1)", entry_point="Counter") == ("Counter",)
    assert names("assert f(Counter(1))", imported=["Counter"]) == ("Counter", "f")
    assert names("assert f(Counter(1)) == len([1])", imported=["*"]) == ("Counter", "f")
