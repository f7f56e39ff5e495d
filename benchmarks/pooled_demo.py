"""Pools finished demo runs of several seeds: paired differences over all their test problems.

python benchmarks/pooled_demo.py runs/demo-seed1 runs/demo-seed2 runs/demo-seed3
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mucode_core.evaluation.metrics import Resampling, paired
from mucode_core.evaluation.outcomes import read_outcomes, tabulate

HOW = Resampling(num_resamples=5000, seed=0)


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} RUN_DIR ...")
    pools: dict[str, list[tuple[Any, Any]]] = {}
    for argument in sys.argv[1:]:
        run = Path(argument)
        result = json.loads((run / "result.json").read_text("utf-8"))
        last, tables = result["final_iteration"], tabulate(read_outcomes(run))
        accuracy = {(key.generator, key.decoding): table.accuracy for key, table in tables.items()}
        names = ("base", *(f"iteration {i}" for i in range(1, len(result["iterations"]) + 1)))
        greedy = [accuracy["final" if i == last else name, "greedy"] for i, name in enumerate(names)]
        pools.setdefault("final - base, greedy", []).append((greedy[last][:, -1], greedy[0][:, -1]))
        pools.setdefault("iteration 2 - iteration 1, greedy", []).append((greedy[-1][:, -1], greedy[-2][:, -1]))
        pools.setdefault("last turn - turn 1, final, greedy", []).append((greedy[last][:, -1], greedy[last][:, 0]))
        for name in ("base", "final"):
            searched = {decoding: v[:, -1] for (owner, decoding), v in accuracy.items() if owner == name}
            for after, before in (("pt", "random"), ("lv", "random"), ("pt+lv", "pt")):
                pools.setdefault(f"{after} - {before}, {name}", []).append((searched[after], searched[before]))
    print(f"{len(sys.argv) - 1} runs; points, 95 % bootstrap over problems ({HOW.num_resamples} resamples)")
    for name, pairs in pools.items():
        after, before = (np.concatenate(part) for part in zip(*pairs, strict=True))
        print(f"{name:36} {paired(after, before, HOW).show()}  ({len(after)} problems)")


if __name__ == "__main__":
    main()
