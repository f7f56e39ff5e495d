"""Wiring of rollouts: shards that alternate sampling and execution, and their scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prefect.futures import PrefectFuture

from mucode_core.config import Config, RolloutsConfig
from mucode_core.sampling.base import SamplingParams
from mucode_core.types import ArtifactRef
from tasks.rollouts import Shard, engine_inputs, execute_turn, sample_turn
from tasks.stage import Runtime
from tasks.verifier import score_rollouts, scorer_inputs

Future = PrefectFuture[ArtifactRef]


def roll_out(
    runtime: Runtime,
    config: Config,
    problems: Future,
    generator: Future,
    name: str,
    plan: RolloutsConfig,
    iteration: int,
    after: Sequence[Future] = (),
) -> list[Future]:
    """All shards of one split, each its turns in a row: one shard executes while another samples."""
    total = problems.result().num_rows
    per_shard = max(1, plan.shard_size // plan.num_rollouts)
    starts = range(0, total, per_shard)
    params = SamplingParams(plan.temperature, plan.top_p, config.generator.max_new_tokens)
    shards: list[Future] = []
    for index, first in enumerate(starts, 1):
        shard = Shard(
            first_problem=first,
            num_problems=min(per_shard, total - first),
            num_rollouts=plan.num_rollouts,
            num_turns=plan.num_turns,
            iteration=iteration,
            seed=config.run.seed,
        )
        done: Future | None = None
        for turn in range(1, plan.num_turns + 1):
            place = f"turn {turn} · shard {index}/{len(starts)}"
            common: dict[str, Any] = {"problems": problems, "generator": generator, "previous": done, "shard": shard}
            samples = sample_turn.submit(
                runtime,
                f"{name} · sample {place}",
                after=after,
                params=params,
                **engine_inputs(config.generator),
                **common,
            )
            done = execute_turn.submit(
                runtime, f"{name} · execute {place}", samples=samples, settings=config.sandbox, **common
            )
        assert done is not None
        shards.append(done)
    return shards


def score_shards(
    runtime: Runtime,
    config: Config,
    problems: Future,
    rollouts: list[Future],
    verifier: Future,
    name: str,
    after: Sequence[Future] = (),
) -> list[Future]:
    """The verifier's scores of every shard."""
    return [
        score_rollouts.submit(
            runtime,
            f"{name} · score shard {index}/{len(rollouts)}",
            after=after,
            problems=problems,
            rollouts=shard,
            verifier=verifier,
            **scorer_inputs(config.verifier),
        )
        for index, shard in enumerate(rollouts, 1)
    ]
