"""Generated tokens per second on one core: the sampler of this package compared with `model.generate`.

    python -m benchmarks.sampling_tiny [--rounds 3] [--batch-size 256] [--copies 1 8]

A randomly initialised model of the demo's size, with a newly trained tokenizer, without downloads. Weights do not
change the cost of a token, only where a completion ends, so both sides generate to the limit.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from mucode_core.models.chat_encoding import encode_prompts
from mucode_core.problems.synthetic import make_dialogues
from mucode_core.sampling.base import SampleRequest
from mucode_core.sampling.transformers import TransformersSampler
from mucode_core.types import Message, SamplingParams

SPECIAL = ("<pad>", "<|user|>", "<|assistant|>", "<|end|>")
TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
PIECES = r"\d|, |[\n\[\]\(\),.:]|[^\d\n\[\]\(\),.:]+"


def make_checkpoint(directory: Path, dialogues: list[tuple[Message, ...]]) -> None:
    """A model of 398 thousand parameters that never ends a turn, and its tokenizer of 896 tokens."""
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(PIECES), "isolated")
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, bytes_only])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=896, special_tokens=list(SPECIAL), initial_alphabet=alphabet)
    tokenizer.train_from_iterator((m.content for dialogue in dialogues for m in dialogue), trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=SPECIAL[0], eos_token=SPECIAL[3])
    fast.chat_template = TEMPLATE
    fast.save_pretrained(directory)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=96,
        intermediate_size=264,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=3,
        eos_token_id=3,
    )
    LlamaForCausalLM(config).save_pretrained(directory)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 8], help="rollouts of each prompt")
    parser.add_argument("--max-new-tokens", type=int, default=64)
    args = parser.parse_args()
    torch.set_num_threads(1)
    dialogues = make_dialogues(2000, 0, 0.7, 0.1)
    states = [dialogue[:1] for dialogue in dialogues]
    with tempfile.TemporaryDirectory() as name:
        make_checkpoint(Path(name), dialogues)
        sampler = TransformersSampler(Path(name), args.batch_size)
        model = LlamaForCausalLM.from_pretrained(name).eval()
        tokenizer = PreTrainedTokenizerFast.from_pretrained(name)
        for copies in args.copies:
            chosen = [s for s in states[: args.batch_size // copies] for _ in range(copies)]
            speeds: dict[str, list[float]] = {"sampler": [], "generate": []}
            for _ in range(args.rounds):  # interleaved: a busy machine slows both
                speeds["sampler"].append(time_sampler(sampler, chosen, args.max_new_tokens))
                speeds["generate"].append(time_generate(model, tokenizer, chosen, args.max_new_tokens))
            report(copies, speeds)


def time_sampler(sampler: TransformersSampler, states: list[tuple[Message, ...]], limit: int) -> float:
    requests = [SampleRequest("", 0, 0, state, seed) for seed, state in enumerate(states)]
    start = time.perf_counter()
    completions = sampler.sample(requests, SamplingParams(0.7, 1.0, limit))
    return sum(c.num_tokens for c in completions) / (time.perf_counter() - start)


def time_generate(model: Any, tokenizer: Any, states: list[tuple[Message, ...]], limit: int) -> float:
    start = time.perf_counter()
    prompts = encode_prompts(tokenizer, states)
    inputs = tokenizer.pad({"input_ids": prompts}, padding_side="left", return_tensors="pt")
    with torch.inference_mode():
        output = model.generate(**inputs, do_sample=True, temperature=0.7, top_k=0, max_new_tokens=limit)
    new = output[:, inputs["input_ids"].shape[1] :]
    tokenizer.batch_decode(new, skip_special_tokens=True)
    return int((new != tokenizer.pad_token_id).sum()) / (time.perf_counter() - start)


def report(copies: int, speeds: dict[str, list[float]]) -> None:
    medians = {name: round(statistics.median(values)) for name, values in speeds.items()}
    ratio = round(medians["sampler"] / medians["generate"], 1)
    print(json.dumps({"copies": copies, **{f"{n}_tokens_per_s": v for n, v in medians.items()}, "ratio": ratio}))


if __name__ == "__main__":
    main()
