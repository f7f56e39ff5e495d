"""Marks of pytest and decorators of unittest: what they skip, expect to fail and give values to."""

# ruff: noqa: E501 - programs are easier to read on one line

from __future__ import annotations

from collections.abc import Callable

import pytest

from mucode_core.types import Verdict

NO_TWO = "def f(x): return x if x != 2 else 0"
_HEAD = "import pytest, unittest\nfrom solution import f\n"
_CASE = "class T(unittest.TestCase):\n @unittest.expectedFailure\n def test_a(self): self.assertEqual(f(2), {})\n def test_b(self): self.assertEqual(f(1), 1)"
DECIDING = {
    "expectedFailure": _CASE.format(0),
    "expectedFailure in a part": "class T(unittest.TestCase):\n @unittest.expectedFailure\n def test_a(self):\n  for x in (1, 2):\n   with self.subTest(): self.assertEqual(f(x), 1 if x == 1 else 0)",
    "xfail, strict": "@pytest.mark.xfail(strict=True)\ndef test_a(): assert f(2) == 0",
    "xfail of a class": "@pytest.mark.xfail(strict=True)\nclass TestA:\n def test_a(self): assert f(2) == 0",
    "xfail with another exception": "@pytest.mark.xfail(raises=ValueError)\ndef test_a(): assert f(2) == 2",
    "xfail of a case": "@pytest.mark.parametrize('x, y', [(2, 2), pytest.param(2, 1, marks=pytest.mark.xfail(strict=True))])\ndef test_a(x, y): assert f(x) == y",
    "xfail that does not hold": "@pytest.mark.xfail(False, reason='no')\ndef test_a(): assert f(2) == 2",
    "skip of a case": "@pytest.mark.parametrize('x', [pytest.param(5, marks=[pytest.mark.skip]), 2])\ndef test_a(x): assert f(x) == 2",
    "skip of another": "@pytest.mark.skip\ndef test_a(): assert f(1) == 5\ndef test_b(): assert f(2) == 2",
    "skip within": "def test_a():\n pytest.skip('no')\n assert f(1) == 5\ndef test_b(): assert f(2) == 2",
    "skip is not caught": "def test_a():\n try: pytest.skip('no')\n except Exception: pass\n assert f(1) == 5\ndef test_b(): assert f(2) == 2",
    "skipif": "@pytest.mark.skipif(True, reason='x')\ndef test_a(): assert f(1) == 5\n@pytest.mark.skipif(False, reason='x')\ndef test_b(): assert f(2) == 2",
    "skip of a class": "@pytest.mark.skip(reason='no')\nclass TestA:\n def test_a(self): assert f(1) == 5\ndef test_b(): assert f(2) == 2",
    "skip of a case of unittest": "@unittest.skip('no')\nclass A(unittest.TestCase):\n @classmethod\n def setUpClass(cls): raise ValueError\n def test_a(self): self.assertEqual(f(1), 5)\nclass B(unittest.TestCase):\n @unittest.skipIf(True, 'x')\n def test_a(self): self.assertEqual(f(1), 5)\n @unittest.skipUnless(True, 'x')\n def test_b(self): self.assertEqual(f(2), 2)",
    "skip in setUpClass": "class A(unittest.TestCase):\n @classmethod\n def setUpClass(cls): raise unittest.SkipTest('x')\n def test_a(self): self.assertEqual(f(1), 5)\ndef test_b(): assert f(2) == 2",
    "skip of a function by unittest": "@unittest.skip('no')\ndef test_a(): assert f(1) == 5\ndef test_b(): assert f(2) == 2",
    "fail is not caught": "def test_a():\n try:\n  if f(2) != 2: pytest.fail('wrong')\n except Exception: pass",
    "xfail within": "def test_a():\n pytest.xfail('known')\n assert f(1) == 5\ndef test_b(): assert f(2) == 2",
    "names by keyword": "@pytest.mark.parametrize(argnames='x', argvalues=[1, 2], ids=['a', 'b'])\ndef test_a(x): assert f(x) == x",
    "of a class": "@pytest.mark.parametrize('x', iter([1, 2]))\nclass TestA:\n def test_a(self, x): assert f(1) == 1\n def test_b(self, x): assert f(x) == x",
    "of a file": "pytestmark = [pytest.mark.parametrize('x', [1, 2])]\ndef test_a(x): assert f(x) == x",
    "stacked": "@pytest.mark.parametrize('x', [1, 2])\n@pytest.mark.parametrize('y', [0, 1])\ndef test_a(x, y): assert f(x) + y == x + y",
    "indirect": "@pytest.fixture\ndef x(request): return request.param * 2\n@pytest.mark.parametrize('x', [1, 2], indirect=True)\ndef test_a(x): assert f(x) == x",
    "indirect, one of two": "@pytest.fixture\ndef x(request): return request.param * 2\n@pytest.mark.parametrize('x, y', [(1, 2)], indirect=['x'])\ndef test_a(x, y): assert f(x) == y",
    "instead of a fixture": "@pytest.fixture\ndef x(): return 1\n@pytest.fixture\ndef y(x): return x\n@pytest.mark.parametrize('x', [1, 2])\ndef test_a(y): assert f(y) == y",
    "names in a list": "@pytest.mark.parametrize(['x', 'y'], [[2, 2]])\ndef test_a(x, y): assert f(x) == y",
    "one name, a tuple": "@pytest.mark.parametrize(('x',), [(2,)])\ndef test_a(x): assert f(x) == 2",
    "other marks": "@pytest.mark.slow\n@pytest.mark.timeout(5)\ndef test_a(): assert f(2) == 2",
}  # fmt: skip


