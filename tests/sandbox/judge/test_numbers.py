"""Numbers are compared as in one interpreter: types, big integers, rounding, order and tolerances."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

import pytest

from mucode_core.sandbox import ProcessSandbox, Sandbox
from mucode_core.types import StdinTest
from tests.sandbox.sandbox_jobs import make_job, run_jobs

_SAME = "def f(v): return v"
_RIGHT = {
    "a float for an integer": "assert f(3.0) == 3 and str(f(3.0)) == '3.0' and repr(f(3)) == '3' and type(f(3.0)) is float",
    "big integers": "assert f(2**53 + 1) == 2**53 + 1 and f(2**53 + 1) != float(2**53) and f(-10**400) == -10**400",
    "a float beside a big integer": "assert f(1e16) != 10**16 + 1 and f(float(2**60)) == 2**60 and f(2**60 + 1) != float(2**60)",
    "rounding": "assert f(0.1 + 0.2) != 0.3 and f(2.675) == 2.675 and round(f(2.675), 2) == 2.67 and round(f(2.5)) == 2",
    "zeros and bools": "assert f(-0.0) == 0 and str(f(-0.0)) == '-0.0' and f(True) == 1 and f(True) is True and f(1) is not True",
    "not a number": "x = float('nan')\nassert f(x) != f(x) and f([x]) == [x] and f(float('inf')) > 10**400",
    "order of lists": "assert f([1, 2.5]) < [1, 3] and max(f((1, 2)), (1, 1)) == (1, 2) and sorted(f([3, 1.5, 2])) == [1.5, 2, 3]",
    "tolerance": "assert abs(f(1.0000001) - 1) < 1e-6 and not abs(f(1.00001) - 1) < 1e-6",
    "subnormal and extreme": "assert f(5e-324) == 5e-324 and f(1.7976931348623157e308) == 1.7976931348623157e308",
    "fractions and decimals": "import fractions, decimal\nassert f(fractions.Fraction(1, 3)) == fractions.Fraction(2, 6) and str(f(decimal.Decimal('1.10'))) == '1.10'",
}  # fmt: skip
_WRONG = {
    "a float near a big integer": "assert f(float(2**60)) == 2**60 + 1",
    "off by one beyond 2**53": "assert f(2**53) == 2**53 + 1",
    "not rounded": "assert f(0.1 + 0.2) == 0.3",
    "type": "assert type(f(3.0)) is int",
    "text of a float": "assert str(f(3.0)) == '3'",
    "outside the tolerance": "assert abs(f(1.1) - 1) < 1e-6",
}


@pytest.mark.parametrize("name", _RIGHT)
def test_right(name: str, sandbox: Sandbox) -> None:
    (verdict,) = run_jobs(sandbox, [make_job(_SAME, _RIGHT[name])])
    assert (verdict.status, verdict.num_delegated) == ("passed", 0), verdict.feedback


@pytest.mark.parametrize("name", _WRONG)
def test_wrong(name: str, sandbox: Sandbox) -> None:
    (verdict,) = run_jobs(sandbox, [make_job(_SAME, _WRONG[name])])
    assert verdict.status == "failed"


_PRICE = "class P:\n    def __init__(self, v): self.v = v\n    def __eq__(self, o): return self.v == getattr(o, 'v', o)\n    def __lt__(self, o): return self.v < getattr(o, 'v', o)\n    def __sub__(self, o): return P(self.v - getattr(o, 'v', o))\n    def __abs__(self): return P(abs(self.v))\ndef f(v): return P(v)\n"
_OBJECTS = {
    "equality": ("assert f(3) == 3 and f(3) != 4", "assert f(3) == 4"),
    "order": ("assert f(3) < 4 and not f(3) < 3", "assert f(3) < 2"),
    "tolerance": ("assert abs(f(3.0) - 3) < 1e-6", "assert abs(f(3.5) - 3) < 1e-6"),
    "difference": ("assert f(7) - 4 == 3", "assert f(7) - 4 == 4"),
}


@pytest.mark.parametrize("name", _OBJECTS)
def test_objects_beside_numbers_are_the_programs_word(name: str, sandbox: Sandbox) -> None:
    right, wrong = _OBJECTS[name]
    passed, failed = run_jobs(sandbox, [make_job(_PRICE, right), make_job(_PRICE, wrong)])
    assert passed.passed and passed.num_delegated > 0, passed.feedback
    assert failed.status == "failed"


def test_the_same_job_gets_the_same_verdict() -> None:
    code = "class P:\n    def __eq__(self, o): return hash(o) % 2000 == 7\ndef f(): return P()"
    job = make_job(code, *(f"assert f() == {7 + 2000 * k}" for k in range(20)))
    found: list[int] = []
    for _ in range(2):
        with ProcessSandbox(1) as sandbox:
            found += [verdict.num_passed for verdict in run_jobs(sandbox, [job])]
    assert found[0] == found[1]


@pytest.mark.parametrize(("printed", "expected", "passes"), [("5.0", "5", True), ("5.5", "5", False), ("9007199254740993.0", "9007199254740993", True), ("9007199254740992", "9007199254740993", False), ("5e1", "50", False), ("0.333333333", "0.3333333333", True)])  # fmt: skip
def test_printed_numbers(printed: str, expected: str, passes: bool, sandbox: Sandbox) -> None:
    job = make_job(f"print({printed!r})", StdinTest("x", expected), kind="stdin")
    (verdict,) = run_jobs(sandbox, [job])
    assert verdict.passed is passes, verdict.feedback
