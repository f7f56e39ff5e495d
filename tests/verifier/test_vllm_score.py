"""Scores of vLLM's pooling runner beside those of transformers, of one fitted verifier."""

import random

import pytest
import torch

from mucode_core.bootstrap import build_base
from mucode_core.config import BootstrapConfig, EngineConfig, VerifierConfig
from mucode_core.sampling.servers import ServerPlan
from mucode_core.types import Message, VerifierPair
from mucode_core.verifier.fit import fit_verifier
from mucode_core.verifier.score import score_programs
from mucode_core.verifier.vllm_score import open_scorer
from mucode_core.verifier.vllm_score import score_programs as score_by_vllm

pytest.importorskip("vllm", reason="vLLM is not installed")
pytestmark = [pytest.mark.vllm, pytest.mark.slow]

SIZE = BootstrapConfig(vocab_size=320, hidden_size=64, num_layers=2, num_heads=2, context_length=256)


@pytest.fixture(scope="module")
def verifier(tmp_path_factory):
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("verifier")
    dialogues = [
        (Message("user", f"say w{i}"), Message("assistant", f"```python\nw{i}\n```"), Message("user", "Feedback: no"))[
            :2
        ]
        for i in range(40)
    ]
    build_base(dialogues, path / "base", SIZE, 0)
    pairs = [VerifierPair(f"p{i}", f"say w{i}", f"good{i % 5}", f"bad{i % 7}") for i in range(40)]
    config = VerifierConfig(score="head", epochs=6, learning_rate=5e-3, batch_tokens=512)
    assert fit_verifier(pairs, path / "base", path / "fitted", config, 0).train_pair_accuracy > 0.9
    return path / "fitted"


@pytest.fixture(scope="module")
def server(verifier, tmp_path_factory):
    engine = EngineConfig(dtype="float32", kv_cache_gib=1)
    opened = open_scorer(ServerPlan(verifier, engine, tmp_path_factory.mktemp("log") / "verifier.log"))
    yield opened
    opened.close()


def make_items(num):
    rng = random.Random(0)
    prompts = [f"say {'w' * rng.randint(1, 60)}{i % 9}" for i in range(num // 4)]
    return [
        (rng.choice(prompts), rng.choice(["good", "bad", "\u00e9t\u00e9 "]) * rng.randint(1, 12)) for _ in range(num)
    ]


def test_both_give_the_same_scores(server, verifier):
    items = make_items(300)
    expected = score_programs(verifier, items)
    assert max(expected) - min(expected) > 1, "else agreement would say nothing"
    assert score_by_vllm(server.ensure(), server.api_key, verifier, items) == pytest.approx(expected, abs=1e-3)


def test_programs_beyond_the_context_get_the_same_scores_too(server, verifier):
    items = [("say w1", "x = 1\n" * n + end) for n in (1, 20, 30, 40, 400) for end in ("good1", "bad1")]
    expected = score_programs(verifier, items)
    assert len(set(expected)) == len(items)
    assert score_by_vllm(server.ensure(), server.api_key, verifier, items) == pytest.approx(expected, abs=1e-3)
