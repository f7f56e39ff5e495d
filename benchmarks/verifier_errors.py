"""Which programs of the final generator a verifier orders wrongly.

    python -m benchmarks.verifier_errors runs/results/seed*/likelihood-bt

Takes finished runs, pools their held-out (validation) problems and forms the pairs of a correct and an incorrect
program of one problem that verifier quality is measured on. The pairs are grouped in three ways; each group has the
share that the verifier orders correctly, ties counting half. The second table has the problems whose programs differ in
correctness: what the verifier puts first when that is wrong. The third is of the searches for test problems: how often
a turn selects a program that an earlier turn of the same search had selected.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.results import HOW, SELECTIONS, mean, table
from mucode_core.evaluation.metrics import bootstrap
from mucode_core.evaluation.run_record import StageRun
from mucode_core.evaluation.run_result import RunResult
from mucode_core.runs.directory import RunFiles, open_run
from mucode_core.types import Rollout, SearchRow, VerifierScore

HELD_OUT = "held out"


@dataclass
class Program:
    """A distinct program for a held-out problem."""

    code: str
    is_correct: bool
    passes_public: bool
    score: float
    count: int = 0
    """Turns in which the generator wrote it."""


class Pair(NamedTuple):
    problem: str
    correct: Program
    wrong: Program

    @property
    def is_ordered(self) -> float:
        return (self.correct.score > self.wrong.score) + (self.correct.score == self.wrong.score) / 2


def compare(correct: int, wrong: int, more: str) -> str:
    """Which of two has more of something."""
    return "equal" if correct == wrong else f"the {'correct' if correct > wrong else 'wrong'} one {more}"


GROUPS: dict[str, Callable[[Pair], str]] = {
    "public tests": lambda p: "the wrong one passes" if p.wrong.passes_public else "the wrong one fails",
    "frequency": lambda p: compare(p.correct.count, p.wrong.count, "is sampled more often"),
    "length": lambda p: compare(len(p.correct.code), len(p.wrong.code), "is longer"),
    "all pairs": lambda _: "",
}


def read_programs(run: RunFiles) -> dict[str, list[Program]]:
    """Distinct programs by held-out problem: of the final generator, scored by the verifier chosen with it."""
    if not isinstance(run.result, RunResult):
        raise SystemExit(f"{run.directory} is not a run of `mucode train` or `mucode ablate`")
    final = run.result.final_iteration
    owner = f"iteration {final}" if final else "base"
    executed = [stage for stage in run.stages if _is(stage, owner, "execute")]
    last_turn = max(stage.turn_index or 0 for stage in executed)
    rollouts = [row for stage in executed if stage.turn_index == last_turn for row in run.read(stage, Rollout)]
    scores = [
        row
        for stage in run.stages
        if _is(stage, f"round {final + 1}", "score")
        for row in run.read(stage, VerifierScore)
    ]
    return _distinct(rollouts, {(score.rollout_id, score.turn_index): score.score for score in scores})


def _is(stage: StageRun, owner: str, step: str) -> bool:
    return stage.group == f"{owner} · {HELD_OUT}" and stage.step == step


def _distinct(rollouts: Iterable[Rollout], scores: dict[tuple[str, int], float]) -> dict[str, list[Program]]:
    found: dict[str, dict[str, Program]] = defaultdict(dict)
    for rollout in rollouts:
        for turn in rollout.turns:
            code = turn.completion.code
            if code is None:
                continue
            score = scores[rollout.rollout_id, turn.turn_index]
            program = Program(code, turn.label, turn.public_verdict.passed, score)
            found[rollout.problem_id].setdefault(code, program).count += 1
    return {problem: list(programs.values()) for problem, programs in found.items()}


def form_pairs(programs: dict[str, list[Program]]) -> list[Pair]:
    return [
        Pair(problem, correct, wrong)
        for problem, some in programs.items()
        for correct in some
        if correct.is_correct
        for wrong in some
        if not wrong.is_correct
    ]


def tabulate_pairs(pairs: list[Pair]) -> str:
    rows: list[list[str]] = []
    for title, group_of in GROUPS.items():
        by_group: dict[str, list[Pair]] = defaultdict(list)
        for pair in pairs:
            by_group[group_of(pair)].append(pair)
        for name, some in sorted(by_group.items()):
            share = f"{100 * len(some) / len(pairs):.0f}"
            rows.append([title, name, str(len(some)), share, share_ordered(some)])
    return table(["pairs by", "", "pairs", "of all, %", "ordered correctly, %"], rows)


def share_ordered(pairs: list[Pair]) -> str:
    """A ratio over problems, as pair accuracy is."""
    right, total = defaultdict[str, float](float), defaultdict[str, float](float)
    for pair in pairs:
        right[pair.problem] += 100 * pair.is_ordered
        total[pair.problem] += 1
    values = list(right.values()), list(total.values())
    return bootstrap(*values, num_resamples=HOW.num_resamples, seed=HOW.seed).show()


def tabulate_choices(programs: dict[str, list[Program]]) -> str:
    mixed = [some for some in programs.values() if len({program.is_correct for program in some}) == 2]
    firsts = [max(some, key=lambda program: program.score) for some in mixed]
    wrong = [(first, some) for first, some in zip(firsts, mixed, strict=True) if not first.is_correct]
    kinds: dict[str, list[bool]] = {
        "wrong": [not first.is_correct for first in firsts],
        "of these: rejected by public tests": [not first.passes_public for first, _ in wrong],
        "of these: sampled as often as any other": [
            first.count == max(program.count for program in some) for first, some in wrong
        ],
        "of these: the shortest": [len(first.code) == min(len(p.code) for p in some) for first, some in wrong],
    }
    rows = [[name, str(len(values)), mean(100.0 * np.array(values))] for name, values in kinds.items()]
    return table(["the highest-scored program", "problems", "%"], rows)


def tabulate_repeats(searches: list[list[SearchRow]]) -> str:
    """Each inner list is a run's; a search continues only from a program that public tests rejected."""
    again: dict[str, list[float]] = defaultdict(list)
    for rows in searches:
        selected: dict[tuple[str, str, int], set[str | None]] = defaultdict(set)
        for row in sorted(rows, key=lambda row: row.turn_index):
            before = selected[row.problem_id, row.selection, row.search_index]
            if row.turn_index:
                again[row.selection].append(100.0 * (row.program in before))
            before.add(row.program)
    rows = [[name, str(len(again[name])), mean(np.array(again[name]))] for name in SELECTIONS if name in again]
    return table(["selection", "later turns", "selected before, %"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    arguments = parser.parse_args()
    runs = [open_run(directory) for directory in arguments.runs]
    programs = {f"{run.directory} {problem}": some for run in runs for problem, some in read_programs(run).items()}
    finals = [[stage for stage in run.stages if stage.kind == "search" and stage.group == "final"] for run in runs]
    searches = [
        [row for stage in stages for row in run.read(stage, SearchRow)]
        for run, stages in zip(runs, finals, strict=True)
    ]
    pairs = form_pairs(programs)
    print(f"{len(arguments.runs)} runs, {len(programs)} held-out problems, {len(pairs)} pairs\n")
    print(tabulate_pairs(pairs))
    print(tabulate_choices(programs))
    print(tabulate_repeats(searches))


if __name__ == "__main__":
    main()
