"""What a round found, in the Prefect UI: accuracy by turn, figures, a plot, and where the report will be."""

from __future__ import annotations

import base64
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import create_image_artifact, create_link_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture

from mucode_core.config import Config
from mucode_core.metrics import summarise_rollouts
from mucode_core.outcomes import tabulate
from mucode_core.report import REPORT, format_interval
from mucode_core.results import Curve, RoundSummary, curve
from mucode_core.types import ArtifactRef
from tasks.publishing import read_outcomes, read_rollout_outcomes, resampling
from tasks.runtime import run_dir
from tasks.stage import Runtime
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


def submit_round(
    runtime: Runtime, config: Config, summary: RoundSummary, one: Round, train: Future, searches: Sequence[Searched]
) -> PrefectFuture[None]:
    """Shows a round once its searches have ended; the next one need not wait for that."""
    label = f"round {one.iteration + 1} · report"
    stages = [*one.rollouts, one.pairs, one.verifier, one.choices, one.examples, one.generator]
    show: Any = _show_round.with_options(task_run_name=label)  # futures stand for what they will hold
    return show.submit(
        runtime,
        config,
        summary,
        train=train,
        rollouts=one.rollouts,
        stages=[future for future in stages if future is not None],
        searches=[(s.name, s.greedy) for s in searches],
        problems=[s.problems for s in searches],
        searched=[s.search for s in searches],
    )


@task(name="round-report", cache_policy=NO_CACHE, persist_result=False, retries=0)
def _show_round(
    runtime: Runtime,
    config: Config,
    summary: RoundSummary,
    *,
    train: ArtifactRef,
    rollouts: list[ArtifactRef],
    stages: list[ArtifactRef],
    searches: list[tuple[str, bool]],
    problems: list[ArtifactRef],
    searched: list[ArtifactRef],
) -> None:
    """Accuracy by turn, figures and a plot of one round."""
    outcomes = {"training rollouts": read_rollout_outcomes(runtime, config, train, rollouts)}
    for (name, greedy), split, found in zip(searches, problems, searched, strict=True):
        outcomes[name] = read_outcomes(runtime, config, split, found, name, greedy=greedy)
    how = resampling(config)
    curves = {name: curve(table.accuracy, how) for name, rows in outcomes.items() for table in tabulate(rows).values()}
    number, directory = summary.iteration + 1, run_dir(config)
    create_table_artifact(
        _accuracy_rows(curves), key=f"round-{number}", description=f"Round {number}: correct, %, after each turn"
    )
    seconds = sum(runtime.store.record(ref)["duration_s"] for ref in stages)
    create_table_artifact(
        _figure_rows(summary, seconds), key=f"round-{number}-figures", description=f"Round {number}: what was learnt"
    )
    plot = _plot(curves, f"Round {number}: correct after each turn (95 % intervals)", directory, number)
    image = base64.b64encode(plot.read_bytes()).decode()
    create_image_artifact(f"data:image/png;base64,{image}", key=f"round-{number}-plot", description=str(plot))
    address = (directory / REPORT).resolve()
    create_link_artifact(
        address.as_uri(), link_text=str(address), key="report", description="Written when the run ends"
    )


def _accuracy_rows(curves: dict[str, Curve]) -> list[dict[str, Any]]:
    return [
        {"of": name} | {f"turn {turn}": format_interval(interval) for turn, interval in enumerate(values, 1)}
        for name, values in curves.items()
    ]


def _figure_rows(summary: RoundSummary, seconds: float) -> list[dict[str, Any]]:
    rollouts = summary.rollouts
    rows: dict[str, Any] = {
        "rollouts": rollouts.num_rollouts,
        "programs executed": rollouts.num_programs,
        "tokens sampled": rollouts.num_tokens,
        "correct rollouts, %": round(100 * rollouts.num_correct / max(rollouts.num_rollouts, 1), 1),
        "problems solved": f"{rollouts.num_solved} of {rollouts.num_problems}",
        "public pass, private fail": rollouts.num_public_only,
        "verifier pairs": summary.num_pairs,
        "relabelled states": summary.num_examples,
        "seconds of its stages": round(seconds, 1),
    }
    rows |= {f"verifier · {name}": value for name, value in summary.verifier.items()}
    rows |= {f"fine-tune · {name}": value for name, value in summary.finetune.items()}
    return [{"figure": name, "value": value} for name, value in rows.items()]


def _plot(curves: dict[str, Curve], title: str, directory: Path, number: int) -> Path:
    from mucode_core.plots import plot_curves  # matplotlib takes a second to import

    path = directory / "plots" / f"round-{number}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    with _drawing:
        return plot_curves(curves, title, path)
