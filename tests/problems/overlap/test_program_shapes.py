import pytest

from mucode_core.problems.overlap.program_shapes import assert_shapes, program_shape


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("def f(a): return a", "def g(x): return x"),
        ("class A:\n    def m(self): return B\nB = 1", "class X:\n    def m2(me): return Y\nY = 1"),
        (
            "import math\ndef f(a): return math.sqrt(a)",
            "# root\nimport math\ndef g(b):\n  'Root.'\n  return math.sqrt(b)",
        ),
    ],
)
def test_copies_have_one_shape(first: str, second: str) -> None:
    assert program_shape(first) == program_shape(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("def f(a, b): return a", "def f(a, b): return b"),
        ("def f(a): return min(a)", "def f(a): return max(a)"),
        ("import math\nx = math.pi", "import cmath\nx = cmath.pi"),
    ],
)
def test_other_programs_have_another(first: str, second: str) -> None:
    assert program_shape(first) != program_shape(second)


def test_what_is_not_python_is_itself() -> None:
    assert program_shape("print 5") == "print 5"
    assert assert_shapes("assert", "f") == ["assert"]


def test_asserts_are_those_of_a_suite_too() -> None:
    assert assert_shapes("assert add(1,2)==3, 'sum'", "add") == ["assert f(1, 2) == 3"]
    assert assert_shapes("def check(candidate):\n  assert candidate(1) == 2\n", "add") == ["assert f(1) == 2"]
    assert assert_shapes("add(1)", "add") == ["add(1)"]
