"""The module that tests import as `pytest`."""

# ruff: noqa: E501 - programs are easier to read on one line

from __future__ import annotations

from collections.abc import Callable

import pytest

from mucode_core.types import Verdict

_HEAD = "import pytest\nfrom decimal import Decimal\nfrom fractions import Fraction\ndef test_a():\n "
RIGHT = {
    "raises": ("raise ValueError('a.b')", "with pytest.raises(ValueError) as e: f()\n assert e.typename == 'ValueError' and e.exconly() == 'ValueError: a.b' and e.errisinstance(ValueError) and e.match('a.b')"),
    "raises by keyword": ("raise ValueError('a.b')", "with pytest.raises(expected_exception=(KeyError, ValueError), match=r'a\\.b'): f()"),
    "raises, called": ("raise ValueError('a.b')", "assert str(pytest.raises(ValueError, f).value) == 'a.b'"),
    "fail, caught": ("pass", "with pytest.raises(pytest.fail.Exception): pytest.fail('z')\n f()"),
    "skip, caught": ("pass", "f()\n with pytest.raises(pytest.skip.Exception): pytest.skip('z')"),
    "did not raise, caught": ("pass", "with pytest.raises(pytest.fail.Exception):\n  with pytest.raises(ValueError): f()"),
    "importorskip": ("return 3", "assert pytest.importorskip('math').pi > f()"),
    "approx of decimals": ("return Decimal('1.1')", "assert f() == pytest.approx(Decimal('1.1000001')) and f() != pytest.approx(Decimal('1.2'))"),
    "approx with a decimal tolerance": ("return Decimal('1.1')", "assert f() == pytest.approx(Decimal('1.2'), abs=Decimal('0.2'))"),
    "approx of fractions": ("return Fraction(1, 3)", "assert f() == pytest.approx(1 / 3) and f() == pytest.approx(Fraction(1, 3)) and 1 / 3 == pytest.approx(f())"),
    "approx of truth values": ("return True", "assert f() == pytest.approx(True) and f() == pytest.approx(1)"),
    "approx of numpy's": ("import numpy as np\n    return [np.float64(0.3), np.int64(2)]", "assert f() == pytest.approx([0.3, 2])"),
    "annotations": ("return 1", "def g(a: pytest.CaptureFixture[str], b: pytest.MonkeyPatch, c: pytest.FixtureRequest): pass\n assert f() == 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_programs_pass(judge_one: Callable[..., Verdict], name: str) -> None:
    body, test = RIGHT[name]
    code = f"from decimal import Decimal\nfrom fractions import Fraction\ndef f():\n    {body}"
    verdict = judge_one(code, _HEAD + test)
    assert verdict.passed, verdict.feedback


WRONG = {
    "did not raise is not caught": ("pass", "try:\n  with pytest.raises(ValueError): f()\n except Exception: pass"),
    "nor by another raises": ("pass", "with pytest.raises(Exception):\n  with pytest.raises(ValueError): f()"),
    "nor by another form": ("pass", "with pytest.raises(Exception): pytest.raises(ValueError, f)"),
    "pattern": ("raise ValueError('ab')", r"with pytest.raises(ValueError, match='a\.b'): f()"),
    "check": ("raise ValueError('ab')", "with pytest.raises(ValueError, check=lambda e: e.args == (1,)): f()"),
    "decimals": ("return Decimal('1.2')", "assert f() == pytest.approx(Decimal('1.1'))"),
    "fractions": ("return Fraction(1, 3)", "assert f() == pytest.approx(0.3334)"),
    "one for True": ("return 1", "assert f() == pytest.approx(True)"),
    "text for a number": ("return '1.0'", "assert f() == pytest.approx(1.0)"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_programs_fail(judge_one: Callable[..., Verdict], name: str) -> None:
    body, test = WRONG[name]
    code = f"from decimal import Decimal\nfrom fractions import Fraction\ndef f():\n    {body}"
    assert judge_one(code, _HEAD + test).status == "failed"


@pytest.mark.parametrize(
    "test",
    [
        "with pytest.deprecated_call(): f()",
        "with pytest.deprecated_call(): f()",
        "pytest.importorskip('no_such_module')",
        "pytest.exit('done')",
        "pytest.register_assert_rewrite('x')",
        "with pytest.raises(ValueError, message='x'): f()",
        "with pytest.raises(ValueError) as e: int('x')\n assert e.traceback",
    ],
)
def test_what_it_lacks_is_the_problems_fault(judge_one: Callable[..., Verdict], test: str) -> None:
    for code in ("def f(): return 1", "def f(): raise TypeError"):
        assert judge_one(code, f"{_HEAD}{test}").status == "not_judged"
