"""Collects what a run found and shows it in the Prefect UI."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from uuid import UUID

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger
from prefect.settings import get_current_settings

from mucode_core import results
from mucode_core.config import Config, dump_config
from mucode_core.errors import DataError
from mucode_core.evaluation import (
    BestK,
    EvaluationResult,
    best_ks,
    evaluation_rows,
    make_figures,
    pass_curves,
    selection_differences,
    write_plots,
)
from mucode_core.files import link_directory, write_json
from mucode_core.fingerprint import derive_seed
from mucode_core.hub import push_checkpoint
from mucode_core.metrics import Interval, Values
from mucode_core.outcomes import FINAL, count_rollouts, count_searches, tabulate, write_outcomes
from mucode_core.report import REPORT, read_embedded, summary_rows, write_report
from mucode_core.results import Evaluation, Resampling, RunResult, StageRecord, VerifierQuality
from mucode_core.types import ArtifactRef, Problem, ProblemOutcome, SearchRow
from tasks.monitoring import telling
from tasks.runtime import run_dir
from tasks.stage import Runtime
from tasks.training import read_scores
from tasks.verifier import read_rollouts

Future = PrefectFuture[ArtifactRef]

_REPORT_LIMIT = 500_000
"""Characters of an artifact: it travels in one request and lies in the server's database."""


@dataclass(frozen=True)
class Searches:
    """Searches by iteration of the generator; `best_of_n` of the base and the chosen one."""

    greedy: Mapping[int, Future]
    best_of_n: Mapping[int, Future]


def resampling(config: Config) -> Resampling:
    """How this run's intervals are made."""
    return Resampling(config.evaluation.bootstrap_samples, derive_seed(config.run.seed, "bootstrap"))


def choose_iteration(
    runtime: Runtime, config: Config, problems: Future, validation: Mapping[int, Future]
) -> tuple[int, dict[int, Interval]]:
    """The (generator, verifier) pair that does best on validation problems; the earlier one of equals."""
    how = resampling(config)
    found: dict[int, Interval] = {}
    for iteration, future in validation.items():
        outcomes = read_outcomes(runtime, config, problems.result(), future.result(), f"iteration {iteration}")
        found[iteration] = results.curve(_accuracies(outcomes)["pt+lv"], how)[-1]
    return max(found, key=lambda iteration: (found[iteration].value, -iteration)), found


@dataclass(frozen=True)
class Evaluated:
    """What the searches on the test problems say."""

    evaluations: Sequence[Evaluation]
    differences: Mapping[str, Interval]
    """Paired, those that matter."""
    outcomes: Sequence[ProblemOutcome]


def evaluate_searches(runtime: Runtime, config: Config, problems: Future, searches: Searches, final: int) -> Evaluated:
    """Accuracy curves of every generator, and the paired differences that matter."""

    def read(future: Future, iteration: int, *, greedy: bool) -> list[ProblemOutcome]:
        names = {0: "base", final: FINAL}
        name = names.get(iteration, f"iteration {iteration}")
        return read_outcomes(runtime, config, problems.result(), future.result(), name, greedy=greedy)

    how = resampling(config)
    greedy_outcomes = {i: read(f, i, greedy=True) for i, f in sorted(searches.greedy.items())}
    best_outcomes = {i: read(f, i, greedy=False) for i, f in searches.best_of_n.items()}
    greedy = {i: _accuracies(outcomes)["greedy"] for i, outcomes in greedy_outcomes.items()}
    best = {i: _accuracies(outcomes) for i, outcomes in best_outcomes.items()}
    evaluations = [
        Evaluation(
            name="base" if iteration == 0 else f"iteration {iteration}",
            greedy=results.curve(values, how),
            best_of_n={s: results.curve(v, how) for s, v in best.get(iteration, {}).items()},
        )
        for iteration, values in greedy.items()
    ]
    outcomes = [row for rows in (*greedy_outcomes.values(), *best_outcomes.values()) for row in rows]
    return Evaluated(evaluations, _differences(greedy, best, final, how), outcomes)


def read_outcomes(
    runtime: Runtime,
    config: Config,
    problems: ArtifactRef,
    searched: ArtifactRef,
    generator: str,
    *,
    greedy: bool = False,
) -> list[ProblemOutcome]:
    """The outcomes of one search stage."""
    ids = [p.problem_id for p in runtime.store.read_rows(problems, Problem)]
    rows = runtime.store.read_rows(searched, SearchRow)
    return count_searches(rows, ids, config.rollouts.num_turns, generator=generator, greedy=greedy)


