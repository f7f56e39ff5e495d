"""Stages of learning from the expert: choose, relabel, fine-tune."""

from __future__ import annotations

from functools import partial

from mucode_tasks.engine.run_context import Runtime
from mucode_tasks.engine.stage import stage
from mucode_tasks.inference import grade_items

from mucode_core.config import FinetuneConfig, RelabelConfig, SandboxConfig, SftConfig, WarmUpConfig
from mucode_core.fingerprint import derive_seed
from mucode_core.method.expert import choose_experts, score_table
from mucode_core.method.mistakes import correct_mistakes
from mucode_core.method.relabel import distil, imitate, imitate_solutions, relabel
from mucode_core.models.card import write_generator_card
from mucode_core.store.draft import Draft
from mucode_core.types import ArtifactRef, ExpertChoice, Problem, Rollout, SftExample, VerifierScore


@stage("expert_choices", version=1)
def choose(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    rollouts: list[ArtifactRef],
    scores: list[ArtifactRef],
    settings: RelabelConfig,
    standardise: bool,
) -> None:
    """The local search expert's program for each problem."""
    table = score_table(runtime.store.read_all(scores, VerifierScore))
    choices = choose_experts(runtime.store.read_all(rollouts, Rollout), table, settings, standardise=standardise)
    draft.write_rows(choices, ExpertChoice)
    draft.notes = {"num_choices": len(choices), "num_correct": sum(c.label for c in choices)}


@stage("sft_examples", version=1)
def relabel_states(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    problems: ArtifactRef,
    rollouts: list[ArtifactRef],
    scores: list[ArtifactRef],
    choices: ArtifactRef,
    settings: RelabelConfig,
) -> None:
    """Each state with the completion to imitate there."""
    examples = relabel(
        runtime.store.read_all(rollouts, Rollout),
        runtime.store.read_rows(choices, ExpertChoice),
        score_table(runtime.store.read_all(scores if settings.mode == "reference" else [], VerifierScore)),
        {p.problem_id: p for p in runtime.store.read_rows(problems, Problem)},
        settings,
    )
    draft.write_rows(examples, SftExample)


@stage("sft_examples", version=1)
def keep_rollouts(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    problems: ArtifactRef,
    rollouts: list[ArtifactRef],
    scores: list[ArtifactRef],
    settings: RelabelConfig,
) -> None:
    """RFT: the rollouts worth imitating, each state with the rollout's own last completion."""
    examples = imitate(
        runtime.store.read_all(rollouts, Rollout),
        score_table(runtime.store.read_all(scores, VerifierScore)),
        {p.problem_id: p for p in runtime.store.read_rows(problems, Problem)},
        settings,
    )
    draft.write_rows(examples, SftExample)


@stage("sft_examples", version=1)
def keep_samples(
    runtime: Runtime, draft: Draft, label: str, *, problems: ArtifactRef, rollouts: list[ArtifactRef]
) -> None:
    """SSD: each state with the completion that was sampled there."""
    by_id = {p.problem_id: p for p in runtime.store.read_rows(problems, Problem)}
    draft.write_rows(distil(runtime.store.read_all(rollouts, Rollout), by_id), SftExample)


@stage("sft_examples", version=2, tags=("execution",))
def show_solutions(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    problems: ArtifactRef,
    settings: SandboxConfig | None,
    seed: int,
) -> None:
    """The base's warm-up: problems with their solutions, and once more after a mistake where a sandbox is given."""
    rows = runtime.store.read_rows(problems, Problem)
    examples = list(imitate_solutions(rows))
    draft.notes = {"num_solutions": len(examples)}
    if settings is not None:
        corrections = list(correct_mistakes(rows, partial(grade_items, runtime, settings=settings), seed))
        draft.notes["num_corrections"] = len(corrections)
        examples += corrections
    draft.write_rows(examples, SftExample)


@stage("base_model", version=1, tags=("training",))
def warm_up(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    examples: ArtifactRef,
    base: ArtifactRef,
    settings: WarmUpConfig,
    seed: int,
) -> None:
    """The base of the run: an existing model that has learnt from right programs."""
    _fine_tune(runtime, draft, label, examples, base, settings, derive_seed(seed, "warm-up"), None)
    write_generator_card(draft.model_dir, draft.recipe, draft.notes, 0)


@stage("generator", version=2, tags=("training",))
def train_generator(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    examples: ArtifactRef,
    base: ArtifactRef,
    settings: FinetuneConfig,
    iteration: int,
    seed: int,
) -> None:
    """The next generator: the base model, fine-tuned on the relabelled states."""
    num_steps = settings.steps[iteration] if settings.steps else None
    _fine_tune(runtime, draft, label, examples, base, settings, derive_seed(seed, "finetune"), num_steps)
    write_generator_card(draft.model_dir, draft.recipe, draft.notes, iteration + 1)


def _fine_tune(
    runtime: Runtime,
    draft: Draft,
    label: str,
    examples: ArtifactRef,
    base: ArtifactRef,
    settings: SftConfig,
    seed: int,
    num_steps: int | None,
) -> None:
    rows = runtime.store.read_rows(examples, SftExample)
    base_dir = runtime.store.model_dir(base)
    arguments = (rows, base_dir, draft.model_dir, settings, seed, runtime.training_place(draft), num_steps)
    with runtime.room_for_training(settings):
        report = runtime.workers.call(
            "mucode_core.generator.trainers:train", *arguments, progress=runtime.progress(label)
        )
    draft.note(report)
