"""A zero-shot judge: the language model's own answer, without any fit."""

import pytest
import torch

from mucode_core.config import BootstrapConfig
from mucode_core.errors import ConfigError
from mucode_core.models.checkpoint_kind import read_scoring
from mucode_core.training.causal_lm import load_causal_lm, load_tokenizer
from mucode_core.types import Scoring
from mucode_core.verifier.model import encode_programs
from mucode_core.verifier.score import score_programs
from mucode_core.verifier.untrained import make_untrained
from tests.support.sayings import make_base

SIZE = BootstrapConfig(vocab_size=320, hidden_size=32, num_layers=1, num_heads=2, context_length=256)
JUDGE = Scoring("token", "Is it right?", ("y", "n"))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    torch.set_num_threads(1)
    return make_base(tmp_path_factory.mktemp("base"), SIZE, 8)


def test_the_score_is_the_log_odds_of_the_answers(base, tmp_path):
    make_untrained(base, tmp_path / "judge", JUDGE)
    assert read_scoring(tmp_path / "judge") == JUDGE
    (score,) = score_programs(tmp_path / "judge", [("say w1", "w1")])
    tokenizer = load_tokenizer(base)
    turns = [("user", "say w1"), ("assistant", "```python\nw1\n```"), ("user", "Is it right?")]
    messages = [{"role": role, "content": content} for role, content in turns]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(text, add_special_tokens=False).input_ids
    assert encode_programs(tokenizer, [("say w1", "w1")], "Is it right?")[0].ids == ids
    with torch.no_grad():
        logs = load_causal_lm(base)(torch.tensor([ids])).logits[0, -1].log_softmax(0)
    yes, no = (tokenizer(answer).input_ids[0] for answer in ("y", "n"))
    assert score == pytest.approx((logs[yes] - logs[no]).item(), abs=1e-4)


def test_the_initial_weights_are_neither_copied_nor_changed(base, tmp_path):
    before = {path.name: path.read_bytes() for path in base.iterdir()}
    make_untrained(base, tmp_path / "judge", JUDGE)
    assert (tmp_path / "judge" / "model.safetensors").samefile(base / "model.safetensors")
    assert {path.name: path.read_bytes() for path in base.iterdir()} == before


def test_an_answer_of_several_tokens_is_refused_before_anything_is_written(base, tmp_path):
    with pytest.raises(ConfigError, match=r"verifier\.answers: 'surely' is \d tokens"):
        make_untrained(base, tmp_path / "judge", Scoring("token", "Is it right?", ("surely", "n")))
    assert not (tmp_path / "judge").exists()
