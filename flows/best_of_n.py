"""Evaluation of one generator by multi-turn Best-of-N as a Prefect flow: wiring only."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from flows.evaluation import open_evaluated, search_best_of_n, search_greedily
from mucode_core.config import Config
from mucode_core.evaluation import EvaluationResult
from mucode_core.outcomes import FINAL
from mucode_core.search import usable_selections
from mucode_core.types import ProblemOutcome
from tasks.placement import cancel_stages
from tasks.publishing import publish_evaluation, read_outcomes, summarise_evaluation
from tasks.runtime import open_runtime

_TASK_RUNNER: Any = ThreadPoolTaskRunner(max_workers=8)


@flow(
    name="best-of-n",
    flow_run_name="{config.run.name} · seed {config.run.seed}",
    on_cancellation=[cancel_stages],
    on_crashed=[cancel_stages],
    task_runner=_TASK_RUNNER,
    description="Multi-turn Best-of-N of one generator with each way of selecting and each N.",
)
def best_of_n(config: Config) -> EvaluationResult:
    """Evaluates `generator.model`, with `evaluation.verifier` where there is one, on one split."""
    settings = config.evaluation
    wanted = sorted({settings.best_of_n, *settings.sweep})
    with open_runtime(config) as runtime:
        problems, generator, verifier = open_evaluated(runtime, config)
        selections = usable_selections(settings.selections, verifier is not None)
        greedy = search_greedily(runtime, config, problems, generator, settings.split) if 1 in wanted else None
        several = [n for n in wanted if n > 1]
        best = (
            search_best_of_n(runtime, config, problems, generator, verifier, settings.split, selections, several)
            if several
            else None
        )
        outcomes: list[ProblemOutcome] = []
        for future in (greedy, best):
            if future is not None:
                outcomes += read_outcomes(
                    runtime, config, problems.result(), future.result(), FINAL, greedy=future is greedy
                )
        result = summarise_evaluation(runtime, config, problems, generator, verifier, outcomes)
        publish_evaluation(result, config, outcomes)
    return result