@pytest.mark.parametrize("name", DECIDING)
def test_marks_decide(judge_one: Callable[..., Verdict], name: str) -> None:
    """Where a failure is expected, the program that is right for 2 has it."""
    test = _HEAD + DECIDING[name]
    right, wrong = judge_one("def f(x): return x", test), judge_one(NO_TWO, test)
    assert right.passed, right.feedback
    assert wrong.status == "failed", wrong.feedback


PASSING = {
    "xfail, not strict": "@pytest.mark.xfail\ndef test_a(): assert f(1) == 1\n@pytest.mark.xfail(reason='x', strict=False)\ndef test_b(): assert f(1) == 2",
    "xfail with its exception": "@pytest.mark.xfail(raises=(ZeroDivisionError, KeyError), strict=True)\ndef test_a(): assert 1 / f(0)",
    "xfail that is not run": "@pytest.mark.xfail(run=False, strict=True)\ndef test_a(): assert f(1) == 1\ndef test_b(): assert f(1) == 1",
    "xfail of the set up": "@pytest.fixture\ndef a(): assert f(1) == 2\n@pytest.mark.xfail(strict=True)\ndef test_a(a): pass",
    "no cases": "@pytest.mark.parametrize('x', [])\ndef test_a(x): assert f(1) == 2\ndef test_b(): assert f(1) == 1",
    "a skipped set up": "@pytest.fixture\ndef a(): assert f(1) == 2\n@pytest.mark.skip\ndef test_a(a): pass\ndef test_b(): assert f(1) == 1",
}  # fmt: skip


@pytest.mark.parametrize("name", PASSING)
def test_what_is_expected_passes(judge_one: Callable[..., Verdict], name: str) -> None:
    verdict = judge_one("def f(x): return x", _HEAD + PASSING[name])
    assert verdict.passed, verdict.feedback


REFUSED = {
    "condition of text": "@pytest.mark.skipif('sys.platform')\ndef test_a(): assert f(1) == 1",
    "too few values": "@pytest.mark.parametrize('x, y', [(1,)])\ndef test_a(x, y): assert f(1) == 1",
    "no such parameter": "@pytest.mark.parametrize('z', [1])\ndef test_a(): assert f(1) == 1",
    "no values": "@pytest.mark.parametrize('z')\ndef test_a(z): assert f(1) == 1",
    "a case of unittest": "class T(unittest.TestCase):\n @pytest.mark.parametrize('x', [1])\n def test_a(self, x): self.assertEqual(f(1), 1)",
    "indirect without fixture": "@pytest.mark.parametrize('x', [1], indirect=True)\ndef test_a(x): assert f(1) == 1",
    "no marks": "pytestmark = 'slow'\ndef test_a(): assert f(1) == 1",
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_malformed_marks_are_the_problems_fault(judge_one: Callable[..., Verdict], name: str) -> None:
    for code in ("def f(x): return x", "def f(x): return 0"):
        assert judge_one(code, _HEAD + REFUSED[name]).status == "not_judged"


def test_an_exception_that_claims_to_be_a_skip_is_none(judge_one: Callable[..., Verdict]) -> None:
    code = "import unittest\nclass E(Exception):\n    __class__ = unittest.SkipTest\ndef f(x): raise E()"
    assert judge_one(code, "def test_a(): assert f(1) == 1").status == "error"