def _accuracies(outcomes: Sequence[ProblemOutcome]) -> dict[str, Values]:
    """Percent by way of decoding, of outcomes with one N."""
    return {key.decoding: table.accuracy for key, table in tabulate(outcomes).items()}


def _differences(
    greedy: Mapping[int, Values], best: Mapping[int, Mapping[str, Values]], final: int, how: Resampling
) -> dict[str, Interval]:
    found = {"final - base, greedy": results.paired(greedy[final][:, -1], greedy[0][:, -1], how)}
    for iteration in sorted(greedy)[2:]:
        name = f"iteration {iteration} - iteration {iteration - 1}, greedy"
        found[name] = results.paired(greedy[iteration][:, -1], greedy[iteration - 1][:, -1], how)
    last, first = greedy[final][:, -1], greedy[final][:, 0]
    found["last turn - turn 1, final, greedy"] = results.paired(last, first, how)
    for iteration, searched in best.items():
        name = "base" if iteration == 0 else "final"
        for after, before in (("pt", "random"), ("lv", "random"), ("pt+lv", "pt")):
            if after in searched and before in searched:
                pair = (searched[after][:, -1], searched[before][:, -1])
                found[f"{after} - {before}, {name}"] = results.paired(*pair, how)
        if "pt+lv" in searched:
            pair = (searched["pt+lv"][:, -1], greedy[iteration][:, -1])
            found[f"pt+lv - greedy, {name}"] = results.paired(*pair, how)
    return found


def measure_verifier(
    runtime: Runtime, config: Config, generator: str, rollouts: Sequence[Future], scores: Sequence[Future]
) -> VerifierQuality:
    """The verifier on held-out rollouts."""
    return results.measure_verifier(
        generator,
        read_rollouts(runtime, [f.result() for f in rollouts]),
        read_scores(runtime, [f.result() for f in scores]),
        resampling(config),
    )


def list_stages(runtime: Runtime) -> list[StageRecord]:
    """Every stage of the run with the artifact it left; waits for all."""
    rows: list[StageRecord] = []
    for label, future in runtime.submitted.items():
        ref = future.result()
        record = runtime.store.record(ref)
        rows.append(
            StageRecord(
                label=label,
                kind=ref.kind,
                fingerprint=ref.fingerprint,
                content_digest=ref.content_digest,
                num_rows=ref.num_rows,
                started_at=record["started_at"],
                duration_s=record["duration_s"],
                cached=record["started_at"] < runtime.started_at,
                num_tokens=record["notes"].get("num_tokens", 0),
                num_programs=record["notes"].get("num_programs", 0) if ref.kind == "rollouts" else 0,
            )
        )
    return rows


def publish_models(runtime: Runtime, config: Config, models: Mapping[str, Future]) -> dict[str, str]:
    """Links checkpoints under `models/` of the run directory: artifacts have long names.

    Returns:
        The links by name.
    """
    directory = run_dir(config) / "models"
    links: dict[str, str] = {}
    for name, future in models.items():
        link = directory / name.replace(" ", "-")
        link_directory(link, runtime.store.model_dir(future.result()))
        links[name] = str(link)
    return links


def push_models(config: Config, models: Mapping[str, str]) -> None:
    """Pushes the final pair to the hub where that is asked for; a hub that fails is told of and loses nothing."""
    if not config.run.push_to_hub:
        return
    for name, suffix in (("final", "generator"), ("verifier", "verifier")):
        try:
            address = push_checkpoint(Path(models[name]).resolve(), f"{config.run.push_to_hub}-{suffix}")
            get_run_logger().info("pushed %s to %s", models[name], address)
        except DataError as error:
            get_run_logger().warning("%s", error)


@dataclass(frozen=True)
class Pool:
    """Independent rollouts and, where there is a verifier, their scores; by shard."""

    rollouts: Sequence[Future]
    scores: Sequence[Future]


def read_rollout_outcomes(
    runtime: Runtime, config: Config, problems: ArtifactRef, rollouts: Sequence[ArtifactRef]
) -> list[ProblemOutcome]:
    """The outcomes of independent rollouts."""
    ids = [p.problem_id for p in runtime.store.read_rows(problems, Problem)]
    return count_rollouts(read_rollouts(runtime, list(rollouts)), ids, config.rollouts.num_turns, generator=FINAL)


