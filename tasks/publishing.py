"""Makes the result of a run and writes it: files of the run directory, pages of the Prefect UI."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

from mucode_tasks.engine.prefect_pages import fill_report, publish_table
from mucode_tasks.engine.run_context import Runtime
from mucode_tasks.models import link_models
from mucode_tasks.results import ScoredRollouts, list_stages
from prefect.futures import PrefectFuture

from mucode_core.config import Config, dump_config
from mucode_core.evaluation.evaluation_result import (
    Checkpoint,
    EvaluationResult,
    best_ks,
    make_figures,
    pass_curves,
    selection_differences,
)
from mucode_core.evaluation.metrics import Interval, Resampling
from mucode_core.evaluation.outcomes import write_outcomes
from mucode_core.evaluation.run_figures import ByIteration, compare_generators, evaluate_generators
from mucode_core.evaluation.run_result import RoundSummary, RunResult, SearchSettings
from mucode_core.evaluation.verifier_quality import measure_verifier
from mucode_core.reports.markdown import REPORT, read_embedded, write_report
from mucode_core.reports.plots import plot_evaluation
from mucode_core.reports.tables import evaluation_rows, summary_rows
from mucode_core.system.atomic_files import write_json
from mucode_core.types import ArtifactRef, ProblemOutcome
from mucode_core.wording import count

Future = PrefectFuture[ArtifactRef]


@dataclass(frozen=True)
class RunFindings:
    """What a run of expert iteration produced, to be summarised."""

    final_iteration: int
    validation: Mapping[int, Interval]
    """Accuracy of each pair on validation problems, by iteration."""
    outcomes: ByIteration
    """On the test problems; empty where evaluation is off."""
    num_test_problems: int
    held_out: Mapping[str, ScoredRollouts]
    """Rollouts that the chosen verifier scored, by the generator that wrote them."""
    rounds: Sequence[RoundSummary]
    models: Mapping[str, Future]


def summarise_run(runtime: Runtime, config: Config, findings: RunFindings) -> RunResult:
    """All figures of a run; waits for its stages and links its models."""
    settings, directory = config.evaluation, runtime.run_dir
    how = Resampling.of_run(settings.bootstrap_samples, config.run.seed)
    outcomes, final = findings.outcomes, findings.final_iteration
    held_out = {name: found.read(runtime.store) for name, found in findings.held_out.items()}
    return RunResult(
        name=config.run.name,
        seed=config.run.seed,
        synthetic=config.plants_errors,
        score_kind=config.verifier.score,
        algorithm=config.run.algorithm,
        best_of_n=SearchSettings(settings.best_of_n, settings.num_searches, settings.temperature),
        num_test_problems=findings.num_test_problems,
        resampling=how,
        evaluations=evaluate_generators(outcomes, how) if outcomes else [],
        final_iteration=final,
        validation=findings.validation,
        differences=compare_generators(outcomes, final, how) if outcomes else {},
        verifiers=[measure_verifier(name, *rows, how) for name, rows in held_out.items()],
        rounds=findings.rounds,
        models=link_models(runtime.store, directory, {name: f.result() for name, f in findings.models.items()}),
        lineage=list_stages(runtime),
        wall_s=time.time() - runtime.started_at,
        report=str(directory / REPORT),
    )


def publish_run(
    result: RunResult, config: Config, outcomes: Sequence[ProblemOutcome], directory: Path, report: UUID | None
) -> None:
    """Writes report, result, outcomes and configuration into the run directory, and what the Prefect UI shows of them.

    Args:
        result: Of the run.
        config: Of the run.
        outcomes: On the test problems.
        directory: Of the run.
        report: Of `open_report`.
    """
    write_report(result, directory)
    if outcomes:
        write_outcomes(outcomes, directory)
    write_json(directory / "result.json", result.to_json())
    (directory / "config.yaml").write_text(dump_config(config), "utf-8")
    publish_table(summary_rows(result), "summary", f"Accuracy on {result.num_test_problems} test problems, %")
    fill_report(report, partial(read_embedded, directory))


def summarise_evaluation(
    runtime: Runtime,
    config: Config,
    evaluated: tuple[Future, Future, Future | None],
    outcomes: Sequence[ProblemOutcome],
    independent: ScoredRollouts | None = None,
) -> EvaluationResult:
    """All figures of an evaluation; waits for its stages.

    Args:
        runtime: Of the run.
        config: Of the run.
        evaluated: Problems, generator and, where there is one, verifier.
        outcomes: Of the searches or rollouts.
        independent: The rollouts, for pass@k.
    """
    settings = config.evaluation
    how = Resampling.of_run(settings.bootstrap_samples, config.run.seed)
    problems, generator, verifier = evaluated
    ks = settings.pass_at_k if independent is not None else ()
    scored = independent.read(runtime.store) if independent is not None and independent.scores else None
    named = settings.verifier
    return EvaluationResult(
        name=config.run.name,
        generator=Checkpoint(config.generator.model, generator.result().content_digest),
        verifier=Checkpoint(named, verifier.result().content_digest) if verifier is not None and named else None,
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
        pass_curves=pass_curves(outcomes, ks, how),
        best_k_of_n=best_ks(*scored, ks, how) if scored else [],
        verifier_quality=measure_verifier("final", *scored, how) if scored else None,
        lineage=list_stages(runtime),
        wall_s=time.time() - runtime.started_at,
        out=str(runtime.run_dir),
    )


def publish_evaluation(
    result: EvaluationResult, config: Config, outcomes: Sequence[ProblemOutcome], directory: Path
) -> None:
    """Writes result, outcomes, configuration and plots into the run directory, and the table into the Prefect UI."""
    write_outcomes(outcomes, directory)
    write_json(directory / "result.json", result.to_json())
    (directory / "config.yaml").write_text(dump_config(config), "utf-8")
    plot_evaluation(result, directory)
    publish_table(evaluation_rows(result), "evaluation", f"Accuracy on {count(result.num_problems, 'problem')}, %")
