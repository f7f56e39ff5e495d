"""Test files of pytest and unittest as sources of tests."""

# ruff: noqa: E501 - programs are easier to read on one line

from __future__ import annotations

from collections.abc import Callable

import pytest

from mucode_core.types import Verdict

RIGHT, WRONG = "def add(a, b):\n    return a + b", "def add(a, b):\n    return a - b"
FILES = {
    "functions": "from solution import add\ndef test_one():\n    assert add(1, 2) == 3\ndef test_two():\n    assert add(0, 0) == 0",
    "renamed": "from solution import add as plus\ndef test_one():\n    assert plus(1, 2) == 3",
    "case": """
import unittest
class TestCases(unittest.TestCase):
    @classmethod
    def setUpClass(cls): cls.base = 1
    def setUp(self): self.left = []
    def tearDown(self): self.left.clear()
    def test_sum(self): self.assertEqual(add(self.base, 2), 3)
    def test_parts(self):
        for number in range(3):
            with self.subTest(number=number): self.assertAlmostEqual(add(number, 0.1), number + 0.1)
    def test_error(self):
        with self.assertRaises(TypeError): add(1)
if __name__ == "__main__":
    unittest.main()
""",
    "main": "import unittest\nclass T(unittest.TestCase):\n def test_a(self): self.assertEqual(add(1, 2), 3)\nunittest.main()",
    "cases": "import pytest\n@pytest.mark.parametrize('a, b, c', [(1, 2, 3), pytest.param(2, 2, 4)])\ndef test_p(a, b, c): assert add(a, b) == c",
    "product": "import pytest\n@pytest.mark.parametrize('a', [1, 2])\n@pytest.mark.parametrize('b', [3, 4])\ndef test_p(a, b): assert add(a, b) == a + b",
    "approx": "import pytest\ndef test_a(): assert add(0.1, 0.2) == pytest.approx(0.3)\ndef test_b(): assert [add(1, 1)] == pytest.approx([2.0])",
    "fixture": "import pytest\n@pytest.fixture\ndef one():\n    yield 1\ndef test_f(one): assert add(one, 1) == 2",
    "capsys": "def test_c(capsys):\n    print(add(1, 2))\n    assert capsys.readouterr().out == '3\\n'",
    "capsys, unpacked": "def test_c(capsys):\n    print(add(1, 2))\n    out, err = capsys.readouterr()\n    assert (out, err) == ('3\\n', '') and capsys.readouterr() == ('', '')",
    "class": "class TestAdd:\n    def setup_method(self): self.x = 1\n    def test_a(self): assert add(self.x, 1) == 2",
    "patch": "from unittest.mock import patch\nimport io\ndef test_m():\n    with patch('sys.stdout', new=io.StringIO()) as out:\n        print(add(1, 2))\n    assert out.getvalue() == '3\\n'",
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_right_programs_pass_and_wrong_ones_fail(judge_one: Callable[..., Verdict], name: str) -> None:
    right = judge_one(RIGHT, FILES[name], entry_point="add")
    assert right.passed, right.feedback
    assert judge_one(WRONG, FILES[name], entry_point="add").status == "failed"


def test_raises_wants_the_exception(judge_one: Callable[..., Verdict]) -> None:
    test = "import pytest\ndef test_r():\n    with pytest.raises(ValueError, match='neg') as info:\n        f(-1)\n    assert 'neg' in str(info.value)"
    assert judge_one("def f(x): raise ValueError('negative')", test).passed
    assert judge_one("def f(x): return x", test).feedback.endswith("AssertionError: did not raise ValueError")
    assert judge_one("def f(x): raise ValueError('zero')", test).status == "failed"
    assert judge_one("def f(x): raise KeyError('neg')", test).status == "error"


def test_an_object_that_equals_all_is_not_near_a_number(judge_one: Callable[..., Verdict]) -> None:
    code = "class X:\n def __eq__(self, other): return True\ndef f(): return X()"
    assert judge_one(code, "import pytest\ndef test_a(): assert f() == pytest.approx(1.5)").status == "failed"
    assert (
        judge_one("def f(): return [1.5]", "import pytest\ndef test_a(): assert f() == pytest.approx(1.5)").status
        == "failed"
    )


def test_a_fixture_that_there_is_not_is_the_problems_fault(judge_one: Callable[..., Verdict]) -> None:
    assert judge_one("def f(): return 1", "def test_a(database): assert f() == 1").status == "not_judged"


def test_helpers_that_the_tests_call_are_no_tests_of_their_own(judge_one: Callable[..., Verdict]) -> None:
    test = "def test_value(x): assert f(x) == x\ndef check(candidate):\n    test_value(1)"
    assert judge_one("def f(x): return x", test).passed
