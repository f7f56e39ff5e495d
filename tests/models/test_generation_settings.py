"""Decoding settings of published checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from transformers import LlamaConfig, LlamaForCausalLM

from mucode_core.models.generation_settings import make_savable
from mucode_core.training.causal_lm import load_causal_lm


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A tiny model whose publisher set a temperature and forgot `do_sample`."""
    shape = LlamaConfig(vocab_size=16, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2)
    LlamaForCausalLM(shape).save_pretrained(tmp_path / "published")
    settings = {"temperature": 0.6, "top_p": 0.9, "eos_token_id": [2, 3]}
    (tmp_path / "published" / "generation_config.json").write_text(json.dumps(settings), "utf-8")
    return tmp_path / "published"


def test_sampling_settings_without_do_sample_survive_a_training(checkpoint: Path, tmp_path: Path) -> None:
    load_causal_lm(checkpoint).save_pretrained(tmp_path / "trained")
    saved = json.loads((tmp_path / "trained" / "generation_config.json").read_text("utf-8"))
    assert saved["do_sample"] is True
    assert (saved["temperature"], saved["top_p"], saved["eos_token_id"]) == (0.6, 0.9, [2, 3])


def test_valid_settings_stay(checkpoint: Path) -> None:
    (checkpoint / "generation_config.json").write_text(json.dumps({"eos_token_id": 2}), "utf-8")
    assert not load_causal_lm(checkpoint).generation_config.do_sample


def test_models_without_decoding_settings_pass() -> None:
    model = object()
    assert make_savable(model) is model
