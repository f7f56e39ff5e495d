"""Test files of pytest and unittest as sources of tests."""

# ruff: noqa: E501 - programs are easier to read on one line

from __future__ import annotations

from collections.abc import Callable

import pytest

from mucode_core.sandbox.judge.suites.collected import count_tests
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


NO_TWO = "def f(x): return x if x != 2 else 0"
"""Wrong for 2 alone."""
FOUND = {
    "main guard": "def test_a(): assert f(2) == 2\ndef test_b(): assert f(1) == 1\nif __name__ == '__main__':\n    test_a()\n    test_b()",
    "main guard, reversed": "def test_a(): assert f(2) == 2\nif '__main__' == __name__:\n    test_a()\n    raise SystemExit(0)",
    "main guard, else": "if __name__ == '__main__':\n    pass\nelse:\n    def test_a(): assert f(2) == 2\ndef test_b(): assert f(1) == 1",
    "exit of main": "import sys, pytest\ndef test_a(): assert f(2) == 2\nsys.exit(pytest.main([__file__]))",
    "main by name": "from unittest import main, TestCase\nclass T(TestCase):\n def test_a(self): self.assertEqual(f(2), 2)\nmain()",
    "suite": """
import unittest
class TestA(unittest.TestCase):
    def test_a(self): self.assertEqual(f(2), 2)
class TestB(unittest.TestCase):
    def test_a(self): self.assertEqual(f(1), 1)
def suite():
    found = unittest.TestSuite()
    found.addTest(unittest.makeSuite(TestA))
    return found
""",
    "guarded runner": """
import unittest
class TestA(unittest.TestCase):
    def test_a(self): self.assertEqual(f(2), 2)
class TestB(unittest.TestCase):
    def test_b(self): self.assertEqual(f(1), 1)
if __name__ == "__main__":
    unittest.TextTestRunner().run(unittest.TestLoader().loadTestsFromTestCase(TestA))
""",
    "runner": """
import unittest
class TestA(unittest.TestCase):
    def test_a(self): self.assertEqual(f(2), 2)
unittest.TextTestRunner().run(unittest.TestLoader().loadTestsFromTestCase(TestA))
""",
    "base": "import unittest\nclass Base(unittest.TestCase):\n def test_a(self): self.assertEqual(f(2), 2)\nclass Sub(Base): pass",
    "base with a sub's own": "import unittest\nclass Base(unittest.TestCase):\n def test_a(self): self.assertEqual(f(2), 2)\nclass Sub(Base):\n def test_b(self): self.assertEqual(f(1), 1)",
    "inherited": "import unittest\nclass Mixin:\n v = 1\n def test_a(self): self.assertEqual(f(self.v), self.v)\nclass A(Mixin, unittest.TestCase): pass\nclass B(Mixin, unittest.TestCase): v = 2",
    "inherited, plain": "class Base:\n v = 1\n def test_a(self): assert f(self.v) == self.v\nclass TestB(Base): v = 2",
    "super": "import unittest\nclass TestA(unittest.TestCase):\n def setUp(self): super(TestA, self).setUp()\n def test_a(self): self.assertEqual(f(2), 2)",
    "a list of tests": "def test_a(): assert f(1) == 1\ndef test_b(): assert f(2) == 2\ndef run_all():\n for t in (test_a, test_b): t()",
    "caught call": "def test_a(): assert f(2) == 2\ntry: test_a()\nexcept AssertionError: print('failed')",
    "direct call": "def test_a(): assert f(2) == 2\ntest_a()",
    "called by main": "def test_a(): assert f(1) == 1\ndef test_b(): assert f(2) == 2\ndef main():\n test_a()\n test_b()\nmain()",
    "inner": "class TestOuter:\n class TestInner:\n  def test_a(self): assert f(2) == 2\n def test_b(self): assert f(1) == 1",
    "inner alone": "class TestOuter:\n class TestInner:\n  def test_a(self): assert f(2) == 2\ndef test_b(): assert f(1) == 1",
    "if": "import sys\nif sys.version_info > (3,):\n def test_a(): assert f(2) == 2\ndef test_b(): assert f(1) == 1",
    "try": "try:\n import json\n def test_a(): assert f(2) == 2\nexcept ImportError: pass\ndef test_b(): assert f(1) == 1",
    "class in if": "import unittest\nif True:\n class T(unittest.TestCase):\n  def test_a(self): self.assertEqual(f(2), 2)",
    "made functions": "def make(n):\n def test(): assert f(n) == n\n return test\nfor n in (1, 2): globals()[f'test_{n}'] = make(n)",
    "made methods": "import unittest\nclass T(unittest.TestCase): pass\ndef make(n): return lambda self: self.assertEqual(f(n), n)\nfor n in (1, 2): setattr(T, f'test_{n}', make(n))",
    "assigned": "def make(n):\n def run(): assert f(n) == n\n return run\ntest_1, test_2 = make(1), make(2)",
    "case of any name": "import unittest\nclass Anything(unittest.TestCase):\n def test_a(self): self.assertEqual(f(2), 2)",
    "static and class methods": "class TestA:\n @staticmethod\n def test_a(): assert f(1) == 1\n @classmethod\n def test_b(cls): assert f(2) == 2",
    "asynchronous case": "import unittest\nclass T(unittest.IsolatedAsyncioTestCase):\n async def test_a(self): self.assertEqual(f(2), 2)",
    "skip in a part": "import unittest\nclass T(unittest.TestCase):\n def test_a(self):\n  with self.subTest(): self.skipTest('no')\n  self.assertEqual(f(2), 2)",
    "skip before others": "import unittest\nclass T(unittest.TestCase):\n def test_a(self): self.skipTest('no')\n def test_b(self): self.assertEqual(f(2), 2)",
    "only the last of a name": "def test_a(): assert f(2) == 3\ndef test_a(): assert f(2) == 2",
    "runTest": "import unittest\nclass T(unittest.TestCase):\n def runTest(self): self.assertEqual(f(2), 2)",
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_every_test_is_run(judge_one: Callable[..., Verdict], name: str) -> None:
    right = judge_one("def f(x): return x", FOUND[name])
    assert right.passed, right.feedback
    assert judge_one(NO_TWO, FOUND[name]).status == "failed"


NOT_FOUND = {
    "other names": "class HelperTest:\n def test_a(self): assert f(1) == 2\ndef helper_test(): assert f(1) == 2\ndef test_b(): assert f(1) == 1",
    "a maker": "class TestData:\n def __init__(self, x=1): self.x = x\n def test_a(self): assert f(1) == 2\ndef test_b(): assert f(TestData().x) == 1",
    "data class": "from dataclasses import dataclass\n@dataclass\nclass TestRow:\n x: int = 1\n def test_a(self): assert f(1) == 2\ndef test_b(): assert f(TestRow().x) == 1",
    "switched off": "class TestA:\n __test__ = False\n def test_a(self): assert f(1) == 2\ndef test_b(): assert f(1) == 1\ndef test_c(): assert f(1) == 2\ntest_c.__test__ = False",
    "values": "test_cases = [(1, 1)]\ntest_type = int\ndef test_b():\n for x, y in test_cases: assert f(x) == test_type(y)",
    "inner class of a case": "import unittest\nclass T(unittest.TestCase):\n class TestInner:\n  def test_a(self): assert f(1) == 2\n def test_b(self): self.assertEqual(f(1), 1)",
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_FOUND)
def test_what_pytest_does_not_collect_is_not_run(judge_one: Callable[..., Verdict], name: str) -> None:
    verdict = judge_one("def f(x): return x", NOT_FOUND[name])
    assert verdict.passed, verdict.feedback


LOG = "L = []\ndef add(x):\n    L.append(x)\n    return list(L)"
ORDERS = {
    "functions": "def test_b(): assert add('b') == ['b']\ndef test_a(): assert add('a') == ['b', 'a']",
    "methods": "class TestZ:\n def test_2(self): assert add(2) == [2]\n def test_1(self): assert add(1) == [2, 1]",
    "methods of a case": "import unittest\nclass T(unittest.TestCase):\n def test_2(self): self.assertEqual(add(2), [1, 2])\n def test_1(self): self.assertEqual(add(1), [1])",
    "bases": "class Base:\n def test_2(self): assert add(2) == [2]\nclass TestZ(Base):\n def test_1(self): assert add(1) == [2, 1]",
}  # fmt: skip


@pytest.mark.parametrize("name", ORDERS)
def test_order_is_that_of_pytest(judge_one: Callable[..., Verdict], name: str) -> None:
    verdict = judge_one(LOG, ORDERS[name], entry_point="add")
    assert verdict.passed, verdict.feedback


def test_files_share_no_tests_and_hooks(judge_one: Callable[..., Verdict]) -> None:
    first = "def setup_module(): add('m')\ndef test_a(): assert add('a') == ['m', 'a']"
    second = "def test_b(): assert add('b') == ['m', 'a', 'b']"
    verdict = judge_one(LOG, first, second, first.replace("['m', 'a']", "['m', 'a', 'b', 'm', 'a']"), entry_point="add")
    assert (verdict.num_passed, verdict.num_tests) == (3, 3), verdict.feedback


REFUSED = {
    "asynchronous function": "async def test_a(): assert f(1) == 1\ndef test_b(): assert f(1) == 1",
    "asynchronous method": "import unittest\nclass T(unittest.TestCase):\n async def test_a(self): self.assertEqual(f(1), 1)",
    "generator": "def test_a():\n yield\n assert f(1) == 1",
    "coroutine": "async def run(): assert f(1) == 1\ndef test_a(): return run()",
    "derived from the program's": "class TestA(Own):\n def test_a(self): assert f(1) == 1",
    "helper that nothing calls": "def test_a(x): assert f(x) == x\ndef test_b(): assert f(1) == 1\ndef run(): test_a(1)",
    "parameter of a case": "import unittest\nclass T(unittest.TestCase):\n def test_a(self, x): self.assertEqual(f(1), 1)",
    "caught": "import pytest\ndef test_a():\n try:\n  with pytest.deprecated_call(): f(1)\n except Exception: pass",
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_other_forms_are_the_problems_fault(judge_one: Callable[..., Verdict], name: str) -> None:
    for code in ("def f(x): return x\nclass Own: pass", "def f(x): return 0\nclass Own: pass"):
        assert judge_one(code, REFUSED[name]).status == "not_judged"


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("def test_a(): pass\ndef test_b(): pass\nif __name__ == '__main__':\n test_a()", 2),
        ("import unittest\nclass T(unittest.TestCase):\n def test_a(self): pass\n def test_b(self): pass", 2),
        ("import unittest\nclass A(unittest.TestCase):\n def test_a(self): pass\nclass B(A):\n def test_b(self): pass", 1),
        ("def test_a(): pass\ndef test_b(): test_a()", 1),
        ("def setup_module(): pass\ndef test_a(): pass\ndef test_b(): pass", 1),
        ("if True:\n def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass", 1),
        ("def test_value(x): assert f(x) == x\ntest_value(1)", 0),
        ("assert f(1) == 1", 0),
    ],
)  # fmt: skip
def test_files_are_taken_apart_only_where_their_tests_are_their_own(source: str, count: int) -> None:
    assert count_tests(source) == count
