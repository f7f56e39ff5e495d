"""Annotations that are texts name types; they run nothing."""

from __future__ import annotations

import types
from typing import Any

import pytest

from mucode_core.sandbox.judge.guards.annotations import evaluate

NAMES: dict[str, Any] = {"a": types.SimpleNamespace(b=int)}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("int", int),
        ("a.b", int),
        ("list[int]", list[int]),
        ("dict[str, list[a.b]]", dict[str, list[int]]),
        ("int | None", int | None),
        ("(int, 'x', 5)", (int, "x", 5)),
    ],
)
def test_types_are_evaluated(text: str, wanted: object) -> None:
    assert evaluate(text, NAMES) == wanted
    assert evaluate(compile(text, "", "eval"), NAMES, NAMES) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "print()",
        "print(*[1])",
        "print(**{})",
        "a.b('5')",
        "int | print()",
        "list(x for x in 'ab')",
        "lambda: 5",
        "(lambda: 5)()",
        "f'{print()}'",
        "[print][0]()",
        "[0 for a.b in [str]]",
        "(a := int)",
        "a.__class__",
        "[*a]",
        "f'{a}'",
        "a * 5",
    ],
)
def test_nothing_is_run(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NameError, match="more than name types"):
        evaluate(text, NAMES)
    assert capsys.readouterr().out == ""
