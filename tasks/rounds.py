"""A round's results in the Prefect UI: a table of its figures, a plot of accuracy by turn, a link to the report."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from mucode_tasks.engine.monitor import sending
from mucode_tasks.engine.prefect_pages import link_report
from mucode_tasks.engine.run_context import Runtime
from mucode_tasks.results import ScoredRollouts, read_notes, read_rollouts, read_search
from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture, wait

from mucode_core.config import Config
from mucode_core.evaluation.behaviours import ObservedOutput, from_rows
from mucode_core.evaluation.metrics import Curve, Resampling, curve, summarise_rollouts
from mucode_core.evaluation.outcomes import FINAL, tabulate
from mucode_core.evaluation.rollout_selection import select_among_rollouts
from mucode_core.evaluation.run_record import StageGroup
from mucode_core.evaluation.run_result import RoundSummary
from mucode_core.evaluation.verifier_quality import VerifierQuality, measure_verifier
from mucode_core.reports.markdown import REPORT, embed_image
from mucode_core.reports.tables import show_unitless
from mucode_core.store.artifacts import ArtifactStore
from mucode_core.types import ArtifactRef, Rollout, VerifierScore
from mucode_core.wording import count

Future = PrefectFuture[ArtifactRef]

_drawing = threading.Lock()  # pyplot has one state for all threads


@dataclass
class Round:
    """The stages of one iteration; the last round may end with its verifier."""

    iteration: int
    rollouts: list[Future]
    pairs: Future
    verifier: Future
    choices: Future | None = None
    examples: Future | None = None
    generator: Future | None = None

    @property
    def group(self) -> StageGroup:
        return StageGroup.of_round(self.iteration)

    def summarise(self, store: ArtifactStore) -> RoundSummary:
        """The figures of the round; waits for its stages."""
        return RoundSummary(
            iteration=self.iteration,
            rollouts=summarise_rollouts(store.read_all([f.result() for f in self.rollouts], Rollout)),
            num_pairs=self.pairs.result().num_rows,
            verifier=read_notes(store, self.verifier),
            choices=read_notes(store, self.choices),
            num_examples=self.examples.result().num_rows if self.examples is not None else 0,
            finetune=read_notes(store, self.generator),
        )


@dataclass(frozen=True)
class Searched:
    """A search of a round's generator, and the problems searched."""

    name: str
    problems: Future
    search: Future
    greedy: bool


@dataclass(frozen=True)
class Measured:
    """What a round's page is drawn with: intervals, lengths, paths."""

    how: Resampling
    num_turns: int
    num_rollouts: int
    run_dir: Path
    report: UUID | None
    """Its page in the Prefect UI."""


class RoundPages:
    """Shows rounds in the Prefect UI once their searches have ended; the next round need not wait for that."""

    def __init__(self, runtime: Runtime, config: Config, train: Future, report: UUID | None) -> None:
        plan = config.rollouts
        self._runtime, self._train = runtime, train
        how = Resampling.of_run(config.evaluation.bootstrap_samples, config.run.seed)
        self._measured = Measured(how, plan.num_turns, plan.num_rollouts, runtime.run_dir, report)
        self._submitted: list[PrefectFuture[None]] = []

    def submit(self, one: Round, summary: RoundSummary, held_out: ScoredRollouts, searches: Sequence[Searched]) -> None:
        """Shows a round once its stages, `held_out` and `searches` have ended."""
        show: Any = _show_round.with_options(task_run_name=f"{one.group.name} · report")
        stages = self._runtime.submitted.items()
        future = show.submit(  # futures stand for what they will hold
            self._runtime,
            summary,
            self._measured,
            train=self._train,
            rollouts=one.rollouts,
            held_out=list(held_out.rollouts),
            scores=list(held_out.scores),
            behaviours=list(held_out.behaviours),
            stages=[future for name, future in stages if name.round_index == one.iteration],
            searches=[(s.name, s.greedy) for s in searches],
            problems=[s.problems for s in searches],
            searched=[s.search for s in searches],
        )
        self._submitted.append(future)

    def wait(self) -> None:
        """Waits until every round is shown."""
        wait(self._submitted)


