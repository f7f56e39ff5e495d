"""Stages of rollouts: for each shard and turn, sample, then execute."""

from __future__ import annotations

from dataclasses import dataclass

from mucode_tasks.engine.run_context import Runtime
from mucode_tasks.engine.stage import stage
from mucode_tasks.inference import grade_items, open_sampler, read_recorded

from mucode_core.answers import RULE_VERSION
from mucode_core.config import SandboxConfig, VllmConfig
from mucode_core.evaluation.behaviours import ObservedOutput, to_rows
from mucode_core.method.first_answers import describe_no_success, require_programs
from mucode_core.method.rollout import add_turn, is_done, make_request, start
from mucode_core.sandbox.base import Limits
from mucode_core.sandbox.observing import observe_programs
from mucode_core.store.draft import Draft
from mucode_core.store.recipe import SettingsGroup, Source
from mucode_core.types import ArtifactRef, Problem, ProgramCost, Rollout, Sample, SamplingParams


@dataclass(frozen=True)
class Shard:
    """A run of consecutive problems and how they are rolled out: the unit of caching, resuming and determinism."""

    first_problem: int
    num_problems: int
    num_rollouts: int
    num_turns: int
    iteration: int
    seed: int


@dataclass(frozen=True)
class BaseCheck(SettingsGroup):
    """Training rollouts have it: whether the base can start the method is asked at its first answers.

    It has no fields, and so no part in the fingerprint: the rollouts are the same without the check.
    """


@stage("samples", version=1 + RULE_VERSION, tags=("sampling",))
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
    script: Source | None = None,
) -> None:
    """One completion for each rollout of the shard that has not stopped."""
    by_id = _read_shard(runtime, problems, shard)
    rollouts = _resume(runtime, by_id, generator, previous, shard)
    live = [r for r in rollouts if not is_done(r)]
    requests = [make_request(by_id[r.problem_id], r) for r in live]
    with open_sampler(runtime, generator, shard.num_turns, batch_size, engine, script) as sampler:
        completions = sampler.sample(requests, params)
    rows = [Sample(r.rollout_id, len(r.turns), c) for r, c in zip(live, completions, strict=True)]
    draft.write_rows(rows, Sample)
    draft.notes = {"num_tokens": sum(c.num_tokens for c in completions)}


@stage("rollouts", version=3, tags=("execution",))
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
    check: BaseCheck | None = None,
) -> None:
    """The shard's rollouts with the sampled turn added: public tests give feedback, private ones the label."""
    by_id = _read_shard(runtime, problems, shard)
    rollouts = _resume(runtime, by_id, generator, previous, shard)
    completions = {s.rollout_id: s.completion for s in runtime.store.read_rows(samples, Sample)}
    live = [r for r in rollouts if r.rollout_id in completions]
    checked = check is not None and shard.iteration == 0
    if checked and previous is None:
        require_programs(list(completions.values()))
    programs = [(by_id[r.problem_id], completions[r.rollout_id].code) for r in live]
    verdicts = grade_items(runtime, programs, settings)
    added = {
        r.rollout_id: add_turn(r, completions[r.rollout_id], public, private, num_turns=shard.num_turns)
        for r, (public, private) in zip(live, verdicts, strict=True)
    }
    finished = [added.get(r.rollout_id, r) for r in rollouts]
    draft.write_rows(finished, Rollout)
    first = checked and shard.first_problem == 0 and all(map(is_done, finished))
    if first and (remark := describe_no_success(finished)):
        runtime.notify(f"{label}: {remark}")
    draft.write_costs(
        ProgramCost(r.rollout_id, len(r.turns), public.cpu_s + private.cpu_s)
        for r, (public, private) in zip(live, verdicts, strict=True)
    )
    draft.notes = {"num_programs": len(live), "num_correct": sum(r.label for r in added.values())}


@stage("behaviours", version=1, tags=("execution",))
def observe_rollouts(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    problems: ArtifactRef,
    rollouts: ArtifactRef,
    settings: SandboxConfig,
) -> None:
    """What every turn's program gives for the inputs of the public tests, to select by agreement."""
    by_id = {p.problem_id: p for p in runtime.store.read_rows(problems, Problem)}
    programs = [
        (rollout.rollout_id, turn.turn_index, by_id[rollout.problem_id], turn.completion.code)
        for rollout in runtime.store.read_rows(rollouts, Rollout)
        for turn in rollout.turns
        if turn.completion.code is not None
    ]
    limits = Limits(cpu_s=settings.cpu_s, memory_mb=settings.memory_mb)
    found = observe_programs(runtime.sandbox, ((p, code) for *_, p, code in programs), {}, limits=limits)
    rows = [
        row
        for (rollout_id, turn_index, *_), behaviour in zip(programs, found, strict=True)
        for row in to_rows(rollout_id, turn_index, behaviour)
    ]
    draft.notes = {"num_programs": len(programs)}
    draft.write_rows(rows, ObservedOutput)


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
    """The shard's rollouts after the previous turn, or new ones."""
    if previous is not None:
        return runtime.store.read_rows(previous, Rollout)
    counts = dict.fromkeys(problems, shard.num_rollouts)
    if generator.kind == "recorded":
        recorded = read_recorded(runtime, generator)
        counts = {pid: min(n, len(recorded[pid]) // shard.num_turns) for pid, n in counts.items()}
    return start(
        list(problems.values()),
        counts,
        iteration=shard.iteration,
        generator_id=generator.content_digest,
        seed=shard.seed,
    )
