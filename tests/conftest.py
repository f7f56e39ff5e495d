"""Shared helpers: where the real data is, and small rows to build on."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from mucode_core.types import Completion, Problem, Rollout, Turn, Verdict

REPO = Path(__file__).parent.parent
DATA = Path(os.environ.get("MUCODE_TEST_DATA", REPO / ".." / "shared" / "data"))


@pytest.hookimpl(trylast=True)  # of what `-m` has left
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of few tests first: theirs are the long ones, and one that is begun last is waited for by all others."""
    counts = Counter(item.path for item in items)
    items.sort(key=lambda item: counts[item.path])


def real_data(name: str) -> Path:
    """A file of the real data, or a skip that says why."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is absent; name its directory in MUCODE_TEST_DATA")
    return path


def make_problem(problem_id: str = "p", **changes: object) -> Problem:
    fields: dict[str, object] = {
        "problem_id": problem_id,
        "dataset": "test",
        "split": "train",
        "prompt": f"Write f for {problem_id}.",
        "entry_point": "f",
        "kind": "assert",
        "setup": "",
        "public_tests": ("assert f(1) == 2",),
        "private_tests": ("assert f(5) == 6", "assert f(0) == 1"),
        "reference_solution": "def f(x):\n    return x + 1",
        "time_limit_s": None,
    }
    return Problem(**(fields | changes))  # type: ignore[arg-type]


def make_verdict(passed: bool, feedback: str = "AssertionError: got 1, expected 2") -> Verdict:
    return Verdict("passed" if passed else "failed", int(passed), 1, "" if passed else feedback, 0.01)


def make_turn(index: int, code: str | None, public: bool, private: bool) -> Turn:
    text = f"```python\n{code}\n```" if code is not None else "I do not know."
    return Turn(index, Completion(text, code, "stop", 5), make_verdict(public), make_verdict(private))


def make_rollout(rollout_id: str, problem_id: str, *turns: tuple[str | None, bool, bool]) -> Rollout:
    """A finished rollout from (code, public pass, private pass) a turn."""
    rows = tuple(make_turn(i, *turn) for i, turn in enumerate(turns))
    stop = "public_pass" if rows[-1].public_verdict.passed else "max_turns"
    return Rollout(rollout_id, problem_id, 0, "g", 0, 1, rows, stop)
