"""Wiring of rollouts: shards that alternate sampling and execution, and their scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mucode_tasks.engine.run_context import Runtime
from mucode_tasks.inference import engine_inputs, scorer_inputs
from mucode_tasks.rollouts import BaseCheck, Shard, execute_turn, observe_rollouts, sample_turn
from mucode_tasks.verifier import score_rollouts
from prefect.futures import PrefectFuture

from mucode_core.config import Config, RolloutsConfig, VerifierConfig
from mucode_core.evaluation.run_record import EXECUTE, OBSERVE, SAMPLE, SCORE, StageGroup
from mucode_core.method.search import NEED_BEHAVIOUR
from mucode_core.sandbox import pin_packages
from mucode_core.types import ArtifactRef, SamplingParams

Future = PrefectFuture[ArtifactRef]


def roll_out(
    runtime: Runtime,
    config: Config,
    problems: Future,
    generator: Future,
    group: StageGroup,
    plan: RolloutsConfig,
    iteration: int,
    after: Sequence[Future] = (),
    *,
    for_training: bool = False,
) -> list[Future]:
    """All shards of one split, each its turns in a row: one shard executes while another samples."""
    total = problems.result().num_rows
    per_shard = max(1, plan.shard_size // plan.num_rollouts)
    starts = range(0, total, per_shard)
    params = SamplingParams(plan.temperature, plan.top_p, config.generator.max_new_tokens)
    check = {"check": BaseCheck()} if for_training else {}
    shards: list[Future] = []
    for index, first in enumerate(starts):
        shard = Shard(
            first_problem=first,
            num_problems=min(per_shard, total - first),
            num_rollouts=plan.num_rollouts,
            num_turns=plan.num_turns,
            iteration=iteration,
            seed=config.run.seed,
        )
        done: Future | None = None
        for turn in range(plan.num_turns):
            common: dict[str, Any] = {"problems": problems, "generator": generator, "previous": done, "shard": shard}
            samples = sample_turn.submit(
                runtime,
                group.shard(SAMPLE, index, len(starts), turn),
                after=after,
                params=params,
                **engine_inputs(config.generator),
                **common,
            )
            name = group.shard(EXECUTE, index, len(starts), turn)
            settings = pin_packages(config.sandbox)
            done = execute_turn.submit(runtime, name, samples=samples, settings=settings, **check, **common)
        assert done is not None
        shards.append(done)
    return shards


def score_shards(
    runtime: Runtime,
    settings: VerifierConfig,
    problems: Future,
    rollouts: list[Future],
    verifier: Future,
    group: StageGroup,
    after: Sequence[Future] = (),
) -> list[Future]:
    """The verifier's scores of every shard."""
    return [
        score_rollouts.submit(
            runtime,
            group.shard(SCORE, index, len(rollouts)),
            after=after,
            problems=problems,
            rollouts=shard,
            verifier=verifier,
            **scorer_inputs(settings),
        )
        for index, shard in enumerate(rollouts)
    ]


def observe_shards(
    runtime: Runtime,
    config: Config,
    problems: Future,
    rollouts: list[Future],
    group: StageGroup,
    after: Sequence[Future] = (),
) -> list[Future]:
    """What the programs of every shard give for public inputs; nothing where no selection strategy needs it."""
    if not any(selection in NEED_BEHAVIOUR for selection in config.evaluation.selections):
        return []
    return [
        observe_rollouts.submit(
            runtime,
            group.shard(OBSERVE, index, len(rollouts)),
            after=after,
            problems=problems,
            rollouts=shard,
            settings=pin_packages(config.sandbox),
        )
        for index, shard in enumerate(rollouts)
    ]
