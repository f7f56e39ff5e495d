"""The tables of docs/results.md: µCode against RFT, SSD and the base, selection strategies, verifiers; several seeds.

    python -m benchmarks.results --seeds 201 202 203 204 --out runs/results > docs/results.md

Runs what is missing (`mucode ablate` of configs/ablations/results.yaml and verifier.yaml, and a search that excludes
rejected programs), then prints the tables. Stages are cached, so it can be interrupted and resumed; with --collect
nothing is run and the tables use finished runs. Every seed draws its own problems, base model and samples; the numbers
pool the test problems of all seeds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mucode_core.evaluation.metrics import Resampling, Values, bootstrap
from mucode_core.evaluation.outcomes import COMPARED_SELECTIONS, read_outcomes, tabulate

HOW = Resampling(num_resamples=5000, seed=0)
MATRICES = ("configs/ablations/results.yaml", "configs/ablations/verifier.yaml")
ALGORITHMS = {
    "mucode": "µCode",
    "rft": "RFT, same epochs",
    "rft-steps": "RFT, about the same steps",
    "ssd": "SSD, about the same steps",
}
VERIFIERS = ("likelihood-bt", "likelihood-bt-newest", "head-bt", "head-bt-newest", "token-bt", "token-bt-newest")
DEMO = "likelihood-bt"
"""The demo's verifier."""
SELECTIONS = ("random", "lv", "pt", "pt+lv", "agree", "pt+agree", "pt+agree+lv", "oracle")
GAINS = (("pt+lv", "pt"), ("oracle", "pt"), ("lv", "random"))
"""What a verifier adds to public tests, what a perfect one would, and what it adds alone."""
EXCLUDED = "-excluding"


@dataclass(frozen=True)
class Variant:
    """One variant's runs, one per seed: accuracies [problems of all seeds, turns] by (generator, decoding)."""

    name: str
    accuracy: dict[tuple[str, str], Values]
    results: list[dict[str, Any]]


def run_all(seeds: list[int], out: Path) -> None:
    """Runs everything for `make results`."""
    for seed in seeds:
        location = out / f"seed{seed}"
        for matrix in MATRICES:
            _mucode("ablate", matrix, "--out", str(location), "--set", f"run.seed={seed}")
        run = location / DEMO
        checkpoints = ("--generator", str(run / "models/final"), "--verifier", str(run / "models/verifier"))
        searching = ("--select", "random,lv,pt,pt+lv", "-n", "5", "--exclude-rejected")
        _mucode("evaluate", str(run / "config.yaml"), *checkpoints, *searching, "--out", f"{run}{EXCLUDED}")


def _mucode(*words: str) -> None:
    print("mucode", *words, file=sys.stderr)
    subprocess.run([sys.executable, "-c", "from mucode_flows.cli.main import main; main()", *words], check=True)


def read_variant(out: Path, seeds: list[int], name: str) -> Variant | None:
    """A variant of all seeds; None if a seed lacks it."""
    runs = [out / f"seed{seed}" / name for seed in seeds]
    if not all((run / "outcomes.parquet").exists() for run in runs):
        return None
    tables = [tabulate(read_outcomes(run)) for run in runs]
    results = [json.loads((run / "result.json").read_text("utf-8")) for run in runs]
    keys = [{(key.generator, key.decoding): table.accuracy for key, table in of_run.items()} for of_run in tables]
    for of_run, result in zip(keys, results, strict=True):
        if "final_iteration" in result:  # the kept iteration is only listed as "final"
            of_run[f"iteration {result['final_iteration']}", "greedy"] = of_run["final", "greedy"]
    shared = [key for key in keys[0] if all(key in of_run for of_run in keys)]
    accuracy = {key: np.concatenate([of_run[key] for of_run in keys]) for key in shared}
    return Variant(name, accuracy, results)


