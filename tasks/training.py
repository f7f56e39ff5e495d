"""Stages of learning from the expert: choose, relabel, fine-tune."""

from __future__ import annotations

from collections.abc import Iterator

from mucode_core.config import FinetuneConfig, RelabelConfig
from mucode_core.draft import Draft
from mucode_core.expert import choose_experts, score_table
from mucode_core.fingerprint import derive_seed
from mucode_core.model_card import write_generator_card
from mucode_core.relabel import imitate, relabel
from mucode_core.types import ArtifactRef, ExpertChoice, Problem, SftExample, VerifierScore
from tasks.stage import Runtime, stage
from tasks.verifier import read_rollouts, training_place


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
    table = score_table(read_scores(runtime, scores))
    choices = choose_experts(read_rollouts(runtime, rollouts), table, settings, standardise=standardise)
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
        read_rollouts(runtime, rollouts),
        runtime.store.read_rows(choices, ExpertChoice),
        score_table(read_scores(runtime, scores if settings.mode == "reference" else [])),
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
        read_rollouts(runtime, rollouts),
        score_table(read_scores(runtime, scores)),
        {p.problem_id: p for p in runtime.store.read_rows(problems, Problem)},
        settings,
    )
    draft.write_rows(examples, SftExample)


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
    rows = runtime.store.read_rows(examples, SftExample)
    base_dir = runtime.store.model_dir(base)
    own = derive_seed(seed, "finetune")
    num_steps = settings.steps[iteration] if settings.steps else None
    arguments = (rows, base_dir, draft.model_dir, settings, own)
    with runtime.room_for_training(settings):
        if settings.backend == "trl":
            function, more = "mucode_core.training.generator:finetune", (training_place(runtime, draft), num_steps)
        else:
            function, more = "mucode_core.finetune:finetune", (num_steps,)
        report = runtime.workers.call(function, *arguments, *more, progress=runtime.progress(label))
    draft.note(report)
    write_generator_card(draft.model_dir, draft.recipe, draft.notes, iteration + 1)


def read_scores(runtime: Runtime, refs: list[ArtifactRef]) -> Iterator[VerifierScore]:
    """The scores of several shards, in order, a shard at a time in memory."""
    return (score for ref in refs for score in runtime.store.read_rows(ref, VerifierScore))
