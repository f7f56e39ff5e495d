"""pass@k of one generator by independent rollouts as a Prefect flow: wiring only."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from flows.evaluation import open_evaluated
from flows.rollouts import roll_out, score_shards
from mucode_core.config import Config
from mucode_core.evaluation import EvaluationResult
from tasks.placement import cancel_stages
from tasks.publishing import Pool, publish_evaluation, read_rollout_outcomes, summarise_evaluation
from tasks.runtime import open_runtime

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
    with open_runtime(config) as runtime:
        problems, generator, verifier = open_evaluated(runtime, config)
        rollouts = roll_out(runtime, config, problems, generator, settings.split, plan, iteration=0)
        scores = (
            score_shards(runtime, config, problems, rollouts, verifier, settings.split) if verifier is not None else []
        )
        outcomes = read_rollout_outcomes(runtime, config, problems.result(), [f.result() for f in rollouts])
        pool = Pool(rollouts, scores)
        result = summarise_evaluation(runtime, config, problems, generator, verifier, outcomes, pool)
        publish_evaluation(result, config, outcomes)
    return result
