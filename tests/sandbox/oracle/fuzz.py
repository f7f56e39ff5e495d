"""The long run: cases by seed, with progress, counts a kind, and minimised counterexamples.

python -m tests.sandbox.oracle.fuzz --cases 100000 --seed 0
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter

from mucode_core.sandbox import ProcessSandbox
from tests.sandbox.oracle.compare import Disagreement, disagreements, minimise
from tests.sandbox.oracle.generator import FAMILIES, draw_case
from tests.sandbox.oracle.hostile import unsound
from tests.sandbox.oracle.interpreter import Interpreter

_BATCH = 250
_SHOWN_PER_KIND = 2


def main() -> int:
    """Runs the fuzzer from the command line; the status is 1 where anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--family", choices=[*FAMILIES, "scripts"], help="only cases of this kind")
    parser.add_argument("--shown", type=int, default=_SHOWN_PER_KIND, help="counterexamples a kind")
    parser.add_argument("--hostile", action="store_true", help="as many hostile answers, afterwards")
    options = parser.parse_args()
    counts: Counter[tuple[str, str, str]] = Counter()
    begun = time.monotonic()
    with ProcessSandbox(2) as sandbox, Interpreter() as oracle:
        for start in range(options.seed, options.seed + options.cases, _BATCH):
            seeds = range(start, min(start + _BATCH, options.seed + options.cases))
            cases = [draw_case(seed, oracle, options.family) for seed in seeds]
            for found in disagreements(sandbox, oracle, cases):
                counts[_signature(found)] += 1
                if counts[_signature(found)] <= options.shown:
                    print(minimise(sandbox, oracle, found).shown(), flush=True)
            _report(seeds.stop - options.seed, sum(counts.values()), time.monotonic() - begun)
    for (kind, family, why), count in sorted(counts.items(), key=lambda row: -row[1]):
        print(f"{count:6} {kind:14} {family:14} {why}")
    broken = _run_hostile(range(options.seed, options.seed + options.cases)) if options.hostile else 0
    return 1 if counts or broken else 0


def _run_hostile(seeds: range) -> int:
    """Runs the hostile answers of the seeds; the number of those that passed, leaked, or got no verdict."""
    broken = 0
    with ProcessSandbox(2) as sandbox:
        for start in range(seeds.start, seeds.stop, _BATCH):
            batch = range(start, min(start + _BATCH, seeds.stop))
            for seed, why in unsound(sandbox, batch):
                broken += 1
                print(f"hostile seed {seed}: {why}", flush=True)
            print(f"{batch.stop - seeds.start} hostile answers, {broken} unsound", file=sys.stderr, flush=True)
    return broken


def _report(num_cases: int, num_found: int, seconds: float) -> None:
    print(f"{num_cases} cases, {num_found} disagreements, {seconds:.0f} s", file=sys.stderr, flush=True)


def _signature(found: Disagreement) -> tuple[str, str, str]:
    """What counterexamples of one cause mostly share."""
    last = found.verdict.feedback.strip().rpartition("\n")[2]
    why = re.sub(r"\d+|'[^']*'|\"[^\"]*\"|got .*", "_", last)[:70]
    return found.kind, found.case.kind, why or " ".join(d[:50] for d in found.outcome.detail if d)[:50]


if __name__ == "__main__":
    sys.exit(main())
