"""Evaluation of one generator by multi-turn Best-of-N as a Prefect flow: wiring only."""

from __future__ import annotations

from typing import Any

from mucode_flows.steps.searches import open_evaluated, search_best_of_n, search_greedily
from mucode_tasks.engine.open_placements import open_placements
from mucode_tasks.engine.placement import cancel_stages
from mucode_tasks.engine.runtime import open_runtime
from mucode_tasks.publishing import publish_evaluation, summarise_evaluation
from mucode_tasks.results import read_search
from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from mucode_core.config import Config
from mucode_core.evaluation.evaluation_result import EvaluationResult
from mucode_core.evaluation.outcomes import FINAL
from mucode_core.evaluation.run_record import StageGroup
from mucode_core.method.search import usable_selections
from mucode_core.types import ProblemOutcome

_TASK_RUNNER: Any = ThreadPoolTaskRunner(max_workers=8)


@flow(
    name="best-of-n",
    flow_run_name="{config.run.name} · seed {config.run.seed}",
    on_cancellation=[cancel_stages],
    on_crashed=[cancel_stages],
    task_runner=_TASK_RUNNER,
    description="Multi-turn Best-of-N of one generator with each selection strategy and each N.",
)
def best_of_n(config: Config) -> EvaluationResult:
    """Evaluates `generator.model`, with `evaluation.verifier` where there is one, on one split."""
    settings = config.evaluation
    wanted = sorted({settings.best_of_n, *settings.sweep})
    with open_placements(config) as placements, open_runtime(config, placements) as runtime:
        problems, generator, verifier = open_evaluated(runtime, config)
        selections = usable_selections(settings.selections, verifier is not None)
        group = StageGroup(settings.split)
        greedy = search_greedily(runtime, config, problems, generator, group) if 1 in wanted else None
        several = [n for n in wanted if n > 1]
        best = (
            search_best_of_n(runtime, config, problems, generator, verifier, group, selections, several)
            if several
            else None
        )
        outcomes: list[ProblemOutcome] = []
        for future in (greedy, best):
            if future is not None:
                found, turns = future.result(), config.rollouts.num_turns
                outcomes += read_search(runtime.store, problems.result(), found, turns, FINAL, greedy=future is greedy)
        result = summarise_evaluation(runtime, config, (problems, generator, verifier), outcomes)
        publish_evaluation(result, config, outcomes, runtime.run_dir)
    return result
