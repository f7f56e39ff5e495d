"""Programs scored a second on one core: batches of similar length beside batches in arrival order.

    python -m benchmarks.scoring [--rounds 3] [--items 1000] [--most-joined 6]

Both score the same distinct (prompt, program) items with one scalar head on a model of the demo's size, in as many
batches; arrival order means batches as they come, each padded to its longest. An item joins one to `--most-joined`
programs of the synthetic set: 1 leaves them as they are, nearly all of one length, as no real programs are.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from mucode_core.bootstrap import build_base
from mucode_core.causal_lm import length_batches, load_tokenizer
from mucode_core.config import BootstrapConfig
from mucode_core.problems.synthetic import make_dialogues
from mucode_core.prompts import extract_code
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
    programs = [extract_code(d[1].content) or "" for d in dialogues]
    items = {(d[0].content, "\n".join(rng.choices(programs, k=rng.randint(1, most_joined)))) for d in dialogues}
    return rng.sample(sorted(items), len(items))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--most-joined", type=int, default=6)
    args = parser.parse_args()
    torch.set_num_threads(1)
    items = make_items(args.items, args.most_joined)
    with tempfile.TemporaryDirectory() as name:
        base, fitted = Path(name, "base"), Path(name, "verifier")
        build_base(make_dialogues(SIZE.num_dialogues, 0, 0.7, 0.1), base, SIZE, 0)
        new_verifier(base, "head", 0).save(fitted)
        load_tokenizer(base).save_pretrained(fitted)
        verifier = load_verifier(fitted)
        batch_size = -(-len(items) // len(length_batches(encode_programs(load_tokenizer(fitted), items))))
        ways = {
            "by_length": lambda: score_programs(fitted, items),
            "as_they_come": lambda: score_as_they_come(verifier, fitted, items, batch_size),
        }
        scores = {way: run() for way, run in ways.items()}
        difference = max(abs(a - b) for a, b in zip(*scores.values(), strict=True))
        speeds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(args.rounds):
            for way, run in ways.items():
                begin = time.perf_counter()
                run()
                speeds[way].append(len(items) / (time.perf_counter() - begin))
    ratio = statistics.median(a / b for a, b in zip(*speeds.values(), strict=True))
    medians = {f"{way}_programs_per_s": round(statistics.median(values)) for way, values in speeds.items()}
    print(
        json.dumps({"num_items": len(items)} | medians | {"ratio": round(ratio, 2), "largest_difference": difference})
    )


if __name__ == "__main__":
    main()
