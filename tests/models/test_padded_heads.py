"""Widened heads compared with the original model."""

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, LlamaConfig, MistralConfig

from mucode_core.models.head_sizes import choose_wider, head_size_of
from mucode_core.models.padded_heads import pad_heads

SIZES = {"hidden_size": 48, "num_hidden_layers": 2, "intermediate_size": 96, "vocab_size": 320}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 5000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
KINDS = {
    "llama": LlamaConfig(**SIZES, **HEADS),
    "biases": LlamaConfig(**SIZES, **HEADS, attention_bias=True),
    "scaled": LlamaConfig(**SIZES, **HEADS, rope_parameters=LLAMA3),
    "own size": LlamaConfig(**SIZES, **HEADS, head_dim=10, tie_word_embeddings=True),
    "mistral": MistralConfig(**SIZES, **HEADS, sliding_window=None),
}


def save(kind, path, **options):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(KINDS[kind])
    for name, value in model.named_parameters():
        if "proj" in name:
            torch.nn.init.normal_(value, std=0.3)  # attention that depends on positions
    model.save_pretrained(path, **options)
    return model.eval()


@pytest.mark.parametrize("kind", KINDS)
def test_logits_are_those_of_the_original(tmp_path, kind):
    model = save(kind, tmp_path / "model")
    (tmp_path / "model" / "tokenizer.json").write_text("{}")
    pad_heads(tmp_path / "model", 32, tmp_path / "wide")
    wide = AutoModelForCausalLM.from_pretrained(tmp_path / "wide").eval()
    assert wide.model.layers[0].self_attn.head_dim == 32
    tokens = torch.randint(0, 320, (2, 200))
    with torch.no_grad():
        first, second = model(tokens).logits, wide(tokens).logits
    assert (first - second).abs().max() < 1e-3 * first.abs().max()
    assert (tmp_path / "wide" / "tokenizer.json").exists()


def test_a_verifier_with_shards_and_16_bits_keeps_both(tmp_path):
    config = LlamaConfig(**SIZES, **HEADS, num_labels=1, pad_token_id=0)
    model = AutoModelForSequenceClassification.from_config(config).to(torch.bfloat16)
    model.save_pretrained(tmp_path / "model", max_shard_size="50KB")
    pad_heads(tmp_path / "model", 32, tmp_path / "wide")
    wide = AutoModelForSequenceClassification.from_pretrained(tmp_path / "wide", dtype="auto")
    assert {value.dtype for value in wide.parameters()} == {torch.bfloat16}
    assert len(list((tmp_path / "wide").glob("*.safetensors"))) > 1
    tokens = torch.randint(1, 320, (2, 50))
    with torch.no_grad():
        assert torch.allclose(model(tokens).logits, wide(tokens).logits, atol=0.02)


def test_a_configuration_of_older_transformers_is_read(tmp_path):
    model = save("llama", tmp_path / "model")
    file = tmp_path / "model" / "config.json"
    config = json.loads(file.read_text())
    del config["rope_parameters"], config["head_dim"]
    file.write_text(json.dumps(config | {"rope_theta": 10000.0}))
    pad_heads(tmp_path / "model", 32, tmp_path / "wide")
    tokens = torch.randint(0, 320, (1, 100))
    with torch.no_grad():
        wide = AutoModelForCausalLM.from_pretrained(tmp_path / "wide").eval()(tokens).logits
        assert torch.allclose(model(tokens).logits, wide, atol=1e-3)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 32),
        ({"model_type": "mistral", "head_dim": 33 - 1}, 64),
        ({"head_dim": 513 + 1}, None),
        ({"head_dim": 15}, None),
        ({"model_type": "qwen3"}, None),
        ({"rope_parameters": {"rope_type": "yarn"}}, None),
        ({"rope_scaling": {"type": "linear"}}, 32),
        ({"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}}, None),
        ({"quantization_config": {"quant_method": "awq"}}, None),
    ],
)
def test_only_what_is_understood_is_widened(changes, expected):
    config = {"model_type": "llama", "hidden_size": 96, "num_attention_heads": 4}
    assert head_size_of(config) == 24
    assert choose_wider(config | changes, [32, 64, 512]) == expected
