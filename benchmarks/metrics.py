"""All metrics of 1,000,000 programs: seconds per metric, and peak memory.

    python -m benchmarks.metrics [--rollouts 560000] [--problems 1000]

Rollouts of up to three turns with scores, as written by `mucode train` and `mucode evaluate`.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from collections.abc import Callable

from benchmarks.relabel import NUM_TURNS, make_rollouts
from mucode_core.evaluation.comparison import compare_runs
from mucode_core.evaluation.graded_figures import measure_graded
from mucode_core.evaluation.metrics import Resampling, best_k_of_n, curve, summarise_rollouts
from mucode_core.evaluation.outcomes import FINAL, count_rollouts, tabulate
from mucode_core.evaluation.verifier_quality import distinct_programs, measure_verifier
from mucode_core.types import GradedSample, ProblemOutcome, Rollout, VerdictStatus, VerifierScore

HOW = Resampling(num_resamples=2000, seed=0)


def turn_accuracy_and_pass_at_k(outcomes: list[ProblemOutcome]) -> None:
    for table in tabulate(outcomes).values():
        curve(table.accuracy, HOW)
        curve(table.public_only, HOW)
        for k in (1, 5, 10, 100):
            curve(table.pass_at_k(k), HOW)


def best_of(rollouts: list[Rollout], scores: list[VerifierScore]) -> None:
    for programs in distinct_programs(rollouts, scores).values():
        for k in (1, 3, 5):
            best_k_of_n(programs, k)


def as_samples(rollouts: list[Rollout]) -> list[GradedSample]:
    status: dict[bool, VerdictStatus] = {True: "passed", False: "failed"}
    return [
        GradedSample(r.problem_id, r.sample_index, status[t.label], t.public_verdict.passed, t.label, 1, 1, "", 0)
        for r in rollouts
        for t in r.turns
    ]


def timed(name: str, work: Callable[[], object]) -> None:
    started = time.perf_counter()
    work()
    print(f"{name:34s} {time.perf_counter() - started:6.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rollouts", type=int, default=560_000)
    parser.add_argument("--problems", type=int, default=1000)
    arguments = parser.parse_args()
    draw = random.Random(2)
    rollouts = list(make_rollouts(arguments.rollouts, arguments.problems))
    scores = [VerifierScore(r.rollout_id, t.turn_index, "v", draw.gauss(0, 1)) for r in rollouts for t in r.turns]
    samples = as_samples(rollouts)
    ids = list(dict.fromkeys(r.problem_id for r in rollouts))
    print(f"{len(scores):,} programs of {len(ids):,} problems")
    outcomes = count_rollouts(rollouts, ids, NUM_TURNS, generator=FINAL)
    timed("summary of rollouts", lambda: summarise_rollouts(rollouts))
    timed("outcomes by turn", lambda: count_rollouts(rollouts, ids, NUM_TURNS, generator=FINAL))
    timed("accuracy by turn, pass@k", lambda: turn_accuracy_and_pass_at_k(outcomes))
    timed("comparison of two runs", lambda: compare_runs(outcomes, outcomes, HOW))
    timed("verifier: pairs, AUROC, calibration", lambda: measure_verifier("made", rollouts, scores, HOW))
    timed("best-k-of-n, precision", lambda: best_of(rollouts, scores))
    timed("selection among samples", lambda: measure_graded(samples, [1, 5, 10, 100], HOW))
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB, rollouts included")


if __name__ == "__main__":
    main()