def mean(values: Values) -> str:
    return bootstrap(values, num_resamples=HOW.num_resamples, seed=HOW.seed).show()


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def greedy_table(variants: dict[str, Variant]) -> str:
    rows: list[list[str]] = []
    base = variants["mucode"].accuracy["base", "greedy"]
    rows.append(["base", *map(mean, base.T), "-", "-"])
    for name, title in ALGORITHMS.items():
        accuracy = variants[name].accuracy["final", "greedy"]
        steps = [
            [r["finetune"]["num_steps"] for r in result["rounds"] if r["finetune"]] for result in variants[name].results
        ]
        taken = ", ".join("+".join(map(str, of_seed)) for of_seed in steps)
        rows.append([title, *map(mean, accuracy.T), mean(accuracy[:, -1] - base[:, -1]), taken])
    turns = [f"turn {i + 1}, %" for i in range(base.shape[1])]
    return table(["generator", *turns, "- base, points", "gradient steps, by seed"], rows)


def iteration_table(variants: dict[str, Variant]) -> str:
    """Every iteration's generator with greedy decoding, since validation keeps different ones in the table above."""
    rows: list[list[str]] = []
    ours = variants["mucode"].accuracy
    names = [name for name in (*ALGORITHMS, *VERIFIERS) if name in variants and name != DEMO]
    for name in names:
        one = variants[name].accuracy
        kept = ", ".join(str(result["final_iteration"]) for result in variants[name].results)
        after = [one[f"iteration {i}", "greedy"][:, -1] for i in (1, 2)]
        behind = "-" if name == "mucode" else mean(ours["iteration 2", "greedy"][:, -1] - after[1])
        rows.append([ALGORITHMS.get(name, f"µCode, {name}"), *map(mean, after), kept, behind])
    return table(["", "iteration 1, %", "iteration 2, %", "kept, by seed", "µCode - this, iteration 2"], rows)


def difference_table(variants: dict[str, Variant]) -> str:
    rows: list[list[str]] = []
    for other in list(ALGORITHMS)[1:]:
        for decoding in ("greedy", "pt+lv"):
            ours, theirs = (variants[name].accuracy["final", decoding] for name in ("mucode", other))
            rows.append([f"µCode - {ALGORITHMS[other]}", decoding, *map(mean, (ours - theirs).T)])
    return table(["", "decoding", *(f"turn {i + 1}, points" for i in range(len(rows[0]) - 2))], rows)


OWNERS = [("base", "mucode", "base")] + [(title, name, "final") for name, title in ALGORITHMS.items()]
"""Title, variant and generator of each row of the tables of searches."""


def best_of_n_table(variants: dict[str, Variant]) -> str:
    rows = [
        [title, *(mean(variants[name].accuracy[owner, s][:, -1]) for s in SELECTIONS)] for title, name, owner in OWNERS
    ]
    return table(["generator", *(f"{s}, %" for s in SELECTIONS)], rows)


def agreement_table(variants: dict[str, Variant]) -> str:
    """What agreement of candidates adds to each selection strategy without it."""
    pairs = [pair for pair in COMPARED_SELECTIONS if "agree" in pair[0]]
    rows: list[list[str]] = []
    for title, name, owner in OWNERS:
        last = {s: variants[name].accuracy[owner, s][:, -1] for s in SELECTIONS}
        rows.append([title, *(mean(last[after] - last[before]) for after, before in pairs)])
    return table(["generator", *(f"{after} - {before}" for after, before in pairs)], rows)


