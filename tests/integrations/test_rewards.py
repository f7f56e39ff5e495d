"""Answers in, rewards out."""

from __future__ import annotations

import pytest

from mucode_core.integrations.rewards import Rewards
from mucode_core.sandbox import Sandbox
from tests.conftest import make_problem

PROBLEM = make_problem(
    entry_point="f", public_tests=("assert f(1) == 2",), private_tests=("assert f(2) == 3", "assert f(3) == 4")
)
LIAR = "class A:\n  def __eq__(self, other): return True\ndef f(x): return A()"


@pytest.mark.parametrize(
    ("answer", "label", "share"),
    [
        ("Here:\n```python\ndef f(x): return x + 1\n```", 1.0, 1.0),
        ("```python\ndef f(x): return 2 if x == 1 else 3\n```", 0.0, 2 / 3),
        ("```python\ndef f(x): return 0\n```", 0.0, 0.0),
        ("I do not know.", 0.0, 0.0),
        (f"```python\n{LIAR}\n```", 0.0, 0.0),
    ],
)
def test_an_answer_earns_its_label_or_its_share(remote: Sandbox, answer: str, label: float, share: float) -> None:
    assert Rewards(remote).of([(PROBLEM, answer)]) == [label]
    assert Rewards(remote, "share").of([(PROBLEM, answer)]) == [pytest.approx(share)]


def test_a_problem_that_cannot_be_judged_earns_nothing_at_all(remote: Sandbox) -> None:
    broken = make_problem(entry_point="f", public_tests=("assert f(1 == 2",), private_tests=())
    answer = "```python\ndef f(x): return x + 1\n```"
    assert Rewards(remote).of([(broken, answer), (PROBLEM, answer)]) == [None, 1.0]
