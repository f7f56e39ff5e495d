"""Tests that import the program: what they import is the program's, whatever else bears the name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mucode_core.types import Verdict

_PROGRAM = """
class Counter:
    def __init__(self): self.n = 0
    def inc(self):
        self.n += 1
        return self.n
def f(x): return x + 1
def sum(xs): return 'own'
"""


@pytest.mark.parametrize(
    "test",
    [
        "from solution import Counter\nassert Counter().inc() == 1",
        "import solution\nassert solution.f(1) == 2 and solution.Counter().inc() == 1",
        "import math, solution as s\nassert s.f(1) == 2 and math.pi > 3 and s.sum([]) == 'own'",
        "from solution import sum as total, f\nassert total([1]) == 'own' and f(0) == 1",
        "from solution import *\nassert f(1) == 2 and sum([1]) == 1",
        "import solution\ndef test_it():\n    assert solution.f(2) == 3\n",
        "from solution import Counter\nimport unittest\nclass TestIt(unittest.TestCase):\n"
        "    def test_it(self): self.assertEqual(Counter().inc(), 1)\n",
        "assert sum([f(1)]) == 2",
    ],
)
def test_names_are_the_programs(judge_one: Callable[..., Verdict], test: str) -> None:
    verdict = judge_one(_PROGRAM, test)
    assert verdict.passed, verdict.feedback


def test_a_setup_imports_too(judge_one: Callable[..., Verdict]) -> None:
    assert judge_one(_PROGRAM, "assert Counter().inc() == 1", setup="from solution import Counter").passed


@pytest.mark.parametrize(
    "test", ["from solution import missing\nassert missing(1) == 2", "import solution\nsolution.g()"]
)
def test_what_the_program_lacks_is_an_error(judge_one: Callable[..., Verdict], test: str) -> None:
    verdict = judge_one(_PROGRAM, test)
    assert verdict.status == "error" and "NameError" in verdict.feedback


def test_what_no_test_imports_stays_the_tests_own(judge_one: Callable[..., Verdict]) -> None:
    assert not judge_one("def f(x): return 5\ndef all(xs): return True", "assert all([f(1) == 2])").passed
