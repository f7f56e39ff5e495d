"""Programs scored per second: batches of similar length, repeated programs.

    python -m benchmarks.scoring [--rounds 3] [--items 1000] [--most-joined 6] [--run DIR]

With a scalar head on a model of the demo's size, on one core:

- batches of similar length against batches in arrival order: the same distinct (prompt, program) items in as many
  batches, each padded to its longest. An item joins one to `--most-joined` programs of the synthetic set: with 1 nearly
  all have the same length, unlike real programs.
- with `--run`, the rollouts of a finished run: scoring each distinct item once against scoring every program, both in
  batches of similar length.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from mucode_core.answers import extract_program
from mucode_core.config import BootstrapConfig
from mucode_core.generator.bootstrap import build_base
from mucode_core.problems.synthetic import make_dialogues
from mucode_core.prompts import render_prompt
from mucode_core.runs.directory import open_run
from mucode_core.training.causal_lm import length_batches, load_tokenizer
from mucode_core.types import Problem, Rollout, Scoring
from mucode_core.verifier.model import Verifier, encode_programs, load_verifier, new_verifier
from mucode_core.verifier.score import score_programs

SIZE = BootstrapConfig(hidden_size=128, num_dialogues=500, context_length=1024)


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
    programs = [extract_program(d[1].content).code or "" for d in dialogues]
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
        if stage.kind == "problems":
            prompts |= {p.problem_id: render_prompt(p.prompt, p.shown_tests) for p in run.read(stage, Problem)}
        elif stage.kind == "rollouts":  # one stage per turn: the last one has all
            for rollout in run.read(stage, Rollout):
                if len(rollout.turns) >= len(rollouts.get(rollout.rollout_id, rollout).turns):
                    rollouts[rollout.rollout_id] = rollout
    codes = [(r.problem_id, turn.completion.code) for r in rollouts.values() for turn in r.turns]
    return [(prompts[problem_id], code) for problem_id, code in codes if code is not None]


def compare(ways: Mapping[str, Callable[[], object]], num_items: int, rounds: int) -> dict[str, float]:
    """Items per second of two interleaved variants: medians, and the median of their ratios."""
    speeds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, run in ways.items():
            begin = time.perf_counter()
            run()
            speeds[way].append(num_items / (time.perf_counter() - begin))
    return summarise(speeds)


def summarise(speeds: dict[str, list[float]]) -> dict[str, float]:
    ratio = statistics.median(a / b for a, b in zip(*speeds.values(), strict=True))
    medians: dict[str, float] = {
        f"{way}_programs_per_s": round(statistics.median(values)) for way, values in speeds.items()
    }
    return medians | {"ratio": round(ratio, 2)}


def make_verifier(directory: Path, size: BootstrapConfig) -> Path:
    """A newly initialised head: its scores are meaningless, but take as long as others."""
    base, fitted = directory / "base", directory / "verifier"
    build_base(make_dialogues(size.num_dialogues, 0, 0.7, 0.1), base, size, 0)
    new_verifier(base, Scoring("head"), 0).save(fitted)
    load_tokenizer(base).save_pretrained(fitted)
    return fitted


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--most-joined", type=int, default=6)
    parser.add_argument("--run", type=Path)
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
