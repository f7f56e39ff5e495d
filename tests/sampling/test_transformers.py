"""The sampler compared with `model.generate`, and the inputs of a completion."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer, BloomConfig, GPT2Config, Qwen2Config

from mucode_core.errors import SamplerError
from mucode_core.models.chat_encoding import encode_prompts
from mucode_core.sampling import llama_decoder
from mucode_core.sampling.base import SampleRequest
from mucode_core.sampling.transformers import TransformersSampler, _draw
from mucode_core.types import Completion, Message, SamplingParams
from tests.sampling.sampling_models import CONTEXT, llama_config, make_requests, save_checkpoint

GREEDY = SamplingParams(0.0, 1.0, 24)
WARM = SamplingParams(1.0, 1.0, 24)

QWEN = Qwen2Config(**{**llama_config().to_dict(), "model_type": "qwen2", "architectures": None})
GPT2 = GPT2Config(
    vocab_size=300, n_embd=32, n_layer=2, n_head=4, n_positions=CONTEXT, initializer_range=0.4,
    tie_word_embeddings=False,    bos_token_id=3, eos_token_id=3, pad_token_id=0,
)  # fmt: skip
LLAMA3_ROPE = {
    "rope_type": "llama3", "rope_theta": 500.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}  # fmt: skip
LLAMAS = {
    "tied, grouped": llama_config(),
    "untied": llama_config(tie_word_embeddings=False),
    "one head a query": llama_config(num_key_value_heads=4),
    "one head for all": llama_config(num_key_value_heads=1),
    "own head size": llama_config(head_dim=12),
    "own theta": llama_config(rope_parameters={"rope_type": "default", "rope_theta": 100.0}),
    "stretched rope": llama_config(rope_parameters=LLAMA3_ROPE),
    "one layer": llama_config(num_hidden_layers=1),
}
OTHERS = {"qwen2": QWEN, "gpt2": GPT2, "llama with biases": llama_config(attention_bias=True, mlp_bias=True)}


def generate(directory: Path, requests: list[SampleRequest], limit: int) -> list[str]:
    """What `model.generate` says greedily, one prompt at a time."""
    tokenizer = AutoTokenizer.from_pretrained(directory)
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    texts = []
    for ids in encode_prompts(tokenizer, [r.messages for r in requests]):
        output = model.generate(torch.tensor([ids]), do_sample=False, max_new_tokens=min(limit, CONTEXT - len(ids)))
        texts.append(tokenizer.decode(output[0, len(ids) :], skip_special_tokens=True))
    return texts


QUICK = ("tied, grouped", "untied", "stretched rope", "qwen2")
"""Of these the fast tests try greedy output; the others take their time."""


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(config, id=name, marks=() if name in QUICK else pytest.mark.slow)
        for name, config in (LLAMAS | OTHERS).items()
    ],
)
def test_greedy_output_is_the_models_own(tmp_path: Path, config) -> None:
    save_checkpoint(tmp_path, config)
    requests = make_requests(10)
    wanted = generate(tmp_path, requests, 24)
    assert len(set(wanted)) >= 3, "a model that always says the same would hide mixed-up rows"
    for batch_size in (3, 64):
        completions = TransformersSampler(tmp_path, batch_size).sample(requests, GREEDY)
        assert [c.text for c in completions] == wanted


def test_the_fast_decoder_supports_exactly_llama_models() -> None:
    assert all(llama_decoder.is_covered(config) for config in LLAMAS.values())
    assert not any(llama_decoder.is_covered(config) for config in OTHERS.values())
    dynamic = {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}
    assert not llama_decoder.is_covered(llama_config(rope_parameters=dynamic))
    assert not llama_decoder.is_covered(llama_config(hidden_act="gelu"))


@pytest.mark.parametrize("params", [GREEDY, WARM, SamplingParams(0.7, 0.8, 24)])
def test_both_decoders_draw_the_same(checkpoint: Path, params: SamplingParams, monkeypatch) -> None:
    requests = make_requests(20, seed=3)
    fast = TransformersSampler(checkpoint, 16).sample(requests, params)
    monkeypatch.setattr(llama_decoder, "is_covered", lambda config: False)
    plain = TransformersSampler(checkpoint, 16).sample(requests, params)
    assert fast == plain
    assert len({c.num_tokens for c in fast}) > 1 or params == GREEDY


def test_logits_stay_close_while_rows_leave(checkpoint: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()
    generator = torch.Generator().manual_seed(0)
    prompts = [torch.randint(4, 300, (n,), generator=generator).tolist() for n in (1, 3, 3, 7, 20)]
    copies = (1, 2, 1, 3, 2)
    batches = [
        make(model).open(prompts, copies, 12) for make in (llama_decoder.LlamaDecoder, llama_decoder.CachedDecoder)
    ]
    rows = [list(prompt) for prompt, n in zip(prompts, copies, strict=True) for _ in range(n)]
    for step in range(12):
        expected = torch.cat([model(torch.tensor([row])).logits[:, -1] for row in rows]).detach()
        for batch in batches:
            torch.testing.assert_close(batch.logits, expected, rtol=1e-4, atol=1e-4)
        if step in (2, 3, 7):
            kept = torch.arange(len(rows))[torch.randperm(len(rows), generator=generator)[:-2]].sort().values
            rows = [rows[i] for i in kept]
            for batch in batches:
                batch.keep(kept)
        tokens = torch.randint(4, 300, (len(rows),), generator=generator)
        rows = [[*row, int(token)] for row, token in zip(rows, tokens, strict=True)]
        for batch in batches:
            batch.feed(tokens)


def test_all_tensors_are_on_the_device(checkpoint: Path) -> None:
    """A device with a number is not taken for the default one."""
    here, there = (TransformersSampler(checkpoint, 4, device) for device in ("cpu", "cpu:0"))
    for params in (GREEDY, WARM):
        assert there.sample(make_requests(9), params) == here.sample(make_requests(9), params)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_draws_what_the_cpu_draws(checkpoint: Path) -> None:
    here, there = (TransformersSampler(checkpoint, 4, device) for device in ("cpu", "cuda"))
    assert there.sample(make_requests(9), GREEDY) == here.sample(make_requests(9), GREEDY)


@pytest.mark.parametrize("config", [LLAMAS["tied, grouped"], QWEN], ids=["llama", "qwen2"])
def test_half_the_bits_give_nearly_the_same_logits(tmp_path: Path, config) -> None:
    model = AutoModelForCausalLM.from_pretrained(save_checkpoint(tmp_path, config)).eval()
    prompts, copies, rows = [[5, 6, 7, 8], [9, 10]], [2, 3], torch.tensor([0, 2, 3])
    logits = []
    for dtype in (torch.float32, torch.bfloat16):
        batch = llama_decoder.make_decoder(model.to(dtype)).open(prompts, copies, 4)
        batch.feed(torch.tensor([11, 12, 13, 14, 15]))
        batch.keep(rows)
        batch.feed(torch.tensor([16, 17, 18]))
        logits.append(batch.logits)
    assert logits[1].dtype == torch.bfloat16
    assert torch.corrcoef(torch.stack([each.float().flatten() for each in logits]))[0, 1] > 0.999
    sampler = TransformersSampler(tmp_path, 4, dtype=torch.bfloat16)
    assert sum(c.num_tokens for c in sampler.sample(make_requests(9), WARM)) > 9


def test_a_completion_depends_on_its_own_state_and_seed(checkpoint: Path) -> None:
    requests = make_requests(25, seed=5)
    together = TransformersSampler(checkpoint, 256).sample(requests, WARM)
    assert TransformersSampler(checkpoint, 256).sample(requests, WARM) == together
    small = TransformersSampler(checkpoint, 4)
    assert small.sample(requests, WARM) == together
    assert small.sample(requests[::-1], WARM) == together[::-1]
    assert [small.sample([request], WARM)[0] for request in requests[:8]] == together[:8]
    renamed = [replace(r, problem_id="x", sample_index=9, turn_index=2) for r in requests]
    assert small.sample(renamed, WARM) == together


def test_other_seeds_draw_other_texts_from_one_prompt(checkpoint: Path) -> None:
    requests = [SampleRequest("p", i, 0, (Message("user", "sum"),), i) for i in range(30)]
    sampler = TransformersSampler(checkpoint, 16)
    assert len({c.text for c in sampler.sample(requests, WARM)}) > 20
    assert len({c.text for c in sampler.sample(requests, GREEDY)}) == 1
    assert len({c.text for c in sampler.sample(requests, SamplingParams(1.0, 1e-9, 24))}) == 1


def test_a_stop_token_ends_a_completion_and_counts(tmp_path: Path) -> None:
    request = SampleRequest("p", 0, 0, (Message("user", "sum the list"),), 0)
    save_checkpoint(tmp_path, llama_config())
    long = TransformersSampler(tmp_path, 8).sample([request], GREEDY)[0]
    assert (long.finish_reason, long.num_tokens) == ("length", 24)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    ids = greedy_ids(tmp_path, request)
    position = next(i for i in range(4, 24) if ids[i] not in ids[:i])
    save_checkpoint(tmp_path, llama_config(), stops=[3, ids[position]])
    short = TransformersSampler(tmp_path, 8).sample([request], GREEDY)[0]
    assert (short.finish_reason, short.num_tokens) == ("stop", position + 1)
    assert short.text == tokenizer.decode(ids[:position], skip_special_tokens=True)


def greedy_ids(directory: Path, request: SampleRequest) -> list[int]:
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    ids = encode_prompts(AutoTokenizer.from_pretrained(directory), [request.messages])[0]
    return model.generate(torch.tensor([ids]), do_sample=False, max_new_tokens=24)[0, len(ids) :].tolist()


def test_stopping_and_running_rows_share_a_batch(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, llama_config(), stops=list(range(3, 15)))
    requests = make_requests(30, seed=8)
    completions = TransformersSampler(tmp_path, 64).sample(requests, WARM)
    assert {c.finish_reason for c in completions} == {"stop", "length"}
    assert all(c.num_tokens == 24 for c in completions if c.finish_reason == "length")
    assert [TransformersSampler(tmp_path, 1).sample([r], WARM)[0] for r in requests[:10]] == completions[:10]


@pytest.mark.parametrize("config", [llama_config(), GPT2], ids=["llama", "gpt2"])
def test_the_context_bounds_what_is_generated(tmp_path: Path, config) -> None:
    save_checkpoint(tmp_path, config, stops=3)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    requests = [SampleRequest("p", 0, 0, (Message("user", "q" * n),), 0) for n in (2, 84, 92, 93, 94, 120)]
    lengths = [len(ids) for ids in encode_prompts(tokenizer, [r.messages for r in requests])]
    assert lengths == [5, 87, 95, 96, 97, 123]
    completions = TransformersSampler(tmp_path, 8).sample(requests, GREEDY)
    assert [c.text for c in completions[:3]] == generate(tmp_path, requests[:3], 24)
    assert [c.num_tokens for c in completions[:3]] == [24, 9, 1]
    assert completions[3:] == [Completion("", None, "length", 0, "none")] * 3


def test_no_requests_give_no_completions(checkpoint: Path) -> None:
    assert TransformersSampler(checkpoint, 8).sample([], WARM) == []


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    logits = torch.tensor([0.5, 0.2, 0.0, 0.3]).log()
    grid = (torch.arange(10_000) + 0.5) / 10_000
    for top_p, expected in ((1.0, [0.5, 0.2, 0.0, 0.3]), (0.7, [0.625, 0.0, 0.0, 0.375]), (0.4, [1.0, 0.0, 0.0, 0.0])):
        _, tokens = _draw(logits.expand(len(grid), 4), grid, top_p)
        frequencies = torch.bincount(tokens, minlength=4) / len(grid)
        torch.testing.assert_close(frequencies, torch.tensor(expected), rtol=0, atol=2e-4)


@settings(max_examples=200)
@given(
    logits=st.lists(st.floats(-60, 60, width=32), min_size=1, max_size=40),
    uniform=st.one_of(st.integers(0, 2**24 - 1), st.sampled_from([0, 2**24 - 1])),
    top_p=st.floats(0.01, 1.0),
)
def test_a_drawn_token_is_possible_and_within_the_nucleus(logits: list[float], uniform: int, top_p: float) -> None:
    row = torch.tensor([logits])
    _, tokens = _draw(row, torch.tensor([uniform / 2**24]), top_p)
    probabilities = row.softmax(-1)[0]
    assert probabilities[tokens[0]] > 0
    likelier = probabilities[probabilities > probabilities[tokens[0]]].sum()
    assert likelier < top_p + 1e-5


def _no_config(directory: Path) -> None:
    (directory / "config.json").unlink()


def _broken_config(directory: Path) -> None:
    (directory / "config.json").write_text('{"model_type": "no such model"}')


def _no_context(directory: Path) -> None:
    config = {"model_type": "bloom", "vocab_size": 300, "hidden_size": 16, "n_layer": 1, "n_head": 2}
    save_checkpoint(directory, BloomConfig(**config))


def _no_weights(directory: Path) -> None:
    (directory / "model.safetensors").unlink()


def _cut_weights(directory: Path) -> None:
    path = directory / "model.safetensors"
    path.write_bytes(path.read_bytes()[:2000])


def _fewer_weights(directory: Path) -> None:
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3, "layer_types": None}))


def _no_tokenizer(directory: Path) -> None:
    for path in directory.glob("token*"):
        path.unlink()


def _no_template(directory: Path) -> None:
    (directory / "chat_template.jinja").unlink()


@pytest.mark.parametrize(
    "damage",
    [_no_config, _broken_config, _no_context, _no_weights, _cut_weights, _fewer_weights, _no_tokenizer, _no_template],
)
def test_a_bad_checkpoint_is_an_error_with_a_hint(checkpoint: Path, tmp_path: Path, damage) -> None:
    directory = tmp_path / "broken"
    shutil.copytree(checkpoint, directory)
    TransformersSampler(directory, 8)
    damage(directory)
    with pytest.raises(SamplerError, match=r"broken: (.|\n)*hint: ") as caught:
        TransformersSampler(directory, 8)
    assert caught.value.location == str(directory)


@pytest.mark.parametrize("params", [GREEDY, WARM])
def test_a_model_that_diverged_is_an_error(tmp_path: Path, params: SamplingParams) -> None:
    save_checkpoint(tmp_path, llama_config())
    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    model.model.norm.weight.data[:] = torch.nan
    model.save_pretrained(tmp_path)
    with pytest.raises(SamplerError, match="not finite"):
        TransformersSampler(tmp_path, 8).sample(make_requests(3), params)
