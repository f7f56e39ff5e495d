"""Checkers that rows bring."""

from pathlib import Path

import pytest

from mucode_core.problems.checkers.foreign import adapt_python, standard_rule
from mucode_core.sandbox import Limits, ProcessSandbox
from mucode_core.sandbox.grading import grade_programs
from mucode_core.types import Comparison, StdinTest
from tests.conftest import make_problem
from tests.problems.checkers.test_checkers import run

_REFUSES = "ValueError: it refuses the expected output"
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
    ("source", "reason"),
    [
        ("print(0)", _REFUSES),
        ("raise RuntimeError('no')", "RuntimeError: no"),
        ("syntax error", "SyntaxError"),
        ("import sys; sys.exit(0)", _REFUSES),
        ("print('maybe')", _REFUSES),
        ("print(0.5)", _REFUSES),
        ("print(100)", _REFUSES),
    ],
)
def test_a_checker_that_refuses_the_expected_output_is_at_fault(source: str, reason: str, tmp_path: Path) -> None:
    row = make_problem(
        kind="stdin",
        entry_point="",
        public_tests=(StdinTest("5", "2 3"),),
        private_tests=(),
        checker=adapt_python(source),
    )
    with ProcessSandbox(1) as sandbox:
        ((public, _),) = grade_programs(
            sandbox, [(row, "print('1 4')")], limits=Limits(), feedback="full", on_bad_problem="skip"
        )
    assert public.status == "not_judged"
    assert f"the checker failed: {reason}" in public.feedback


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
