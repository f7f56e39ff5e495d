"""pass@k of one generator by independent rollouts as a Prefect flow: wiring only."""

from __future__ import annotations

from typing import Any

from mucode_flows.steps.rollouts import Future, roll_out, score_shards
from mucode_flows.steps.searches import open_evaluated
from mucode_tasks.engine.open_placements import open_placements
from mucode_tasks.engine.placement import cancel_stages
from mucode_tasks.engine.runtime import open_runtime
from mucode_tasks.publishing import publish_evaluation, summarise_evaluation
from mucode_tasks.results import ScoredRollouts, read_rollouts
from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from mucode_core.config import Config
from mucode_core.evaluation.evaluation_result import EvaluationResult
from mucode_core.evaluation.outcomes import FINAL
from mucode_core.evaluation.run_record import StageGroup

_TASK_RUNNER: Any = ThreadPoolTaskRunner(max_workers=32)


@flow(
    name="pass-at-k",
    flow_run_name="{config.run.name} · seed {config.run.seed}",
    on_cancellation=[cancel_stages],
    on_crashed=[cancel_stages],
    task_runner=_TASK_RUNNER,
    description="pass@k after each turn, from independent rollouts; with a verifier, how it orders their programs.",
)
def pass_at_k(config: Config) -> EvaluationResult:
    """Evaluates `generator.model`, with `evaluation.verifier` where there is one, on one split."""
    settings = config.evaluation
    plan = config.rollouts.model_copy(
        update={"num_rollouts": settings.num_rollouts, "temperature": settings.temperature}
    )
    with open_placements(config) as placements, open_runtime(config, placements) as runtime:
        problems, generator, verifier = open_evaluated(runtime, config)
        group = StageGroup(settings.split)
        rollouts = roll_out(runtime, config, problems, generator, group, plan, iteration=0)
        scores: list[Future] = []
        if verifier is not None:
            scores = score_shards(runtime, config.verifier, problems, rollouts, verifier, group)
        shards, turns = [future.result() for future in rollouts], plan.num_turns
        outcomes = read_rollouts(runtime.store, problems.result(), shards, turns, FINAL)
        independent = ScoredRollouts(rollouts, scores)
        result = summarise_evaluation(runtime, config, (problems, generator, verifier), outcomes, independent)
        publish_evaluation(result, config, outcomes, runtime.run_dir)
    return result
