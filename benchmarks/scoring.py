"""Programs scored a second: batches of similar length, programs that come again, prompts that several programs share.

    python -m benchmarks.scoring [--rounds 3] [--items 1000] [--most-joined 6] [--run DIR] [--vllm] [--lengthen 1]

By a scalar head on a model of the demo's size, on one core:

- batches of similar length beside batches in arrival order: the same distinct (prompt, program) items in as many
  batches, each padded to its longest. An item joins one to `--most-joined` programs of the synthetic set: 1 leaves them
  as they are, nearly all of one length, as no real programs are.
- with `--run`, the rollouts of a finished run: each distinct item scored once beside every program scored, both in
  batches of similar length.
- with `--vllm` too, `--items` of these rollouts' distinct items in the order of prompts by two servers of a larger
  model, with prefix caching and without. Each round has problems of its own, for what was scored before is cached as a
  whole. `--lengthen` gives each prompt so many times over: only whole blocks of tokens are cached, and the synthetic
  problems have none.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import torch

from mucode_core.bootstrap import build_base
from mucode_core.causal_lm import length_batches, load_tokenizer
from mucode_core.config import BootstrapConfig, EngineConfig
from mucode_core.problems.synthetic import make_dialogues
from mucode_core.prompts import extract_code, render_prompt
from mucode_core.run_files import open_run
from mucode_core.sampling.servers import ServerPlan
from mucode_core.sampling.vllm import OwnedEndpoint
from mucode_core.types import Problem, Rollout
from mucode_core.verifier.model import Verifier, encode_programs, load_verifier, new_verifier
from mucode_core.verifier.score import score_programs
from mucode_core.verifier.vllm_score import open_scorer
from mucode_core.verifier.vllm_score import score_programs as score_by_vllm

SIZE = BootstrapConfig(hidden_size=128, num_dialogues=500, context_length=1024)

SERVED = BootstrapConfig(hidden_size=256, num_layers=8, num_heads=8, num_dialogues=200, context_length=1024)


@torch.inference_mode()
def score_as_they_come(
    verifier: Verifier, verifier_dir: Path, items: Sequence[tuple[str, str]], size: int
) -> list[float]:
    encoded = encode_programs(load_tokenizer(verifier_dir), items)
    batches = [encoded[i : i + size] for i in range(0, len(encoded), size)]
    return [score for batch in batches for score in verifier(batch).tolist()]


def make_items(num: int, most_joined: int) -> list[tuple[str, str]]:
    rng = random.Random(0)
    dialogues = make_dialogues(num, 0, SIZE.teacher_error_scale, SIZE.teacher_repair_rate)
    programs = [extract_code(d[1].content) or "" for d in dialogues]
    items = {(d[0].content, "\n".join(rng.choices(programs, k=rng.randint(1, most_joined)))) for d in dialogues}
    return rng.sample(sorted(items), len(items))


@torch.inference_mode()
def score_every(verifier: Verifier, verifier_dir: Path, items: Sequence[tuple[str, str]]) -> list[float]:
    encoded = encode_programs(load_tokenizer(verifier_dir), items)
    return [score for batch in length_batches(encoded) for score in verifier(batch).tolist()]


def read_items(directory: Path) -> list[tuple[str, str]]:
    """The prompt and the program of every turn of a run's rollouts."""
    run = open_run(directory)
    prompts: dict[str, str] = {}
    rollouts: dict[str, Rollout] = {}
    for stage in run.stages:
        if stage["kind"] == "problems":
            prompts |= {p.problem_id: render_prompt(p.prompt, p.shown_tests) for p in run.read(stage, Problem)}
        elif stage["kind"] == "rollouts":  # a stage a turn: the last one has all
            for rollout in run.read(stage, Rollout):
                if len(rollout.turns) >= len(rollouts.get(rollout.rollout_id, rollout).turns):
                    rollouts[rollout.rollout_id] = rollout
    codes = [(r.problem_id, turn.completion.code) for r in rollouts.values() for turn in r.turns]
    return [(prompts[problem_id], code) for problem_id, code in codes if code is not None]


