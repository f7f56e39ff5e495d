"""A real vLLM server compared with the transformers sampler, on the same checkpoint."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from mucode_core.config import VllmConfig
from mucode_core.errors import ConfigError
from mucode_core.sampling.base import SampleRequest
from mucode_core.sampling.transformers import TransformersSampler
from mucode_core.sampling.vllm import VllmSampler, make_vllm_sampler
from mucode_core.serving.endpoints import open_client
from mucode_core.serving.lease import LeasedServers, ServerPlan
from mucode_core.serving.served_model import CPU_HEAD_SIZES
from mucode_core.types import Message, SamplingParams
from tests.sampling.sampling_models import CONTEXT, llama_config, make_requests, make_tokenizer, save_checkpoint

pytest.importorskip("vllm", reason="vLLM is not installed")
pytestmark = [pytest.mark.vllm, pytest.mark.slow]

SETTINGS = VllmConfig(dtype="float32", kv_cache_gib=1)
GREEDY, SAMPLED = SamplingParams(0.0, 1.0, 40), SamplingParams(0.7, 0.9, 40)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Heads of 32, which vLLM's attention on CPU can do, and many tokens that end a turn."""
    config = llama_config(hidden_size=128, intermediate_size=256)
    return save_checkpoint(tmp_path_factory.mktemp("model"), config, stops=[3, *range(40, 50)])


@pytest.fixture(scope="module")
def plan(model):
    return ServerPlan(model, SETTINGS, model.parent / "vllm.log")


@pytest.fixture(scope="module")
def client(plan):
    pool = LeasedServers(open_client)
    with pool.lease(plan) as leased:
        yield leased
    pool.close()


@pytest.fixture(scope="module")
def sampler(client):
    return make_vllm_sampler(client, SETTINGS)


def essence(completions):
    """The part that must agree: vLLM omits a character cut off at the token limit, the other decodes it to U+FFFD."""
    return [(c.text.rstrip("\ufffd"), c.finish_reason, c.num_tokens) for c in completions]


def share_equal(first, second):
    return sum(a == b for a, b in zip(essence(first), essence(second), strict=True)) / len(first)


def test_greedy_completions_are_those_of_the_transformers_sampler(sampler, model):
    requests = make_requests(100)
    expected = TransformersSampler(model, 64).sample(requests, GREEDY)
    assert {c.finish_reason for c in expected} == {"stop", "length"}
    assert share_equal(sampler.sample(requests, GREEDY), expected) >= 0.95


def test_a_checkpoint_with_heads_without_a_kernel_is_served_with_wider_ones(tmp_path):
    checkpoint = save_checkpoint(tmp_path / "model", llama_config(), stops=[3, *range(40, 50)])
    requests = make_requests(60)
    expected = TransformersSampler(checkpoint, 64).sample(requests, GREEDY)
    client = open_client(ServerPlan(checkpoint, SETTINGS, tmp_path / "vllm.log"))
    try:
        assert share_equal(make_vllm_sampler(client, SETTINGS).sample(requests, GREEDY), expected) >= 0.95
    finally:
        client.close()


def test_head_sizes_are_those_of_the_installed_build():
    backend = pytest.importorskip("vllm.v1.attention.backends.cpu_attn").CPUAttentionBackend
    assert tuple(backend.get_supported_head_sizes()) == CPU_HEAD_SIZES


def test_a_seeded_completion_depends_on_its_own_state_and_seed(sampler):
    requests = make_requests(60)
    together = sampler.sample(requests, SAMPLED)
    assert share_equal(sampler.sample(requests[::-1], SAMPLED)[::-1], together) >= 0.95
    assert share_equal(sampler.sample(requests[:7], SAMPLED), together[:7]) >= 0.85
    state = requests[0].messages
    drawn = sampler.sample([SampleRequest("p", k, 0, state, k) for k in range(20)], SAMPLED)
    assert len({c.text for c in drawn}) > 15


def test_without_seeds_each_request_gets_its_own_completion(client):
    requests = [r for r in make_requests(10) for _ in range(6)]
    drawn = VllmSampler(client, seeded=False, grouped=True).sample(requests, SAMPLED)
    assert len(drawn) == len(requests)
    assert len({c.text for c in drawn}) > len(requests) / 2
    assert all(0 < c.num_tokens <= 40 for c in drawn)


def test_a_completion_is_bounded_by_the_context(sampler, model):
    tokenizer = make_tokenizer()
    requests = {}
    for words in range(1, CONTEXT + 10):
        messages = (Message("user", "q" * words),)
        rendered = tokenizer.apply_chat_template([{"role": "user", "content": "q" * words}], tokenize=False)
        length = len(tokenizer(rendered + "<|assistant|>").input_ids)
        requests[length] = SampleRequest("p", 0, 0, messages, 0)
    chosen = [requests[CONTEXT - room] for room in (10, 2, 1, 0, -1, -5)]
    drawn = sampler.sample(chosen, GREEDY)
    assert essence(drawn) == essence(TransformersSampler(model, 64).sample(chosen, GREEDY))
    assert [c.num_tokens for c in drawn[2:]] == [1, 0, 0, 0]


def test_a_limit_beyond_the_context_is_refused_with_a_hint(sampler):
    with pytest.raises(ConfigError, match=r"new tokens do not fit.*\n.*max_new_tokens"):
        sampler.sample(make_requests(1), SamplingParams(0.7, 1.0, 10 * CONTEXT))


def marked(mark):
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_a_killed_server_is_replaced_and_the_stage_completes(plan, sampler, monkeypatch):
    requests = [r for _ in range(10) for r in make_requests(60)]
    undisturbed = sampler.sample(requests, SAMPLED)
    monkeypatch.setenv("MUCODE_TEST_SERVER", "of-this-test")
    pool, killed = LeasedServers(open_client), []

    def kill():
        time.sleep(0.3)
        first = min(marked("MUCODE_TEST_SERVER=of-this-test"))
        os.kill(first, signal.SIGKILL)
        killed.append(first)

    with pool.lease(plan) as client:
        disturbed = make_vllm_sampler(client, SETTINGS)
        disturbed.sample(requests[:1], GREEDY)
        killer = threading.Thread(target=kill)
        killer.start()
        drawn = disturbed.sample(requests, SAMPLED)
        killer.join()
        assert killed
        assert killed[0] not in marked("MUCODE_TEST_SERVER=of-this-test")
    pool.close()
    assert share_equal(drawn, undisturbed) >= 0.95
    assert not marked("MUCODE_TEST_SERVER=of-this-test")