def verifier_table(variants: dict[str, Variant], rival: Variant | None) -> str:
    rows: list[list[str]] = []
    for name in VERIFIERS:
        if name not in variants:
            continue
        one = variants[name].accuracy
        pairs = [quality["heldout_pair_accuracy"] for r in variants[name].results for quality in r["verifiers"][-1:]]
        gains = [mean(one["final", a][:, -1] - one["final", b][:, -1]) for a, b in GAINS]
        chosen = [r["validation"][str(r["final_iteration"])]["value"] for r in variants[name].results]
        row = [name, f"{np.mean(chosen):.1f} ({', '.join(f'{value:.1f}' for value in chosen)})"]
        row += [", ".join(f"{value:.0f}" for value in pairs), mean(one["final", "pt+lv"][:, -1])]
        row.append(mean(one["final", "pt+lv"][:, -1] - rival.accuracy["final", "pt+lv"][:, -1]) if rival else "-")
        rows.append([*row, *gains])
    header = [
        "verifier",
        "validation pt+lv, % (by seed)",
        "pair accuracy, % by seed",
        "pt+lv, %",
        "pt+lv - RFT at matched steps",
    ]
    return table([*header, *(f"{a} - {b}" for a, b in GAINS)], rows)


def base_verifier_table(variants: dict[str, Variant]) -> str:
    """The same verifiers with the base, whose rollouts are what the first of them was fitted on."""
    rows: list[list[str]] = []
    for name in VERIFIERS:
        if name in variants:
            last = {s: variants[name].accuracy["base", s][:, -1] for s in SELECTIONS if "agree" not in s}
            rows.append([name, mean(last["pt+lv"]), *(mean(last[a] - last[b]) for a, b in GAINS)])
    return table(["verifier", "pt+lv, %", *(f"{a} - {b}" for a, b in GAINS)], rows)


def exclusion_table(variants: dict[str, Variant]) -> str:
    """The demo's verifier where a search may reselect what public tests rejected, and where it may not."""
    may = {s: variants[DEMO].accuracy["final", s][:, -1] for s in ("random", "lv", "pt", "pt+lv")}
    found = variants[DEMO + EXCLUDED].accuracy
    may_not = {decoding: values[:, -1] for (_, decoding), values in found.items()}
    rows: list[list[str]] = []
    for title, last in (("may be reselected", may), ("are excluded", may_not)):
        gains = (last["pt+lv"] - last["pt"], last["lv"] - last["random"])
        rows.append([title, *(mean(last[s]) for s in may), *map(mean, gains)])
    header = ["rejected programs", "random, %", "lv, %", "pt, %", "pt+lv, %", "pt+lv - pt", "lv - random"]
    return table(header, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[201, 202, 203, 204])
    parser.add_argument("--out", type=Path, default=Path("runs/results"))
    parser.add_argument("--collect", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    if not arguments.collect:
        run_all(arguments.seeds, arguments.out)
    names = [*ALGORITHMS, *VERIFIERS, DEMO + EXCLUDED]
    found = {name: read_variant(arguments.out, arguments.seeds, name) for name in names}
    variants = {name: one for name, one in found.items() if one is not None}
    if missing := [name for name in ALGORITHMS if name not in variants]:
        sys.exit(f"no runs of {', '.join(missing)} with every seed in {arguments.out}: run without --collect")
    num_problems = len(variants["mucode"].accuracy["base", "greedy"])
    print(f"{len(arguments.seeds)} seeds ({', '.join(map(str, arguments.seeds))}), {num_problems} held-out problems;")
    print("95 % bootstrap intervals over problems.\n")
    print("Greedy decoding of the generator that validation keeps:\n", greedy_table(variants), sep="\n")
    print("Greedy decoding after the last turn, by iteration:\n", iteration_table(variants), sep="\n")
    print("Paired differences:\n", difference_table(variants), sep="\n")
    print("Best of 5 after the last turn:\n", best_of_n_table(variants), sep="\n")
    print("Selection by agreement, paired differences after the last turn:\n", agreement_table(variants), sep="\n")
    print("Verifiers, with the final generator:\n", verifier_table(variants, variants.get("rft-steps")), sep="\n")
    print("Verifiers, with the base:\n", base_verifier_table(variants), sep="\n")
    if DEMO in variants and DEMO + EXCLUDED in variants:
        print(f"Programs that public tests rejected, {DEMO}, final generator:\n", exclusion_table(variants), sep="\n")


if __name__ == "__main__":
    main()
