"""Stages of rollouts: for each shard and turn, sample, then execute."""

from __future__ import annotations

from dataclasses import dataclass

from mucode_core.artifacts import Draft
from mucode_core.config import SandboxConfig
from mucode_core.grading import grade_programs
from mucode_core.rollout import add_turn, is_done, make_request, start
from mucode_core.sampling.base import Sampler, SamplingParams
from mucode_core.sampling.pool import PooledSampler
from mucode_core.sampling.replay import ReplaySampler
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
    batch_size: int,
) -> None:
    """One completion for each rollout of the shard that is still going on."""
    by_id = _read_shard(runtime, problems, shard)
    rollouts = _resume(runtime, by_id, generator, previous, shard)
    live = [r for r in rollouts if not is_done(r)]
    sampler = make_sampler(runtime, generator, batch_size, shard.num_turns)
    completions = sampler.sample([make_request(by_id[r.problem_id], r) for r in live], params)
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


def make_sampler(runtime: Runtime, generator: ArtifactRef, batch_size: int, num_turns: int) -> Sampler:
    """The sampler of a generator artifact: a checkpoint, or recorded programs."""
    if generator.kind != "recorded":
        return PooledSampler(runtime.workers, runtime.store.model_dir(generator), batch_size)
    return ReplaySampler(_read_recorded(runtime, generator), num_turns)


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
