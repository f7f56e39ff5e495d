import pytest

from mucode_core.config import (
    ScorerConfig,
    VerifierConfig,
    VllmConfig,
    dump_config,
    load_config,
    make_config,
    require_own_engine,
)
from mucode_core.errors import ConfigError
from mucode_core.types import Scoring
from tests.conftest import REPO

ENDPOINT = {"base_url": "http://x/v1", "served_model": "m"}


def make(vllm=None, generator=None, **sections):
    return make_config(
        {"generator": {"backend": "vllm", "model": "/m", "vllm": vllm or {}} | (generator or {})} | sections
    )


@pytest.mark.parametrize(
    ("vllm", "location"),
    [
        ({"gpus": [0, 1]}, r"generator\.vllm\.gpus: 2 named, 1 used; name 1"),
        ({"gpus": [0, 0], "tensor_parallel_size": 2}, r"generator\.vllm\.gpus: a GPU is named twice"),
        ({"extra_args": ["--port=80"]}, r"generator\.vllm\.extra_args: --port=80 is set by the run"),
        ({"max_model_len": 96}, r"generator\.max_new_tokens: 96 leave no room"),
        ({"served_model": "m"}, r"generator\.vllm\.served_model"),
        ({"base_url": "http://x/v1"}, r"generator\.vllm\.served_model: an endpoint needs"),
        (ENDPOINT | {"base_url": "x:80"}, r"generator\.vllm\.base_url: 'x:80' is not a URL"),
        (ENDPOINT | {"dtype": "float32"}, r"generator\.vllm\.dtype: is a setting of a server that the run starts"),
    ],
)
def test_impossible_servers_raise_with_their_location(vllm, location):
    with pytest.raises(ConfigError, match=location):
        make(vllm)


def test_unsupported_head_sizes_raise_before_the_base_is_trained():
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
def test_servers_that_do_not_fit_the_bootstrap_model_raise(section, settings, says):
    sections = {"generator": {"bootstrap": {"hidden_size": 128}}, "verifier": {"scorer": "vllm"}}
    make_config(sections)
    vllm = {"generator": {"backend": "vllm"}, "verifier": {}}[section]
    sections[section] = sections[section] | vllm | {"vllm": settings}
    with pytest.raises(ConfigError, match=rf"{section}\.vllm\.{says}"):
        make_config(sections)


def test_the_verifier_s_server_reads_all_that_the_generator_writes():
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


def test_location_and_speed_are_not_fingerprinted():
    moved = VllmConfig(**ENDPOINT, gpus=(3,), concurrency=7, ready_timeout_s=9, prefix_caching=False)
    assert moved.fingerprinted() == VllmConfig().fingerprinted()
    assert VllmConfig(seeded=False).fingerprinted() != VllmConfig().fingerprinted()
    assert VllmConfig(dtype="float32").fingerprinted() != VllmConfig().fingerprinted()


def test_the_scorer_does_not_change_the_fit_s_fingerprint():
    other = VerifierConfig(scorer="vllm", vllm=ScorerConfig(dtype="float32"))
    assert other.fingerprinted() == VerifierConfig().fingerprinted()
    assert not {"scorer", "vllm"} & set(other.fingerprinted())


def test_the_question_is_fingerprinted_where_it_is_asked_only():
    asked = {"question": "Right?", "answers": ("y", "n")}
    assert VerifierConfig(**asked).fingerprinted() == VerifierConfig().fingerprinted()
    assert VerifierConfig(window=1).fingerprinted() == VerifierConfig().fingerprinted(), "the pairs are inputs"
    assert not {"question", "answers", "fit"} & set(VerifierConfig().fingerprinted())
    token = VerifierConfig(score="token")
    assert VerifierConfig(score="token", **asked).fingerprinted() != token.fingerprinted()
    assert VerifierConfig(score="token", fit=False).fingerprinted() != token.fingerprinted()
    assert token.scoring == Scoring("token", token.question, ("Yes", "No"))


def test_an_unfitted_head_is_refused():
    with pytest.raises(ConfigError, match=r"verifier\.fit: an unfitted head scores at random; set .*token"):
        make(verifier={"fit": False})
    make(verifier={"fit": False, "score": "token"})


def test_the_bootstrap_model_answers_by_single_characters():
    own = {"verifier": {"score": "token"}}
    with pytest.raises(ConfigError, match=r"verifier\.answers: \['Yes', 'No'\] may not be single tokens"):
        make_config(own)
    make_config({"verifier": {"score": "token", "answers": ["y", "n"]}})
    make(**own)


@pytest.mark.parametrize("score", ["head", "likelihood", "token"])
def test_every_kind_of_score_fits_the_engines_of_a_gpu_run(score):
    asked = ["verifier.answers=[y, n]", "verifier.scorer=vllm", f"verifier.score={score}"]
    config = load_config(REPO / "configs" / "demo-vllm.yaml", asked)
    assert (config.verifier.backend, config.verifier.scoring.kind) == ("trl", score)
