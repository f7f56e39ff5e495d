"""From rollouts to training data at scale: verifier pairs, scores, expert, relabelled states.

    python -m benchmarks.relabel [--sizes 100000,1000000] [--problems 374] [--plain 10000]

Rollouts of three turns are in shards of the artifact store, as written by `mucode train`; everything is read from and
written to it. Each size runs in a separate process. The baseline, like the published code: rollouts as rows of a CSV
file with Python literals in their cells, and one pass over all rows per problem.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mucode_core.config import RelabelConfig
from mucode_core.method.expert import choose_experts, score_table
from mucode_core.method.relabel import relabel
from mucode_core.method.rollout import build_state
from mucode_core.prompts import render_prompt
from mucode_core.store.artifacts import ArtifactStore
from mucode_core.store.recipe import Recipe
from mucode_core.types import (
    ArtifactRef,
    Completion,
    ExpertChoice,
    Problem,
    Rollout,
    SftExample,
    Turn,
    Verdict,
    VerifierPair,
    VerifierScore,
)
from mucode_core.verifier.pairs import label_programs, make_pairs

NUM_TURNS, PAIRS, ROLLOUTS_A_SHARD = 3, 32, 1024
CONFIG = RelabelConfig()


def make_problems(count: int) -> dict[str, Problem]:
    statement, test = "Write a function that maps a number to number {}.", "assert f(1) == {}"
    return {
        f"p{i}": Problem(
            f"p{i}", "made", "train", statement.format(i), "f", "assert", "", (test.format(i),), (), None, None
        )
        for i in range(count)
    }  # fmt: skip


def make_turn(index: int, draw: random.Random) -> Turn:
    """One of a few hundred programs of at most 40 lines; lower numbers are more frequent."""
    number = int(draw.expovariate(1 / 60))
    correct, public = number % 3 == 0, number % 3 == 0 or number % 5 == 0
    body = "".join(f"    y{line} = x + {number} * {line}\n" for line in range(10 + number % 30))
    code = f"def f(x):\n{body}    return y0"
    feedback = "" if public else f"AssertionError: got {number}, expected {index}"
    verdicts = [Verdict("passed" if ok else "failed", int(ok), 1, feedback, 0.01) for ok in (public, correct)]
    return Turn(index, Completion(f"```python\n{code}\n```", code, "stop", len(code) // 3), *verdicts)


def make_rollouts(count: int, num_problems: int) -> Iterator[Rollout]:
    draw = random.Random(0)
    for number in range(count):
        turns: list[Turn] = []
        while len(turns) < NUM_TURNS and not (turns and turns[-1].public_verdict.passed):
            turns.append(make_turn(len(turns), draw))
        stop = "public_pass" if turns[-1].public_verdict.passed else "max_turns"
        name = f"p{number * num_problems // count}"
        yield Rollout(f"0/{name}/{number}", name, 0, "g", number, number, tuple(turns), stop)


def write_shards(store: ArtifactStore, count: int, num_problems: int) -> None:
    draw, shard = random.Random(1), list[Rollout]()
    for rollout in make_rollouts(count, num_problems):
        shard.append(rollout)
        if len(shard) == ROLLOUTS_A_SHARD or rollout.seed == count - 1:
            scores = [VerifierScore(r.rollout_id, t.turn_index, "v", draw.gauss(0, 1)) for r in shard for t in r.turns]
            write(store, "rollouts", shard, Rollout, shard[0].seed)
            write(store, "scores", scores, VerifierScore, shard[0].seed)
            shard = []


def write(store: ArtifactStore, kind: str, rows: Any, row_type: type[Any], index: int = 0) -> ArtifactRef:
    recipe = Recipe(kind, 1, {}, {"index": index})
    with store.build(recipe) as draft:
        draft.write_rows(rows, row_type)
    return store.ref(recipe)


def read(store: ArtifactStore, kind: str, row_type: type[Any]) -> Iterator[Any]:
    for path in (store.root / kind).iterdir():
        record = json.loads((path / "record.json").read_text("utf-8"))
        ref = ArtifactRef(
            kind, str(path), path.name, record["content_digest"], record["num_rows"], record["schema_version"]
        )
        yield from store.read_rows(ref, row_type)


def convert(root: Path, num_problems: int) -> dict[str, float]:
    """Seconds of each stage, peak memory in GB, and counts of the results."""
    store, problems, seconds, started = ArtifactStore(root), make_problems(num_problems), dict[str, float](), 0.0

    def lap(name: str) -> None:
        nonlocal started
        seconds[name], started = time.perf_counter() - started, time.perf_counter()

    started, cpu = time.perf_counter(), time.process_time()
    pairs = make_pairs(label_programs(read(store, "rollouts", Rollout)), problems, PAIRS, 0)
    num_pairs = write(store, "pairs", pairs, VerifierPair).num_rows
    lap("pairs")
    scores = score_table(read(store, "scores", VerifierScore))
    lap("read scores")
    choices = choose_experts(read(store, "rollouts", Rollout), scores, CONFIG, standardise=True)
    write(store, "choices", choices, ExpertChoice)
    lap("expert")
    del scores
    examples = relabel(read(store, "rollouts", Rollout), choices, {}, problems, CONFIG)
    num_examples = write(store, "examples", examples, SftExample).num_rows
    lap("relabel")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return seconds | {
        "total": sum(seconds.values()),
        "CPU": time.process_time() - cpu,
        "GB": memory,
        "pairs made": num_pairs,
        "examples": num_examples,
    }


def convert_plainly(file: Path, out: Path, num_problems: int) -> None:
    """The same pairs, choices and examples, with one pass over all rows per problem."""
    problems, draw, lines = make_problems(num_problems), random.Random(0), list[dict[str, Any]]()
    with file.open(newline="") as source:
        rows = list(csv.DictReader(source))
    for problem_id, problem in problems.items():
        mine = [row for row in rows if row["problem_id"] == problem_id]
        turns = [turn for row in mine for turn in eval(row["turns"])]  # noqa: S307 - our own file; the measured method
        correct = {code for code, _, label, _ in turns if label}
        incorrect = {code for code, _, label, _ in turns if not label}
        possible = [(c, i) for c in correct for i in incorrect]
        prompt = render_prompt(problem.prompt, problem.shown_tests)
        chosen = draw.sample(possible, min(PAIRS, len(possible)))
        lines += [{"prompt": prompt, "chosen": c, "rejected": i} for c, i in chosen]
        _, best = max(
            (CONFIG.oracle_weight * label + CONFIG.verifier_weight * score, code) for code, score, label, _ in turns
        )
        for row in mine:
            for state in eval(row["states"]):  # noqa: S307
                example = {"messages": state, "target": best}
                if example not in lines[-PAIRS:]:
                    lines.append(example)
    out.write_text("\n".join(map(json.dumps, lines)), "utf-8")


def write_csv(file: Path, count: int, num_problems: int) -> None:
    problems, draw = make_problems(num_problems), random.Random(1)
    with file.open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["problem_id", "turns", "states"])
        for r in make_rollouts(count, num_problems):
            turns = [(t.completion.code, draw.gauss(0, 1), t.label, t.public_verdict.feedback) for t in r.turns]
            states = [build_state(problems[r.problem_id], r, t.turn_index) for t in r.turns]
            texts = [[{"role": m.role, "content": m.content} for m in state] for state in states]
            writer.writerow([r.problem_id, repr(turns), repr(texts)])


def measure(size: int, num_problems: int) -> dict[str, float]:
    """`convert` in a separate process, to measure its memory."""
    with tempfile.TemporaryDirectory() as location:
        write_shards(ArtifactStore(Path(location)), size, num_problems)
        command = [sys.executable, "-m", "benchmarks.relabel", "--convert", location, "--problems", str(num_problems)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="100000,1000000", help="Rollouts.")
    parser.add_argument("--problems", type=int, default=374)
    parser.add_argument("--plain", type=int, default=10_000, help="Rollouts of the comparison; 0 for none.")
    parser.add_argument("--convert", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.convert:
        print(json.dumps(convert(arguments.convert, arguments.problems)))
        return
    for size in map(int, arguments.sizes.split(",")):
        found = measure(size, arguments.problems)
        stages = ", ".join(f"{name} {found[name]:.1f}" for name in ("pairs", "read scores", "expert", "relabel"))
        counts = f"{found['pairs made']:,.0f} pairs, {found['examples']:,.0f} examples"
        times = f"{found['total']:.1f} s ({stages}), CPU {found['CPU']:.1f} s"
        print(f"{size:,} rollouts: {times}, peak memory {found['GB']:.2f} GB; {counts}", flush=True)
    if arguments.plain:
        with tempfile.TemporaryDirectory() as location:
            write_csv(Path(location) / "rollouts.csv", arguments.plain, arguments.problems)
            started = time.process_time()
            convert_plainly(Path(location) / "rollouts.csv", Path(location) / "out.jsonl", arguments.problems)
            plain = time.process_time() - started
        ours = measure(arguments.plain, arguments.problems)["CPU"]
        ratio = f"CPU {ours:.2f} s, baseline {plain:.2f} s: {plain / ours:.1f} times as long"
        print(f"{arguments.plain:,} rollouts of {arguments.problems:,} problems: {ratio}")


if __name__ == "__main__":
    main()
