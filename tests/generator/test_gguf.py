"""A GGUF file as a checkpoint: its weights, its tokens, and how it ends a turn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from mucode_core.config import make_config
from mucode_core.errors import DataError
from mucode_core.generator.gguf import convert_gguf, load_tokenizer
from mucode_core.models.gguf_file import read_header
from mucode_core.preflight.models import examine_model
from mucode_core.training.causal_lm import load_causal_lm
from mucode_core.training.causal_lm import load_tokenizer as load_checkpoint_tokenizer
from tests.support.gguf_files import tensors, write_gguf


def test_a_plain_checkpoint_with_the_files_weights(tmp_path: Path) -> None:
    report = convert_gguf(write_gguf(tmp_path / "tiny.gguf"), tmp_path / "model")
    assert report.repairs == (
        "pre-tokenizer smollm: digits are single tokens",
        "padding token <|pad|> instead of the end token",
    )
    model = load_causal_lm(tmp_path / "model")
    weights = tensors()
    embedding = model.get_input_embeddings().weight
    assert np.array_equal(embedding.detach().numpy(), weights["token_embd.weight"])
    assert model.get_output_embeddings().weight is embedding
    down = model.model.layers[1].mlp.down_proj.weight
    assert np.array_equal(down.detach().numpy(), weights["blk.1.ffn_down.weight"])
    assert (model.generation_config.eos_token_id, model.config.pad_token_id) == ([2], 3)
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    again.save_pretrained(tmp_path / "again")
    assert not hasattr(again.config, "quantization_config")


def test_quantised_weights_are_those_that_the_format_defines(tmp_path: Path) -> None:
    from gguf import GGUFReader, quants

    file = write_gguf(tmp_path / "tiny.gguf", quantized=True)
    report = convert_gguf(file, tmp_path / "model")
    assert report.tensor_types == "F32, Q8_0"
    (up,) = (tensor for tensor in GGUFReader(file).tensors if tensor.name == "blk.0.ffn_up.weight")
    expected = quants.dequantize(up.data, up.tensor_type)
    model = load_causal_lm(tmp_path / "model")
    assert np.array_equal(model.model.layers[0].mlp.up_proj.weight.detach().numpy(), expected)
    assert not np.array_equal(expected, tensors()["blk.0.ffn_up.weight"])


def test_digits_are_taken_apart_before_merges(tmp_path: Path) -> None:
    convert_gguf(write_gguf(tmp_path / "tiny.gguf"), tmp_path / "model")
    tokenizer = load_checkpoint_tokenizer(tmp_path / "model")
    assert tokenizer.tokenize("  5") == ["ĠĠ", "5"]
    plain, _ = load_tokenizer(read_header(write_gguf(tmp_path / "gpt2.gguf", pre="gpt-2")))
    assert plain.tokenize("  5") == ["Ġ", "Ġ", "5"]


def test_an_unknown_way_of_splitting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"pre-tokenizer 'new-one' is unknown here.*\n  hint: use the original"):
        load_tokenizer(read_header(write_gguf(tmp_path / "tiny.gguf", pre="new-one")))


def test_the_token_that_ends_turns_is_the_end_token(tmp_path: Path) -> None:
    report = convert_gguf(write_gguf(tmp_path / "tiny.gguf", eos=0, eot=2, pad=3), tmp_path / "model")
    assert report.repairs[1:] == ("end token <|im_end|>, which ends the template's turns",)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<|im_end|>", "<|pad|>")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.float32)
    assert model.generation_config.eos_token_id == [2, 0]


def test_an_unknown_architecture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="newest-model"):
        convert_gguf(write_gguf(tmp_path / "tiny.gguf", architecture="newest-model"), tmp_path / "model")


def test_preflight_shows_licence_size_context_and_repairs(tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "tiny.gguf")
    config = make_config(
        {"generator": {"model": str(file)}, "finetune": {"max_length": 512}, "verifier": {"max_length": 512}}
    )
    shape, checks = examine_model(config)
    assert shape is not None and shape.num_layers == 2
    found = {check.name: check for check in checks}
    assert all(check.ok for check in checks)
    assert "licence mit" in found["model"].detail and "context 512" in found["model"].detail
    assert "digits are single tokens" in found["repairs"].detail
    file.write_bytes(file.read_bytes()[:-100])
    shape, (check,) = examine_model(config)
    assert shape is None and not check.ok and "is truncated" in check.detail
