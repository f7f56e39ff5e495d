"""Which checkpoint a server loads."""

import json

import pytest

from mucode_core.errors import ConfigError
from mucode_core.serving.served_model import ServedModel
from tests.sampling.sampling_models import llama_config, save_checkpoint


def configure(path, **changes):
    path.mkdir()
    config = {"model_type": "llama", "hidden_size": 96, "num_attention_heads": 4} | changes
    (path / "config.json").write_text(json.dumps(config))
    return path


@pytest.mark.parametrize("changes", [{"head_dim": 64}, {"num_attention_heads": 3}, {"num_attention_heads": 0}])
def test_it_is_the_given_one_where_that_works_or_vllm_has_to_say_what_is_wrong(tmp_path, changes):
    path = configure(tmp_path / "model", **changes)
    assert ServedModel(path, on_cpu=True).prepare() == path
    assert ServedModel(tmp_path / "none", on_cpu=True).prepare() == tmp_path / "none"


def test_a_gpu_has_kernels_for_every_width(tmp_path):
    path = configure(tmp_path / "model")
    assert ServedModel(path, on_cpu=False).prepare() == path


def test_heads_that_cannot_be_widened_are_refused_before_a_server_starts(tmp_path):
    path = configure(tmp_path / "model", model_type="qwen3")
    with pytest.raises(
        ConfigError, match=r"model: has attention heads of 24 numbers.*\n  hint: sample with transf.* 32,"
    ):
        ServedModel(path, on_cpu=True)


def test_weights_of_other_formats_are_not_widened(tmp_path):
    path = configure(tmp_path / "model")
    (path / "pytorch_model.bin").write_bytes(b"weights")
    with pytest.raises(ConfigError, match="has attention heads of 24 numbers"):
        ServedModel(path, on_cpu=True)


def test_widened_heads_are_written_once_and_removed(tmp_path):
    path = save_checkpoint(tmp_path / "model", llama_config())
    served = ServedModel(path, on_cpu=True)
    wide = served.prepare()
    assert served.prepare() == wide != path
    assert json.loads((wide / "config.json").read_text())["head_dim"] == 32
    assert (wide / "tokenizer.json").read_bytes() == (path / "tokenizer.json").read_bytes()
    served.close()
    assert not wide.exists()
