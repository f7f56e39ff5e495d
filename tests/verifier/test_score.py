"""Programs that are longer than the verifier reads."""

import pytest
import torch

from mucode_core.config import BootstrapConfig
from mucode_core.generator.bootstrap import build_base
from mucode_core.models.chat_encoding import Encoded
from mucode_core.training.causal_lm import load_tokenizer
from mucode_core.types import Message, Scoring
from mucode_core.verifier.model import new_verifier, shorten
from mucode_core.verifier.score import score_programs

SIZE = BootstrapConfig(vocab_size=320, hidden_size=32, num_layers=1, num_heads=2, context_length=64)
SCORINGS = {kind: Scoring(kind) for kind in ("head", "likelihood")} | {"token": Scoring("token", "Right?", ("y", "n"))}
SHORT, LONG = ("say w1", "x = 1"), ("say w1", "x = 1\n" * 40 + "y = 2")


@pytest.fixture(scope="module", params=["head", "likelihood", "token"])
def verifier(request, tmp_path_factory):
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("verifier")
    build_base([(Message("user", "say w1"), Message("assistant", "```python\nw1\n```"))] * 4, path / "base", SIZE, 0)
    new_verifier(path / "base", SCORINGS[request.param], 0).save(path / "fitted")
    load_tokenizer(path / "base").save_pretrained(path / "fitted")
    return path / "fitted"


def test_long_sequences_lose_their_beginning(verifier):
    other = ("say w1 in other words", LONG[1])
    short, one, same = score_programs(verifier, [SHORT, LONG, other])
    assert one == pytest.approx(same, abs=1e-5), "only the beginning, which is cut, differs"
    assert score_programs(verifier, [("say w1", LONG[1][:-1] + "3")]) != pytest.approx([one], abs=1e-5)
    assert short != pytest.approx(one, abs=1e-5)


def test_half_the_bits_give_nearly_the_same_scores(verifier):
    scores = score_programs(verifier, [SHORT, LONG])
    assert score_programs(verifier, [SHORT, LONG], "cpu:0", torch.bfloat16) == pytest.approx(scores, rel=0.05, abs=0.05)


def test_labels_are_truncated_with_their_tokens():
    assert shorten(Encoded([1, 2, 3], [-100, 2, 3]), 2) == Encoded([2, 3], [2, 3])
    assert shorten(Encoded([1, 2, 3], [-100, 2, 3]), 9) == Encoded([1, 2, 3], [-100, 2, 3])
