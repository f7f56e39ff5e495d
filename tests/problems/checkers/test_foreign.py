"""Checkers that rows bring."""

from pathlib import Path

import pytest

from mucode_core.problems.checkers.foreign import adapt_python, standard_rule
from mucode_core.types import Comparison
from tests.problems.checkers.test_checkers import run

SUM_OF_TWO = """
import sys
def main():
    with open(sys.argv[1]) as f: n = int(f.read())
    with open(sys.argv[2]) as f: expected = f.read()
    with open(sys.argv[3]) as f: a, b = map(int, f.read().split())
    assert expected.strip(), "nothing expected"
    print(1 if a + b == n else 0)
if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize(
    ("output", "code"),
    [("1 4", 0), ("5 0\n", 0), ("1 3", 1), ("", 1), ("a b", 1), ("1 4 0", 1)],
    ids=["right", "another right one", "wrong", "empty", "no numbers", "too many"],
)
def test_a_checker_that_prints_its_verdict(output: str, code: int, tmp_path: Path) -> None:
    assert run(adapt_python(SUM_OF_TWO), tmp_path, "5", output, "2 3") == code


@pytest.mark.parametrize(
    "source",
    [
        "print(0)",
        "raise RuntimeError",
        "syntax error",
        "import sys; sys.exit(0)",
        "print('maybe')",
        "print(0.5)",
        "print(100)",
    ],
)
def test_a_checker_that_refuses_the_expected_output_is_at_fault(source: str, tmp_path: Path) -> None:
    assert run(adapt_python(source), tmp_path, "5", "1 4", "2 3") == 3


@pytest.mark.parametrize("end", ["sys.exit()", "sys.exit(1)", "sys.exit(0)", ""])
def test_what_is_printed_counts_however_the_checker_ends(end: str, tmp_path: Path) -> None:
    source = f"import sys\nright = open(sys.argv[3]).read() == open(sys.argv[2]).read()\nprint(int(right))\n{end}\n"
    assert run(adapt_python(source), tmp_path, "5", "2 3", "2 3") == 0
    assert run(adapt_python(source), tmp_path, "5", "3 2", "2 3") == 1


def program(title: str, more: str = "") -> str:
    main = f"int main(int argc, char* argv[]) {{ setName({title}); ouf.readWord(); }}"
    return f'#include "testlib.h"\n// a comment\n{more}\n{main}'


STANDARD = {
    "wcmp": Comparison("tokens"),
    "std::ncmp.cpp": Comparison("tokens"),
    "lcmp": Comparison("lines"),
    "fcmp": Comparison("lines"),
    "yesno": Comparison("tokens"),
    "nyesno": Comparison("tokens"),
    "rcmp4": Comparison("floats", 1e-4, 1e-4),
    "rcmp6": Comparison("floats", 1e-6, 1e-6),
    "rcmp9": Comparison("floats", 1e-9, 1e-9),
    "rcmp": Comparison("floats", 0.0, 1.5e-6),
    program('"compare sequences of tokens"'): Comparison("tokens"),
    program('"compare ordered sequences of signed int%d numbers", 8 * int(sizeof(int))'): Comparison("tokens"),
    program('"compare files as sequence of lines"'): Comparison("lines"),
    program(
        '"compare two sequences of doubles, max absolute or relative error = %.5lf", EPS', "const double EPS = 1E-4;"
    ): Comparison("floats", 1e-4, 1e-4),
}


@pytest.mark.parametrize("checker", STANDARD)
def test_standard_checkers_are_rules(checker: str) -> None:
    assert standard_rule(checker) == STANDARD[checker]


@pytest.mark.parametrize(
    "checker",
    ["", "strcmp", "uncmp", "int main() {}", program('"checks a spanning tree"'),
     program('"compare sequences of tokens"', "int n = inf.readInt();"),
     program('"compare unordered sequences of tokens"'),
     "// setName(\"compare sequences of tokens\");\nint main() {}"],
)  # fmt: skip
def test_other_checkers_are_none(checker: str) -> None:
    assert standard_rule(checker) is None
