"""What a round found, in the Prefect UI: a table of its figures, a plot of accuracy by turn, a link to the report."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture

from mucode_core.config import Config
from mucode_core.metrics import summarise_rollouts
from mucode_core.outcomes import tabulate
from mucode_core.report import embed_image, format_interval
from mucode_core.results import Curve, RoundSummary, VerifierQuality, curve, measure_verifier
from mucode_core.selecting import select_among_rollouts
from mucode_core.types import ArtifactRef
from tasks.monitoring import telling
from tasks.publishing import link_report, read_outcomes, read_rollout_outcomes, resampling
from tasks.runtime import run_dir
from tasks.stage import Runtime
from tasks.training import read_scores
from tasks.verifier import read_rollouts

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


def summarise_round(runtime: Runtime, one: Round) -> RoundSummary:
    """The figures of one round; waits for its stages."""

    def notes(future: Future | None) -> dict[str, Any]:
        return runtime.store.record(future.result())["notes"] if future is not None else {}

    return RoundSummary(
        iteration=one.iteration,
        rollouts=summarise_rollouts(read_rollouts(runtime, [f.result() for f in one.rollouts])),
        num_pairs=one.pairs.result().num_rows,
        verifier=notes(one.verifier),
        choices=notes(one.choices),
        num_examples=one.examples.result().num_rows if one.examples is not None else 0,
        finetune=notes(one.generator),
    )


@dataclass(frozen=True)
class Searched:
    """A search of a round's generator, and the problems searched."""

    name: str
    problems: Future
    search: Future
    greedy: bool


@dataclass(frozen=True)
class HeldOut:
    """Rollouts on problems that the verifier never saw, and its scores of them; by shard."""

    rollouts: Sequence[Future]
    scores: Sequence[Future]


def submit_round(
    runtime: Runtime,
    config: Config,
    summary: RoundSummary,
    one: Round,
    train: Future,
    held_out: HeldOut,
    searches: Sequence[Searched],
    report: UUID | None,
) -> PrefectFuture[None]:
    """Shows a round once its searches have ended; the next one need not wait for that."""
    label = f"round {one.iteration + 1}"
    show: Any = _show_round.with_options(task_run_name=f"{label} · report")  # futures stand for what they will hold
    return show.submit(
        runtime,
        config,
        summary,
        train=train,
        rollouts=one.rollouts,
        held_out=list(held_out.rollouts),
        scores=list(held_out.scores),
        stages=[future for name, future in runtime.submitted.items() if name.startswith(f"{label} · ")],
        searches=[(s.name, s.greedy) for s in searches],
        problems=[s.problems for s in searches],
        searched=[s.search for s in searches],
        report=report,
    )


@task(name="round-report", cache_policy=NO_CACHE, persist_result=False, retries=0)
def _show_round(
    runtime: Runtime,
    config: Config,
    summary: RoundSummary,
    *,
    train: ArtifactRef,
    rollouts: list[ArtifactRef],
    held_out: list[ArtifactRef],
    scores: list[ArtifactRef],
    stages: list[ArtifactRef],
    searches: list[tuple[str, bool]],
    problems: list[ArtifactRef],
    searched: list[ArtifactRef],
    report: UUID | None,
) -> None:
    """The table, the plot and the link of one round."""
    how = resampling(config)
    outcomes = {"training rollouts": read_rollout_outcomes(runtime, config, train, rollouts)}
    for (name, greedy), split, found in zip(searches, problems, searched, strict=True):
        outcomes[name] = read_outcomes(runtime, config, split, found, name, greedy=greedy)
    curves = {name: curve(table.accuracy, how) for name, rows in outcomes.items() for table in tabulate(rows).values()}
    kept, scored = list(read_rollouts(runtime, held_out)), list(read_scores(runtime, scores))
    selected = select_among_rollouts(kept, scored, config.rollouts.num_turns)
    curves |= {f"held-out rollouts, {by}": curve(values, how) for by, values in selected.items()}
    quality = measure_verifier("round", kept, scored, how)
    seconds = sum(runtime.store.record(ref)["duration_s"] for ref in stages)
    number, directory = summary.iteration + 1, run_dir(config)
    plot = _plot(curves, f"Round {number}: correct after each turn", directory, number)
    with telling(f"what round {number} found"):
        create_table_artifact(
            [*_accuracy_rows(curves), *_figure_rows(summary, quality, seconds, config.rollouts.num_turns)],
            key=f"round-{number}",
            description=f"Round {number}: correct after each turn, % [95 % interval]; verifier, tokens, seconds. "
            f"Of the {config.rollouts.num_rollouts} held-out rollouts of a validation problem one is selected.",
        )
        create_markdown_artifact(
            embed_image(plot.name, plot),
            key=f"round-{number}-plot",
            description=f"With 95 % intervals. The file: `{plot}`",
        )
        link_report(config, report)


def _accuracy_rows(curves: Mapping[str, Curve]) -> list[dict[str, Any]]:
    return [
        {"figure": name}
        | {f"turn {turn}": format_interval(interval) for turn, interval in enumerate(values, 1)}
        | {"value": ""}
        for name, values in curves.items()
    ]


def _figure_rows(
    summary: RoundSummary, quality: VerifierQuality, seconds: float, num_turns: int
) -> list[dict[str, Any]]:
    rollouts = summary.rollouts
    rows: dict[str, Any] = {
        f"verifier, held-out pairs right, % ({quality.num_problems} problems)": format_interval(quality.pair_accuracy),
        "tokens sampled": f"{rollouts.num_tokens:,}",
        "seconds of its stages": round(seconds, 1),
        "rollouts": rollouts.num_rollouts,
        "programs executed": rollouts.num_programs,
        "correct rollouts, %": round(100 * rollouts.num_correct / max(rollouts.num_rollouts, 1), 1),
        "problems solved": f"{rollouts.num_solved} of {rollouts.num_problems}",
        "public pass, private fail": rollouts.num_public_only,
        "verifier pairs": summary.num_pairs,
        "relabelled states": summary.num_examples,
    }
    rows |= {f"verifier · {name}": value for name, value in summary.verifier.items()}
    rows |= {f"fine-tune · {name}": value for name, value in summary.finetune.items()}
    turns = dict.fromkeys((f"turn {turn}" for turn in range(1, num_turns + 1)), "")
    return [{"figure": name} | turns | {"value": value} for name, value in rows.items()]


def _plot(curves: Mapping[str, Curve], title: str, directory: Path, number: int) -> Path:
    from mucode_core.plots import plot_curves  # matplotlib takes a second to import

    path = directory / "plots" / f"round-{number}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    with _drawing:
        return plot_curves(curves, title, path)
