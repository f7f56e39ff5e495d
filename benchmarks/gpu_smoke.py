"""Sampling, fine-tuning, fitting the verifier and scoring on one GPU: tokens/s and utilization.

    python -m benchmarks.gpu_smoke [--hidden 768] [--layers 12] [--examples 2048] [--device cuda]

A randomly initialised Llama (about 100 M parameters by default) in bfloat16 on the synthetic problems' dialogues, with
sixteen answers joined to examples of about 500 tokens: with the transformers sampler, the transformers scorer, and TRL
as in a run. Utilization is model FLOPs (2 per parameter and token forward, 6 with backward) relative to the rate of a
large matrix product on the same GPU in the same run. Trainings are timed by their median step, since the first ones
warm up.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from mucode_core.config import FinetuneConfig, TrlRewardConfig, TrlSftConfig, VerifierConfig
from mucode_core.generator.bootstrap import build_tokenizer
from mucode_core.generator.finetune_trl import finetune
from mucode_core.problems.synthetic import make_dialogues
from mucode_core.sampling.base import SampleRequest
from mucode_core.sampling.transformers import TransformersSampler
from mucode_core.training.base import TrainingPaths
from mucode_core.training.causal_lm import load_tokenizer
from mucode_core.training.trl.job import read_steps
from mucode_core.types import Completion, Message, SamplingParams, Scoring, SftExample, VerifierPair
from mucode_core.verifier.fit_trl import fit_verifier
from mucode_core.verifier.model import encode_programs, new_verifier
from mucode_core.verifier.score import score_programs

VOCABULARY = 4096
NEW_TOKENS = 128
ANSWERS = 16
TRAINING: dict[str, Any] = {"batch_size": 64, "micro_batch_size": 32, "precision": "bfloat16", "tracker": "none"}


def measure_matrix_rate(device: str, size: int) -> float:
    """FLOP/s of a bfloat16 product of two square matrices."""
    a = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    return 2 * size**3 / time_of(lambda: a @ a, device, repeats=10)


def time_of(work: Callable[[], Any], device: str, repeats: int = 1) -> float:
    """Seconds per call, after one warm-up call."""
    work()
    synchronise(device)
    begin = time.perf_counter()
    for _ in range(repeats):
        work()
    synchronise(device)
    return (time.perf_counter() - begin) / repeats


def synchronise(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def build_model(directory: Path, dialogues: Sequence[tuple[Message, ...]], hidden: int, layers: int) -> int:
    """Saves a checkpoint with random weights; returns its number of parameters."""
    tokenizer = build_tokenizer([m.content for dialogue in dialogues for m in dialogue], VOCABULARY)
    special: dict[str, Any] = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=4 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 64,
        num_key_value_heads=hidden // 64,
        max_position_embeddings=2048,
        **special,
    )
    model = LlamaForCausalLM(config)
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return model.num_parameters()


def sample(model_dir: Path, states: Sequence[str], device: str) -> float:
    """Generated tokens per second of one batch with the transformers sampler."""
    sampler = TransformersSampler(model_dir, len(states), device, torch.bfloat16)
    requests = [SampleRequest(f"p{i}", 0, 0, (Message("user", state),), i) for i, state in enumerate(states)]
    drawn: list[Completion] = []

    def work() -> None:
        drawn[:] = sampler.sample(requests, SamplingParams(1.0, 1.0, NEW_TOKENS))

    seconds = time_of(work, device)
    return sum(completion.num_tokens for completion in drawn) / seconds


def score(model_dir: Path, verifier_dir: Path, items: Sequence[tuple[str, str]], device: str) -> float:
    """Processed tokens per second with the transformers scorer: a new head, batches of similar length."""
    new_verifier(model_dir, Scoring("head"), 0).save(verifier_dir)
    tokenizer = load_tokenizer(model_dir)
    tokenizer.save_pretrained(verifier_dir)
    num_tokens = sum(len(row.ids) for row in encode_programs(tokenizer, sorted(set(items))))
    return num_tokens / time_of(lambda: score_programs(verifier_dir, items, device, torch.bfloat16), device)


def train_rate(scratch: Path, num_tokens: int) -> float:
    """Tokens of a mean step over the seconds of the median one."""
    times = [row["time"] for row in read_steps(scratch / "steps.jsonl") if "loss" in row]
    return num_tokens / len(times) / median(later - earlier for earlier, later in pairwise(times))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--examples", type=int, default=2048)
    parser.add_argument("--matrix", type=int, default=8192)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(measure(Path(name), args)))


def measure(directory: Path, args: argparse.Namespace) -> dict[str, Any]:
    dialogues = [d[:2] for d in make_dialogues(args.examples, 0, 0.7, 0.1)]
    model_dir = directory / "model"
    size = build_model(model_dir, dialogues, args.hidden, args.layers)
    prompts, targets = [d[0] for d in dialogues], join_answers(dialogues)
    examples = [SftExample(f"p{i}", f"r{i}", 0, (prompts[i],), target) for i, target in enumerate(targets)]
    pairs = [VerifierPair(f"p{i}", prompts[i].content, target, targets[i - 1]) for i, target in enumerate(targets)]
    rates = {
        "sampling": (sample(model_dir, [d[0].content for d in dialogues[:256]], args.device), 2),
        "scoring": (score(model_dir, directory / "head", [(p.prompt, p.chosen) for p in pairs], args.device), 2),
        "fine_tuning": (tune_generator(directory, examples), 6),
        "verifier": (tune_verifier(directory, pairs), 6),
    }
    rate = measure_matrix_rate(args.device, args.matrix)
    device = torch.cuda.get_device_name() if args.device == "cuda" else "cpu"
    figures = {
        name: {"tokens_per_s": round(tokens), "share": round(tokens * flops * size / rate, 4)}
        for name, (tokens, flops) in rates.items()
    }
    return {"device": device, "parameters": size, "matrix_tflops": round(rate / 1e12, 2), **figures}


def join_answers(dialogues: Sequence[tuple[Message, ...]]) -> list[str]:
    """One text per dialogue: its answer and the following ones."""
    answers = [d[1].content for d in dialogues]
    return ["\n".join((answers[i:] + answers[:i])[:ANSWERS]) for i in range(len(answers))]


def tune_generator(directory: Path, examples: Sequence[SftExample]) -> float:
    settings = FinetuneConfig(backend="trl", epochs=1, learning_rate=1e-4, trl=TrlSftConfig(**TRAINING))
    scratch = directory / "sft"
    location = TrainingPaths(scratch, directory / "sft.log", directory)
    report = finetune(examples, directory / "model", directory / "tuned", settings, 0, location)
    return train_rate(scratch, report.num_tokens)


def tune_verifier(directory: Path, pairs: Sequence[VerifierPair]) -> float:
    settings = VerifierConfig(backend="trl", epochs=1, learning_rate=1e-5, trl=TrlRewardConfig(**TRAINING))
    scratch = directory / "reward"
    location = TrainingPaths(scratch, directory / "reward.log", directory)
    report = fit_verifier(pairs, directory / "model", directory / "verifier", settings, 0, location)
    return train_rate(scratch, report.num_tokens)


if __name__ == "__main__":
    main()