def summarise_evaluation(
    runtime: Runtime,
    config: Config,
    problems: Future,
    generator: Future,
    verifier: Future | None,
    outcomes: Sequence[ProblemOutcome],
    pool: Pool | None = None,
) -> EvaluationResult:
    """All figures of an evaluation; waits for its stages."""
    how, settings = resampling(config), config.evaluation
    ks = settings.pass_at_k if pool is not None else ()
    quality, best = None, list[BestK]()
    if pool is not None and pool.scores:
        rollouts = list(read_rollouts(runtime, [f.result() for f in pool.rollouts]))
        scores = list(read_scores(runtime, [f.result() for f in pool.scores]))
        quality = results.measure_verifier("final", rollouts, scores, how)
        best = best_ks(rollouts, scores, ks, how)
    return EvaluationResult(
        name=config.run.name,
        generator=config.generator.model,
        generator_digest=generator.result().content_digest,
        verifier=settings.verifier or None,
        verifier_digest=verifier.result().content_digest if verifier is not None else None,
        dataset=config.problems.dataset,
        split=settings.split,
        num_problems=problems.result().num_rows,
        temperature=settings.temperature,
        num_turns=config.rollouts.num_turns,
        beam_width=settings.beam_width,
        exclude_rejected=settings.exclude_rejected,
        seed=config.run.seed,
        resampling=how,
        figures=make_figures(outcomes, how),
        differences=selection_differences(outcomes, how),
        pass_at_k=pass_curves(outcomes, ks, how),
        best_k=best,
        quality=quality,
        stages=list_stages(runtime),
        wall_s=time.time() - runtime.started_at,
        out_dir=str(run_dir(config)),
    )


def publish_evaluation(result: EvaluationResult, config: Config, outcomes: Sequence[ProblemOutcome]) -> None:
    """Writes result, outcomes and configuration into the run directory, and the table into the Prefect UI."""
    directory = run_dir(config)
    write_outcomes(outcomes, directory)
    write_json(directory / "result.json", result.to_json())
    (directory / "config.yaml").write_text(dump_config(config), "utf-8")
    write_plots(result, directory)
    _publish_table(evaluation_rows(result), "evaluation", f"Accuracy on {result.num_problems} problems, %")


def _publish_table(rows: Sequence[Sequence[str]], key: str, description: str) -> None:
    header, *body = rows
    with telling(f"the table {key}"):
        create_table_artifact([dict(zip(header, row, strict=True)) for row in body], key=key, description=description)


def open_report(config: Config) -> UUID | None:
    """The page of the Prefect UI that will show the report: rounds link it, `publish_result` fills it.

    Returns:
        The artifact; None where the server is away.
    """
    path = run_dir(config).resolve() / REPORT
    with telling("of the report"):
        made = create_markdown_artifact("Written when the run ends.", key="report", description=f"`{path}`")
        return cast("UUID", made)  # a coroutine only where an event loop runs
    return None


def link_report(config: Config, report: UUID | None) -> None:
    """Links the report's page, in the Prefect UI if there is one: a browser opens no file from there."""
    ui = get_current_settings().ui_url
    if ui and report is not None:
        path = run_dir(config).resolve() / REPORT
        address, text = f"{ui}/artifacts/artifact/{report}", "report, once the run has ended"
        create_link_artifact(address, link_text=text, key="report-link", description=f"The file: `{path}`")


def _fill_report(report: UUID | None, directory: Path) -> None:
    if report is None:
        return
    text = read_embedded(directory, _REPORT_LIMIT)
    with telling("the report"), get_client(sync_client=True) as client:
        client.update_artifact(report, ArtifactUpdate(data=text))


def publish_result(result: RunResult, config: Config, outcomes: Sequence[ProblemOutcome], report: UUID | None) -> None:
    """Writes report, result, outcomes and configuration into the run directory, and what the Prefect UI shows of them.

    Args:
        report: Of `open_report`.
    """
    directory = run_dir(config)
    write_report(result, directory)
    if outcomes:
        write_outcomes(outcomes, directory)
    write_json(directory / "result.json", result.to_json())
    (directory / "config.yaml").write_text(dump_config(config), "utf-8")
    _publish_table(summary_rows(result), "summary", f"Accuracy on {result.num_test_problems} test problems, %")
    _fill_report(report, directory)
