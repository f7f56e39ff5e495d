"""Shapes read from checkpoints that transformers wrote."""

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config

from mucode_core.errors import DataError
from mucode_core.models.shape import ModelShape, read_shape

SIZES = {"hidden_size": 48, "num_hidden_layers": 3, "intermediate_size": 96, "vocab_size": 320}


def save(config, path, **options):
    AutoModelForCausalLM.from_config(config).save_pretrained(path, **options)
    return path


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(
    ("kind", "kv_heads", "extra", "head_size"),
    [(LlamaConfig, 2, {}, 12), (LlamaConfig, 4, {"head_dim": 8}, 8), (Qwen2Config, 1, {}, 12)],
)
def test_the_shape_is_that_of_the_loaded_model(tmp_path, kind, kv_heads, extra, head_size, tied):
    config = kind(
        **SIZES,
        **extra,
        num_attention_heads=4,
        num_key_value_heads=kv_heads,
        tie_word_embeddings=tied,
        max_position_embeddings=128,
    )
    path = save(config, tmp_path / "model")
    loaded = AutoModelForCausalLM.from_pretrained(path)
    assert read_shape(path) == ModelShape(
        num_parameters=sum(p.numel() for p in loaded.parameters()),
        num_layers=3,
        hidden_size=48,
        num_kv_heads=kv_heads,
        head_size=head_size,
        vocab_size=320,
        context_length=128,
        num_heads=4,
        intermediate_size=96,
    )


@pytest.fixture
def sharded(tmp_path):
    config = LlamaConfig(**SIZES, num_attention_heads=4, max_position_embeddings=128)
    return save(config, tmp_path / "model", max_shard_size="100KB")


def test_shards_add_up(sharded):
    assert len(list(sharded.glob("*.safetensors"))) > 2
    loaded = AutoModelForCausalLM.from_pretrained(sharded, dtype=torch.float32)
    assert read_shape(sharded).num_parameters == sum(p.numel() for p in loaded.parameters())


def truncate(path):
    file = sorted(path.glob("*.safetensors"))[-1]
    file.write_bytes(file.read_bytes()[:-1])


def empty(path):
    sorted(path.glob("*.safetensors"))[0].write_bytes(b"")


def lie(path):
    sorted(path.glob("*.safetensors"))[0].write_bytes(b"\xff" * 64)


def forget_layers(path):
    config = json.loads((path / "config.json").read_text())
    del config["num_hidden_layers"]
    (path / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, "is truncated"),
        (empty, "weights cannot be read"),
        (lie, "a header of"),
        (lambda path: sorted(path.glob("*.safetensors"))[1].unlink(), "No such file"),
        (lambda path: (path / "config.json").unlink(), r"config\.json: cannot be read"),
        (lambda path: (path / "model.safetensors.index.json").write_text("{}"), "not an index of weights"),
        (forget_layers, "num_hidden_layers"),
    ],
)
def test_damage_is_named_before_anything_is_loaded(sharded, damage, message):
    damage(sharded)
    with pytest.raises(DataError, match=message):
        read_shape(sharded)
