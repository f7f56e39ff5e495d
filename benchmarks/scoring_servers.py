"""Programs scored per second by vLLM servers of each kind of verifier, with and without prefix caching.

    python -m benchmarks.scoring_servers [--prompts 60 200 600] [--problems 12] [--programs 16] [--rounds 3]

Servers of unfitted verifiers (their scores are meaningless, but take as long as others) run at the same time, and take
turns: in each round all score the same `--programs` programs of `--problems` new problems, whose prompts have so many
tokens; with prefix caching, what a problem's programs share is read once. `transformers` is the likelihood computed by
this process on as many threads, in batches of similar length. Printed are medians over rounds, and for each way the
median of its ratios to the head without prefix caching.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from mucode_core.config import BootstrapConfig, ScorerConfig
from mucode_core.generator.bootstrap import build_base
from mucode_core.problems.synthetic import make_dialogues
from mucode_core.serving.lease import ServerPlan
from mucode_core.training.causal_lm import load_tokenizer
from mucode_core.types import Scoring
from mucode_core.verifier.model import new_verifier
from mucode_core.verifier.score import score_programs
from mucode_core.verifier.score_vllm import ScoringClient, open_scorer

SCORINGS = (Scoring("head"), Scoring("likelihood"), Scoring("token", "Is it right? Answer y or n.", ("y", "n")))
BASELINE = "head, no caching"
Items = list[tuple[str, str]]


def make_verifiers(directory: Path, layers: int) -> dict[str, Path]:
    """A checkpoint of each kind, of one base."""
    size = BootstrapConfig(hidden_size=256, num_layers=layers, num_heads=8, num_dialogues=200, context_length=1024)
    base = directory / "base"
    build_base(make_dialogues(size.num_dialogues, 0, 0.7, 0.1), base, size, 0)
    for scoring in SCORINGS:
        new_verifier(base, scoring, 0).save(directory / scoring.kind)
        load_tokenizer(base).save_pretrained(directory / scoring.kind)
    return {scoring.kind: directory / scoring.kind for scoring in SCORINGS}


def make_items(tokenizer: Any, prompt_tokens: int, num_problems: int, num_programs: int, seed: int) -> Items:
    """New problems, each a prompt of about so many tokens and its programs, in order."""
    rng = random.Random(seed)
    words = [str(rng.randrange(10**6)) for _ in range(400)]
    items: Items = []
    for _ in range(num_problems):
        text = " ".join(rng.choices(words, k=prompt_tokens))
        prompt = tokenizer.decode(tokenizer(text).input_ids[:prompt_tokens])
        lines = (f"x{i} = {rng.randrange(1000)}" for i in range(num_programs * 8))
        items += [(prompt, "\n".join(next(lines) for _ in range(8))) for _ in range(num_programs)]
    return items


def run_here(name: str, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
    """`WorkerPool.map` in this process."""
    module, _, function = name.partition(":")
    return [getattr(import_module(module), function)(*call) for call in calls]


def measure(
    ways: dict[str, Callable[[Items], object]], make: Callable[[int], Items], rounds: int
) -> dict[str, dict[str, float]]:
    """Items per second of interleaved ways, each round on new items after one that is not counted."""
    speeds: dict[str, list[float]] = {way: [] for way in ways}
    for index in range(rounds + 1):
        items = make(index)
        for way, score in ways.items():
            begin = time.perf_counter()
            score(items)
            if index:
                speeds[way].append(len(items) / (time.perf_counter() - begin))
    return {
        way: {
            "programs_per_s": round(statistics.median(found), 1),
            "ratio": round(statistics.median(a / b for a, b in zip(found, speeds[BASELINE], strict=True)), 2),
        }
        for way, found in speeds.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--prompts", type=int, nargs="+", default=[60, 200, 600])
    for name, default in (("problems", 12), ("programs", 16), ("rounds", 3), ("layers", 4)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        paths = make_verifiers(Path(name), args.layers)
        clients: dict[str, ScoringClient] = {}
        for kind, caching in (("head", True), ("head", False), ("token", True), ("token", False), ("likelihood", True)):
            way = f"{kind}, {'caching' if caching else 'no caching'}"
            engine = ScorerConfig(dtype="float32", kv_cache_gib=1, prefix_caching=caching, cpu_threads=1)
            client = open_scorer(ServerPlan(paths[kind], engine, Path(name, f"{way}.log")))
            assert isinstance(client, ScoringClient)
            clients[way] = stack.enter_context(closing(client))
        with ThreadPoolExecutor(len(clients)) as starting:
            list(starting.map(lambda client: client.endpoint.ensure(), clients.values()))
        ways: dict[str, Callable[[Items], object]] = {
            way: lambda items, client=client: client.score(items, run_here) for way, client in clients.items()
        }
        ways["likelihood, transformers"] = lambda items: score_programs(paths["likelihood"], items)
        tokenizer = load_tokenizer(paths["head"])
        for tokens in args.prompts:
            found = measure(
                ways, lambda seed, t=tokens: make_items(tokenizer, t, args.problems, args.programs, seed), args.rounds
            )
            print(json.dumps({"prompt_tokens": tokens} | found), flush=True)


if __name__ == "__main__":
    main()