def compare(ways: dict[str, Callable[[], object]], num_items: int, rounds: int) -> dict[str, float]:
    """Items a second of two ways that take turns: medians, and the median of their ratios."""
    speeds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, run in ways.items():
            begin = time.perf_counter()
            run()
            speeds[way].append(num_items / (time.perf_counter() - begin))
    return summarise(speeds)


def summarise(speeds: dict[str, list[float]]) -> dict[str, float]:
    ratio = statistics.median(a / b for a, b in zip(*speeds.values(), strict=True))
    medians = {f"{way}_programs_per_s": round(statistics.median(values)) for way, values in speeds.items()}
    return medians | {"ratio": round(ratio, 2)}


def compare_caching(verifier_dir: Path, items: Sequence[tuple[str, str]], rounds: int) -> dict[str, float]:
    """Items a second by servers with and without prefix caching, as `compare` gives them."""
    prompts = sorted({prompt for prompt, _ in items})
    parts = [sorted({item for item in items if item[0] in set(prompts[i :: rounds + 1])}) for i in range(rounds + 1)]
    with ExitStack() as stack:
        servers: dict[str, OwnedEndpoint] = {}
        for name, caching in (("cached", True), ("uncached", False)):
            plan = ServerPlan(verifier_dir, make_engine(caching), verifier_dir / f"{name}.log")
            servers[name] = stack.enter_context(closing(open_scorer(plan)))

        def score(name: str, part: Sequence[tuple[str, str]]) -> float:
            url, key = servers[name].ensure(), servers[name].api_key or ""
            begin = time.perf_counter()
            score_by_vllm(url, key, verifier_dir, part)
            return len(part) / (time.perf_counter() - begin)

        for name in servers:
            score(name, parts[0])  # a server's first work is slower
        speeds: dict[str, list[float]] = {name: [] for name in servers}
        for part in parts[1:]:
            for name in servers:
                speeds[name].append(score(name, part))
    lengths = [len(ids) for ids in load_tokenizer(verifier_dir)(prompts).input_ids]
    return {"num_distinct": len(set(items)), "median_prompt_tokens": statistics.median(lengths)} | summarise(speeds)


def make_engine(prefix_caching: bool) -> EngineConfig:
    return EngineConfig(dtype="float32", kv_cache_gib=1, prefix_caching=prefix_caching)


def make_verifier(directory: Path, size: BootstrapConfig) -> Path:
    """A fresh head; its scores mean nothing, and take as long as others."""
    base, fitted = directory / "base", directory / "verifier"
    build_base(make_dialogues(size.num_dialogues, 0, 0.7, 0.1), base, size, 0)
    new_verifier(base, "head", 0).save(fitted)
    load_tokenizer(base).save_pretrained(fitted)
    return fitted


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--most-joined", type=int, default=6)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--vllm", action="store_true")
    parser.add_argument("--lengthen", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        fitted = make_verifier(Path(name), SIZE)
        print(json.dumps(compare_batches(fitted, make_items(args.items, args.most_joined), args.rounds)), flush=True)
        if args.run is None:
            return
        verifier, items = load_verifier(fitted), read_items(args.run)
        ways = {"once": lambda: score_programs(fitted, items), "every": lambda: score_every(verifier, fitted, items)}
        counts = {"num_programs": len(items), "num_distinct": len(set(items))}
        print(json.dumps(counts | compare(ways, len(items), args.rounds)), flush=True)
        if args.vllm:
            some = [("\n".join([prompt] * args.lengthen), code) for prompt, code in sorted(set(items))[: args.items]]
            print(json.dumps(compare_caching(make_verifier(Path(name, "served"), SERVED), some, args.rounds)))


def compare_batches(fitted: Path, items: Sequence[tuple[str, str]], rounds: int) -> dict[str, float]:
    verifier = load_verifier(fitted)
    batch_size = -(-len(items) // len(length_batches(encode_programs(load_tokenizer(fitted), items))))
    ways = {
        "by_length": lambda: score_programs(fitted, items),
        "as_they_come": lambda: score_as_they_come(verifier, fitted, items, batch_size),
    }
    scores = {way: run() for way, run in ways.items()}
    difference = max(abs(a - b) for a, b in zip(*scores.values(), strict=True))
    return {"num_items": len(items), "largest_difference": difference} | compare(ways, len(items), rounds)


if __name__ == "__main__":
    main()
