"""Stages that evaluate a generator, with or without a verifier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mucode_tasks.engine.run_context import Runtime
from mucode_tasks.engine.stage import stage
from mucode_tasks.inference import grade_items, open_sampler, score_items

from mucode_core.answers import RULE_VERSION
from mucode_core.config import SandboxConfig, ScorerConfig, VllmConfig
from mucode_core.method.inputs import GeneratedInput, ask_for_inputs
from mucode_core.method.search import Observe, SearchPlan, search
from mucode_core.models.checkpoint_kind import read_scoring, require_generator, write_mark
from mucode_core.sandbox.base import Limits
from mucode_core.sandbox.observing import observe_programs
from mucode_core.store.draft import Draft
from mucode_core.store.recipe import Source
from mucode_core.system.atomic_files import write_json
from mucode_core.types import ArtifactRef, Problem, SamplingParams, Scoring, SearchRow, Test, Verdict


@stage("generator", version=1)
def adopt_generator(runtime: Runtime, draft: Draft, label: str, *, checkpoint: Source) -> None:
    """A local checkpoint of a generator, used in place."""
    require_generator(Path(checkpoint.path))
    draft.external = checkpoint.path


@stage("generator", version=1)
def adopt_endpoint(runtime: Runtime, draft: Draft, label: str, *, base_url: str, served_model: str) -> None:
    """A generator behind an endpoint, identified by address and name alone: its weights are not checked."""
    draft.model_dir.mkdir()
    write_json(draft.model_dir / "endpoint.json", {"base_url": base_url, "served_model": served_model})


@stage("generator", version=1)
def adopt_script(runtime: Runtime, draft: Draft, label: str, *, script: Source) -> None:
    """A script in place of a generator: nothing is loaded."""
    draft.model_dir.mkdir()
    write_json(draft.model_dir / "script.json", {"digest": script.digest})


@stage("verifier", version=1)
def adopt_verifier(runtime: Runtime, draft: Draft, label: str, *, checkpoint: Source) -> None:
    """A local checkpoint of a verifier, used in place."""
    draft.notes = {"score": read_scoring(Path(checkpoint.path)).kind}
    draft.external = checkpoint.path


@stage("inputs", version=1, tags=("sampling",))
def ask_inputs(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    problems: ArtifactRef,
    generator: ArtifactRef,
    count: int,
    params: SamplingParams,
    seed: int,
    batch_size: int | None = None,
    engine: VllmConfig | None = None,
    script: Source | None = None,
) -> None:
    """Inputs that the generator is asked for, to compare what its programs give for them."""
    with open_sampler(runtime, generator, 1, batch_size, engine, script) as sampler:
        found = ask_for_inputs(runtime.store.read_rows(problems, Problem), sampler, count, params, seed)
        draft.write_rows(list(found), GeneratedInput)


def _make_observe(runtime: Runtime, problems: Sequence[Problem], inputs: ArtifactRef | None, limits: Limits) -> Observe:
    """Runs programs on the inputs of public tests, and on generated ones where there are any."""
    by_id = {problem.problem_id: problem for problem in problems}
    generated: dict[str, list[Test]] = {}
    for row in runtime.store.read_rows(inputs, GeneratedInput) if inputs is not None else ():
        generated.setdefault(row.problem_id, []).append(row.as_test(by_id[row.problem_id]))
    return lambda programs: list(observe_programs(runtime.sandbox, programs, generated, limits=limits))


@stage("verifier", version=1)
def adopt_judge(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    base_url: str,
    served_model: str,
    question: str,
    answers: list[str],
) -> None:
    """A zero-shot judge behind an endpoint, identified by address and name alone: its weights are not checked."""
    draft.model_dir.mkdir()
    write_json(draft.model_dir / "config.json", {"base_url": base_url, "served_model": served_model})
    write_mark(draft.model_dir, Scoring("token", question, (answers[0], answers[1])))
    draft.notes = {"score": "token"}


@stage("search", version=4 + RULE_VERSION, tags=("evaluation",))
def search_problems(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    problems: ArtifactRef,
    generator: ArtifactRef,
    verifier: ArtifactRef | None,
    plan: SearchPlan,
    settings: SandboxConfig,
    batch_size: int | None = None,
    engine: VllmConfig | None = None,
    scorer: ScorerConfig | None = None,
    script: Source | None = None,
    inputs: ArtifactRef | None = None,
) -> None:
    """Multi-turn Best-of-N on a split, for each selection and N; one sample at temperature 0 is greedy decoding."""
    limits = Limits(cpu_s=settings.cpu_s, memory_mb=settings.memory_mb)
    executed: list[int] = []
    split = runtime.store.read_rows(problems, Problem)

    def grade(programs: Sequence[tuple[Problem, str | None]]) -> list[tuple[Verdict, Verdict]]:
        executed.append(len(programs))
        return grade_items(runtime, programs, settings)

    def score(items: Sequence[tuple[str, str]]) -> list[float]:
        assert verifier is not None
        return score_items(runtime, verifier, list(items), scorer)

    with open_sampler(runtime, generator, plan.num_turns, batch_size, engine, script) as sampler:
        rows = search(
            split,
            sampler,
            grade,
            score if verifier is not None else None,
            plan,
            progress=runtime.progress(label),
            observe=_make_observe(runtime, split, inputs, limits),
        )
    draft.notes = {"num_programs": sum(executed)}
    draft.write_rows(rows, SearchRow)
