"""verl's custom reward function, and its own client of SandboxFusion pointed at our server."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from mucode_core.errors import DataError, ProblemError
from mucode_core.integrations.rewards import Rewards
from mucode_core.integrations.verl import compute_score
from tests.sandbox.remote.served import Served

SUM = {"inputs": ["1 2\n", "3 4\n"], "outputs": ["3\n", "7\n"]}
CALLS = {"fn_name": "add", "inputs": [[1, 2], [3, 4]], "outputs": [3, 7]}
ASSERTS = {"assert_case": ["assert add(1, 2) == 3"]}
READS = "```python\nprint(sum(map(int, input().split())))\n```"
ADDS = "```python\ndef add(a, b):\n    return a + b\n```"
HALF = "```python\nprint(3)\n```"


@pytest.mark.parametrize(
    ("truth", "answer", "kind", "reward"),
    [
        (SUM, READS, "label", 1.0),
        (SUM, HALF, "label", 0.0),
        (SUM, HALF, "share", 0.5),
        (CALLS, ADDS, "label", 1.0),
        (ASSERTS, ADDS, "label", 1.0),
        (ASSERTS, HALF, "label", 0.0),
    ],
)
@pytest.mark.parametrize("as_text", [False, True])
def test_forms_of_ground_truth(
    served: Served, truth: dict[str, object], answer: str, kind: str, reward: float, as_text: bool
) -> None:
    given = json.dumps(truth) if as_text else truth
    assert compute_score("taco", answer, given, {"split": "train"}, urls=served.url, kind=kind, more=1) == reward  # pyright: ignore


def test_many_threads_share_one_sandbox(served: Served) -> None:
    def score(number: int) -> float:
        answer = READS if number % 2 else f"```python\nprint({number})\n```"
        return compute_score("taco", answer, SUM, urls=[served.url])

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(score, range(40))) == [float(number % 2) for number in range(40)]


def test_rows_without_tests_are_errors(served: Served) -> None:
    with pytest.raises(DataError, match="no tests"):
        compute_score("math", READS, {"inputs": [], "outputs": []}, urls=served.url)


def test_tests_that_cannot_run_are_an_error_and_no_reward(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rewards, "of", lambda *_: [None])
    with pytest.raises(ProblemError, match="cannot be run"):
        compute_score("own", ADDS, ASSERTS, urls=served.url)


def test_verl_loads_and_calls_it(served: Served) -> None:
    pytest.importorskip("verl", reason="verl is not installed")
    from omegaconf import OmegaConf
    from verl.trainer.ppo.reward import get_custom_reward_fn

    named = {"path": "pkg://mucode_core.integrations.verl", "name": "compute_score"}
    settings = {"reward": {"custom_reward_function": named | {"reward_kwargs": {"urls": [served.url]}}}}
    reward = get_custom_reward_fn(OmegaConf.create(settings))
    assert reward is not None
    assert reward(data_source="taco", solution_str=READS, ground_truth=json.dumps(SUM), extra_info={}) == 1.0


@pytest.mark.parametrize(
    ("answer", "score", "statuses"),
    [
        (READS, 1.0, ["success", "success"]),
        (HALF, 0.5, ["success", "wrong_answer"]),
        ("```python\n1/0\n```", 0.0, ["runtime_error", "runtime_error"]),
        ("```python\nwhile True: pass\n```", 0.0, ["timeout", "timeout"]),
    ],
)
def test_the_client_of_verl_for_sandbox_fusion(served: Served, answer: str, score: float, statuses: list[str]) -> None:
    fusion = pytest.importorskip("verl.utils.reward_score.sandbox_fusion", reason="verl is not installed")
    found, metadata = fusion.compute_score(f"{served.url}/run_code", None, 1024, answer, json.dumps(SUM), timeout=1)
    assert found == score
    assert [row["status"] for row in metadata] == statuses
