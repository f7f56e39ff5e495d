"""Comparison of output: what a right program prints passes, what a wrong one prints does not."""

from __future__ import annotations

import pytest

from mucode_core.sandbox.judge.stdio import outputs_match
from mucode_core.types import Comparison

TOKENS = Comparison()
SAME = [
    ("6", "6\n"),
    (" 1 2\r\n3 ", "1\n2 3"),
    ("", "\n"),
    ("Yes\nnO", "YES no"),
    ("5.0", "5"),
    ("-3.00", "-3"),
    ("0.3333333333", "0.333333"),
    ("0.33333333", "0.3333333333"),
    ("0.00012345678", "0.000123"),
    ("1e-07", "0.0000001"),
    ("1000000.4", "1000000.0"),
    ("3", "3.0"),
    ("1.5e+20", "1.50000000e+20"),
    ("-0.0", "0.0"),
    ("nan", "nan"),
    ("a" * 3_000_000, "a" * 3_000_000),
    ("12 " * 1_000_000, "12\n" * 1_000_000),
]
OTHER = [
    ("5.0000000015e+19", "50000000015000000001"),
    ("1000000.4e3", "1000000007"),
    ("1000000006.9999", "1000000007"),
    ("50000000015000000001.5", "50000000015000000001"),
    ("9007199254740993", "9007199254740992"),
    ("0e9", "0e1"),
    ("00000", "0000"),
    ("007", "7"),
    ("7", "007"),
    ("00.5", "00.50"),
    ("+5", "5"),
    ("1e3", "1000"),
    ("1_0.5", "10.5"),
    ("0.0", "0.0000001"),
    ("0", "0.00000012"),
    ("ABC", "abc"),
    ("YES", "no"),
    ("TRUE", "True"),
    ("1 2", "1 2 3"),
    ("1 2 3", "1 2"),
    ("", "0"),
    ("0", ""),
    ("inf", "1.5"),
    ("nan", "1.5"),
    ("1" + "0" * 350 + ".5", "2" + "0" * 350 + ".5"),
    ("1.3.1", "1.3.2"),
    ("12 " * 1_000_000 + "1", "12\n" * 1_000_000),
]


@pytest.mark.parametrize(("printed", "expected"), SAME)
def test_the_same_tokens_match(printed: str, expected: str) -> None:
    assert outputs_match(printed, expected, TOKENS)


@pytest.mark.parametrize(("printed", "expected"), OTHER)
def test_other_tokens_do_not_match(printed: str, expected: str) -> None:
    assert not outputs_match(printed, expected, TOKENS)


def test_tolerances_are_the_problem_s() -> None:
    assert outputs_match("0.0", "0.0000001", Comparison("floats"))
    assert not outputs_match("0.0", "0.0000001", Comparison("floats", rtol=1e-6, atol=0.0))
    assert outputs_match("101.0", "100.0", Comparison("floats", rtol=1e-2, atol=0.0))
    assert not outputs_match("101.1", "100.0", Comparison("floats", rtol=1e-2, atol=0.0))
    assert outputs_match("0.5", "0.0", Comparison("floats", rtol=0.0, atol=0.5))
    assert not outputs_match("1000000006.9", "1000000007", Comparison("floats", rtol=1e-3))


@pytest.mark.parametrize(
    ("rule", "printed", "expected", "match"),
    [
        ("lines", "1 2\n3 \n\n", "1 2\n3", True),
        ("lines", "1\n2\n3", "1 2\n3", False),
        ("lines", " 1", "1", False),
        ("lines", "yes", "YES", False),
        ("lines", "1.0", "1.00", False),
        ("exact", "a\n", "a", True),
        ("exact", "a \n", "a", False),
        ("exact", "a\n\n", "a", False),
        ("exact", "A", "a", False),
    ],
)
def test_lines_and_characters(rule: str, printed: str, expected: str, match: bool) -> None:
    assert outputs_match(printed, expected, Comparison(rule)) is match  # type: ignore[arg-type]