@task(name="round-report", cache_policy=NO_CACHE, persist_result=False, retries=0)
def _show_round(
    runtime: Runtime,
    summary: RoundSummary,
    measured: Measured,
    *,
    train: ArtifactRef,
    rollouts: list[ArtifactRef],
    held_out: list[ArtifactRef],
    scores: list[ArtifactRef],
    behaviours: list[ArtifactRef],
    stages: list[ArtifactRef],
    searches: list[tuple[str, bool]],
    problems: list[ArtifactRef],
    searched: list[ArtifactRef],
) -> None:
    """The table, the plot and the link of one round."""
    store, turns, how = runtime.store, measured.num_turns, measured.how
    outcomes = {"training rollouts": read_rollouts(store, train, rollouts, turns, FINAL)}
    for (name, greedy), split, found in zip(searches, problems, searched, strict=True):
        outcomes[name] = read_search(store, split, found, turns, name, greedy=greedy)
    curves = {name: curve(table.accuracy, how) for name, rows in outcomes.items() for table in tabulate(rows).values()}
    kept, scored = list(store.read_all(held_out, Rollout)), list(store.read_all(scores, VerifierScore))
    observed = from_rows(store.read_all(behaviours, ObservedOutput)) if behaviours else None
    selected = select_among_rollouts(kept, scored, turns, observed)
    curves |= {f"held-out rollouts, {by}": curve(values, how) for by, values in selected.items()}
    quality = measure_verifier("round", kept, scored, how)
    seconds = sum(store.record(ref)["duration_s"] for ref in stages)
    number, directory = summary.iteration + 1, measured.run_dir
    plot = _plot(curves, f"Round {number}: correct after each turn", directory, number)
    with sending(f"the page of round {number}"):
        create_table_artifact(
            [*_accuracy_rows(curves), *_figure_rows(summary, quality, seconds, turns)],
            key=f"round-{number}",
            description=f"Round {number}: correct after each turn, % [95 % interval]; verifier, tokens, seconds. "
            f"Of the {measured.num_rollouts} held-out rollouts of a validation problem one is selected.",
        )
        create_markdown_artifact(
            embed_image(plot.name, plot),
            key=f"round-{number}-plot",
            description=f"With 95 % intervals. The file: `{plot}`",
        )
        link_report(directory.resolve() / REPORT, measured.report)


def _accuracy_rows(curves: Mapping[str, Curve]) -> list[dict[str, Any]]:
    return [
        {"figure": name} | {f"turn {turn}": interval.show() for turn, interval in enumerate(values, 1)} | {"value": ""}
        for name, values in curves.items()
    ]


def _figure_rows(
    summary: RoundSummary, quality: VerifierQuality, seconds: float, num_turns: int
) -> list[dict[str, Any]]:
    rollouts = summary.rollouts
    rows: dict[str, Any] = {
        f"verifier, held-out pair accuracy, % ({count(quality.num_problems, 'problem')})": quality.pair_accuracy.show(),
        "verifier, AUROC": show_unitless(quality.auroc),
        "verifier, top 1, %": quality.top_1.show(),
        "verifier, top 1 - random, points": quality.top_1_gain.show(),
        "verifier, expected calibration error": show_unitless(quality.calibration.expected_error),
        "verifier, warning": quality.warning,
        "tokens sampled": f"{rollouts.num_tokens:,}",
        "seconds of its stages": round(seconds, 1),
        "rollouts": rollouts.num_rollouts,
        "programs executed": rollouts.num_programs,
        "correct rollouts, %": round(100 * rollouts.num_correct / max(rollouts.num_rollouts, 1), 1),
        "problems solved": f"{rollouts.num_solved} of {rollouts.num_problems}",
        "public pass, private fail": rollouts.num_public_only,
        "passes without label": rollouts.num_delegated,
        "verifier pairs": summary.num_pairs,
        "relabelled states": summary.num_examples,
    }
    rows |= {f"verifier · {name}": value for name, value in summary.verifier.items()}
    rows |= {f"fine-tune · {name}": value for name, value in summary.finetune.items()}
    turns = dict.fromkeys((f"turn {turn}" for turn in range(1, num_turns + 1)), "")
    return [{"figure": name} | turns | {"value": value} for name, value in rows.items()]


def _plot(curves: Mapping[str, Curve], title: str, directory: Path, number: int) -> Path:
    from mucode_core.reports.plots import plot_curves  # matplotlib takes a second to import

    path = directory / "plots" / f"round-{number}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    with _drawing:
        return plot_curves(curves, title, path)
