"""Fixtures shared by all tests: the real data, and small rows."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import hypothesis
import pytest

from mucode_core.types import Completion, Problem, Rollout, Turn, Verdict
from tests.support.tools import Tools, install_tools

REPO = Path(__file__).parent.parent
DATA = Path(os.environ.get("MUCODE_TEST_DATA", REPO / ".." / "shared" / "data"))

# before PyTorch is imported: threads that wait for each other stall on a busy machine
os.environ |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
hypothesis.settings.register_profile(  # a busy machine takes longer for an example, and drawing it
    "mucode", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("mucode")

LONGEST = (
    *("flows/test_demo_vllm.py", "deployments/test_image.py", "flows/test_chaos.py", "flows/test_expert_iteration.py"),
    *("deployments/test_deployments.py", "training/trl/test_trl.py", "flows/test_evaluation_flows.py"),
    *("flows/test_control.py", "evaluation/test_grade_samples.py", "tasks/engine/test_placement.py"),
    *("sandbox/oracle/test_oracle.py", "flows/test_mbpp_replay.py", "flows/test_ray.py", "sandbox/test_soak.py"),
    *("sampling/test_vllm.py", "verifier/test_score_vllm.py", "flows/cli/test_signals.py", "test_tutorial.py"),
    *("sandbox/attacks/test_attacks.py", "sandbox/remote/test_server.py", "flows/cli/test_main.py"),
)
"""The files that take minutes, longest first; what shares the undisturbed run comes when there is one."""
HUNG_S = 2700
"""After so long a slow test without a limit of its own hangs, on a machine however busy."""


@pytest.hookimpl(trylast=True)  # of what `-m` has left
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, then those of few tests: one that is begun last is waited for by all others."""
    counts = Counter(item.path for item in items)
    ranks = {REPO / "tests" / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (ranks.get(item.path, len(ranks)), counts[item.path]))
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(HUNG_S))


def real_data(name: str) -> Path:
    """A file of the real data, or a skip that says why."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is absent; name its directory in MUCODE_TEST_DATA")
    return path


@pytest.fixture(scope="session")
def tools() -> Tools:
    """EvalPlus, lm-eval and inspect_ai, to run as their users do."""
    return install_tools()


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
