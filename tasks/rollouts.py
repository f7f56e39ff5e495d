"""Stages of rollouts: for each shard and turn, sample, then execute."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mucode_core.config import GeneratorConfig, SandboxConfig, VllmConfig
from mucode_core.draft import Draft
from mucode_core.grading import grade_programs
from mucode_core.rollout import add_turn, is_done, make_request, start
from mucode_core.sampling.base import Sampler, SamplingParams
from mucode_core.sampling.pool import PooledSampler
from mucode_core.sampling.replay import ReplaySampler
from mucode_core.sampling.servers import ServerPlan
from mucode_core.sampling.vllm import make_vllm_sampler
from mucode_core.sandbox.base import Limits
from mucode_core.types import ArtifactRef, Problem, RecordedProgram, Rollout, Sample
from tasks.stage import Runtime, stage


@dataclass(frozen=True)
class Shard:
    """A run of consecutive problems and how they are rolled out: the unit of caching, resuming and determinism."""

    first_problem: int
    num_problems: int
    num_rollouts: int
    num_turns: int
    iteration: int
    seed: int


@stage("samples", version=1, tags=("sampling",))
def sample_turn(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    problems: ArtifactRef,
    generator: ArtifactRef,
    previous: ArtifactRef | None,
    shard: Shard,
    params: SamplingParams,
    batch_size: int | None = None,
    engine: VllmConfig | None = None,
) -> None:
    """One completion for each rollout of the shard that is still going on."""
    by_id = _read_shard(runtime, problems, shard)
    rollouts = _resume(runtime, by_id, generator, previous, shard)
    live = [r for r in rollouts if not is_done(r)]
    requests = [make_request(by_id[r.problem_id], r) for r in live]
    with open_sampler(runtime, generator, shard.num_turns, batch_size, engine) as sampler:
        completions = sampler.sample(requests, params)
    rows = [Sample(r.rollout_id, len(r.turns), c) for r, c in zip(live, completions, strict=True)]
    draft.write_rows(rows, Sample)
    draft.notes = {"num_tokens": sum(c.num_tokens for c in completions)}


@stage("rollouts", version=1, tags=("execution",))
def execute_turn(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    problems: ArtifactRef,
    generator: ArtifactRef,
    previous: ArtifactRef | None,
    samples: ArtifactRef,
    shard: Shard,
    settings: SandboxConfig,
) -> None:
    """The shard's rollouts with the sampled turn added: public tests give feedback, private ones the label."""
    by_id = _read_shard(runtime, problems, shard)
    rollouts = _resume(runtime, by_id, generator, previous, shard)
    completions = {s.rollout_id: s.completion for s in runtime.store.read_rows(samples, Sample)}
    live = [r for r in rollouts if r.rollout_id in completions]
    programs = [(by_id[r.problem_id], completions[r.rollout_id].code) for r in live]
    limits = Limits(cpu_s=settings.cpu_s, memory_mb=settings.memory_mb)
    verdicts = grade_programs(runtime.sandbox, programs, limits=limits, feedback=settings.feedback)
    added = {
        r.rollout_id: add_turn(r, completions[r.rollout_id], public, private, num_turns=shard.num_turns)
        for r, (public, private) in zip(live, verdicts, strict=True)
    }
    draft.write_rows([added.get(r.rollout_id, r) for r in rollouts], Rollout)
    draft.notes = {"num_programs": len(live), "num_correct": sum(r.label for r in added.values())}


def engine_inputs(settings: GeneratorConfig) -> dict[str, Any]:
    """The inputs by which a stage that samples knows its back end: what a completion depends on, no more."""
    return {"engine": settings.vllm} if settings.backend == "vllm" else {"batch_size": settings.batch_size}


@contextmanager
def open_sampler(
    runtime: Runtime, generator: ArtifactRef, num_turns: int, batch_size: int | None, engine: VllmConfig | None
) -> Generator[Sampler]:
    """The sampler of a generator artifact: a checkpoint in workers or behind a server, or recorded programs."""
    if generator.kind == "recorded":
        yield ReplaySampler(_read_recorded(runtime, generator), num_turns)
    elif engine is None:
        assert batch_size is not None
        yield PooledSampler(runtime.workers, runtime.store.model_dir(generator), batch_size)
    else:
        plan = ServerPlan(runtime.store.model_dir(generator), engine, runtime.log_path(generator))
        with runtime.generators.lease(plan) as client:
            yield make_vllm_sampler(client, engine)


def _read_recorded(runtime: Runtime, recorded: ArtifactRef) -> dict[str, list[str]]:
    programs: dict[str, list[str]] = {}
    for row in runtime.store.read_rows(recorded, RecordedProgram):
        programs.setdefault(row.problem_id, []).append(row.code)
    return programs


def _read_shard(runtime: Runtime, problems: ArtifactRef, shard: Shard) -> dict[str, Problem]:
    rows = runtime.store.read_rows(problems, Problem)
    chosen = rows[shard.first_problem : shard.first_problem + shard.num_problems]
    return {problem.problem_id: problem for problem in chosen}


def _resume(
    runtime: Runtime,
    problems: dict[str, Problem],
    generator: ArtifactRef,
    previous: ArtifactRef | None,
    shard: Shard,
) -> list[Rollout]:
    """The shard's rollouts as the turn before left them, or new ones."""
    if previous is not None:
        return runtime.store.read_rows(previous, Rollout)
    counts = dict.fromkeys(problems, shard.num_rollouts)
    if generator.kind == "recorded":
        recorded = _read_recorded(runtime, generator)
        counts = {pid: min(n, len(recorded[pid]) // shard.num_turns) for pid, n in counts.items()}
    return start(
        list(problems.values()),
        counts,
        iteration=shard.iteration,
        generator_id=generator.content_digest,
        seed=shard.seed,
    )
