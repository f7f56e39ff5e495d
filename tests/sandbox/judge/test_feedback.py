"""How values are shown in feedback."""

from __future__ import annotations

from typing import Any

import pytest

from mucode_core.sandbox.judge.feedback import show, tidy


def _loop() -> list[Any]:
    value: list[Any] = [1]
    value += [value, {"k": value}, value]
    return value


def _ladder(num_levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(num_levels):
        value = [value, value, value]
    return value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1, (2,), {"a": {3}}, frozenset()], "[1, (2,), {'a': {3}}, frozenset()]"),
        ([[0]] * 2, "[[0], [0]]"),
        (_loop(), "[1, [...], {'k': [...]}, [...]]"),
        ({2, 10, 1}, "{1, 10, 2}"),
        (1 << 5000, "<integer of 5001 bits>"),
    ],
    ids=["nested", "shared", "holds itself", "set", "huge"],
)
def test_a_value_is_shown(value: Any, expected: str) -> None:
    assert show(value) == expected


def test_what_is_shared_often_is_not_shown_to_its_end() -> None:
    assert len(show(_ladder(19))) < 1_000_000
    assert show(_ladder(2)) == "[[[], [], []], [[], [], []], [[], [], []]]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('File "/usr/lib/python3/ast.py", line 1', 'File "ast.py", line 1'),
        ("/a/b.py/c.py-d/e", "c.py-d/e"),
        ("/a/b/c and x/a/b.py", "/a/b/c and x/a/b.py"),
        ("/one.py (/a/two.so)", "/one.py (two.so)"),
        ("/-" * 500_000, "/-" * 500_000),
    ],
    ids=["file", "last", "none", "in brackets", "long"],
)
def test_directories_of_files_are_left_out(text: str, expected: str) -> None:
    assert tidy(text) == expected
