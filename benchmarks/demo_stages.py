"""Seconds and tokens/s of each kind of stage in a finished demo run, and the share of time outside stage bodies.

    python benchmarks/demo_stages.py runs/demo-seed0

Stage bodies overlap, so the time inside them is the union of their intervals; the rest of the run's wall time is
orchestration: Prefect, caching, artifact verification, and everything else outside stages.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path


def union_s(intervals: list[tuple[float, float]]) -> float:
    total, end = 0.0, float("-inf")
    for start, stop in sorted(intervals):
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} RUN_DIR")
    result = json.loads((Path(sys.argv[1]) / "result.json").read_text("utf-8"))
    stages = result["lineage"]
    if any(stage["cached"] for stage in stages):
        sys.exit(f"{sys.argv[1]} has cached stages: run it in an empty directory to time it")
    seconds: dict[str, float] = defaultdict(float)
    tokens: dict[str, int] = defaultdict(int)
    counts: dict[str, int] = defaultdict(int)
    for stage in stages:
        seconds[stage["kind"]] += stage["duration_s"]
        tokens[stage["kind"]] += stage["num_tokens"]
        counts[stage["kind"]] += 1
    print(f"{'stage':16} {'runs':>5} {'seconds':>9} {'tokens/s':>9}")
    for kind, total in sorted(seconds.items(), key=lambda item: -item[1]):
        rate = f"{tokens[kind] / total:,.0f}" if tokens[kind] else "-"
        print(f"{kind:16} {counts[kind]:5} {total:9.1f} {rate:>9}")
    inside = union_s([(s["started_at"], s["started_at"] + s["duration_s"]) for s in stages])
    outside = result["wall_s"] - inside
    print(f"wall {result['wall_s']:.1f} s, inside stage bodies {inside:.1f} s (they overlap)")
    print(f"outside stage bodies {outside:.1f} s = {100 * outside / result['wall_s']:.1f} % of the run")


if __name__ == "__main__":
    main()
