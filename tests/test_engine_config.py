import pytest

from mucode_core.config import (
    ScorerConfig,
    VerifierConfig,
    VllmConfig,
    dump_config,
    make_config,
    require_own_engine,
)
from mucode_core.errors import ConfigError

ENDPOINT = {"base_url": "http://x/v1", "served_model": "m"}


def make(vllm=None, generator=None, **sections):
    return make_config(
        {"generator": {"backend": "vllm", "model": "/m", "vllm": vllm or {}} | (generator or {})} | sections
    )


@pytest.mark.parametrize(
    ("vllm", "place"),
    [
        ({"gpus": [0, 1]}, r"generator\.vllm\.gpus: 2 named, 1 used; name 1"),
        ({"gpus": [0, 0], "tensor_parallel_size": 2}, r"generator\.vllm\.gpus: a GPU is named twice"),
        ({"extra_args": ["--port=80"]}, r"generator\.vllm\.extra_args: --port=80 is the run's"),
        ({"max_model_len": 96}, r"generator\.max_new_tokens: 96 leave no room"),
        ({"served_model": "m"}, r"generator\.vllm\.served_model"),
        ({"base_url": "http://x/v1"}, r"generator\.vllm\.served_model: an endpoint needs"),
        (ENDPOINT | {"base_url": "x:80"}, r"generator\.vllm\.base_url: 'x:80' is no URL"),
        (ENDPOINT | {"dtype": "float32"}, r"generator\.vllm\.dtype: is a setting of a server that the run starts"),
    ],
)
def test_servers_that_cannot_be_raise_with_their_place(vllm, place):
    with pytest.raises(ConfigError, match=place):
        make(vllm)


def test_the_likelihood_score_needs_transformers():
    with pytest.raises(ConfigError, match=r"verifier\.scorer: vllm scores with a scalar head only"):
        make(verifier={"scorer": "vllm", "score": "likelihood"})


def test_heads_that_vllm_cannot_do_raise_before_the_base_is_trained():
    with pytest.raises(ConfigError, match="no attention for heads of 24"):
        make(generator={"model": "bootstrap"})
    make(generator={"model": "bootstrap", "bootstrap": {"hidden_size": 128}})


@pytest.mark.parametrize("section", ["generator", "verifier"])
@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"max_model_len": 513}, r"max_model_len: exceeds the context of 512 tokens; lower it"),
        ({"tensor_parallel_size": 3}, r"tensor_parallel_size: 4 attention heads cannot be divided by 3"),
    ],
)
def test_servers_that_do_not_fit_the_model_made_on_the_spot_raise(section, settings, says):
    sections = {"generator": {"bootstrap": {"hidden_size": 128}}, "verifier": {"scorer": "vllm"}}
    make_config(sections)
    vllm = {"generator": {"backend": "vllm"}, "verifier": {}}[section]
    sections[section] = sections[section] | vllm | {"vllm": settings}
    with pytest.raises(ConfigError, match=rf"{section}\.vllm\.{says}"):
        make_config(sections)


def test_the_verifier_s_server_reads_all_that_is_written():
    verifier = {"scorer": "vllm", "vllm": {"max_model_len": 4096}}
    with pytest.raises(ConfigError, match=r"verifier\.vllm\.max_model_len: 4096 leave no room.*more than 8192"):
        make({"max_model_len": 8192}, verifier=verifier)
    make({"max_model_len": 2048}, verifier=verifier)
    make({"max_model_len": 8192}, verifier=verifier | {"vllm": {}})
    with pytest.raises(ConfigError, match=r"verifier\.vllm\.max_model_len"):
        make(generator={"max_new_tokens": 5000}, verifier=verifier)


def test_training_refuses_an_endpoint_that_serves_one_model():
    with pytest.raises(ConfigError, match=r"generator\.vllm\.base_url: cannot serve what is being trained"):
        require_own_engine(make(ENDPOINT))
    require_own_engine(make())


def test_a_dumped_endpoint_loads_again():
    import yaml

    config = make(ENDPOINT)
    assert make_config(yaml.safe_load(dump_config(config))) == config


def test_where_and_how_fast_enter_no_fingerprint():
    moved = VllmConfig(**ENDPOINT, gpus=(3,), concurrency=7, ready_timeout_s=9, prefix_caching=False)
    assert moved.fingerprinted() == VllmConfig().fingerprinted()
    assert VllmConfig(seeded=False).fingerprinted() != VllmConfig().fingerprinted()
    assert VllmConfig(dtype="float32").fingerprinted() != VllmConfig().fingerprinted()


def test_what_scores_does_not_change_what_is_fitted():
    other = VerifierConfig(scorer="vllm", vllm=ScorerConfig(dtype="float32"))
    assert other.fingerprinted() == VerifierConfig().fingerprinted()
    assert not {"scorer", "vllm"} & set(other.fingerprinted())
