"""Stages that bring problems, recorded programs and the base model into the store."""

from __future__ import annotations

from pathlib import Path

from mucode_tasks.engine.run_context import Runtime
from mucode_tasks.engine.stage import stage

from mucode_core.config import BootstrapConfig, ProblemsConfig, SandboxConfig
from mucode_core.fingerprint import derive_seed
from mucode_core.problems import LoadedSplit, find_data, load_split
from mucode_core.problems import load_problems as read_problems
from mucode_core.problems.budgets import describe_missing, set_time_limits
from mucode_core.sampling.replay import load_recorded_programs
from mucode_core.sandbox import Limits
from mucode_core.store.draft import Draft
from mucode_core.store.recipe import Source
from mucode_core.types import ArtifactRef, Dialogue, Problem, RecordedProgram

_DIALOGUES_A_CALL = 1250


def find_source(runtime: Runtime, problems: ProblemsConfig) -> Source | None:
    """The data set's file: the given one, or a copy of the hub's in the store; None for synthetic problems."""
    if problems.dataset == "synthetic":
        return None
    return Source.of(str(find_data(problems.dataset, problems.data, runtime.store.root / "datasets")))


@stage("problems", version=4)
def load_problems(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    split: LoadedSplit,
    settings: ProblemsConfig,
    source: Source | None,
    recorded: ArtifactRef | None,
    sandbox: SandboxConfig | None,
    seed: int,
) -> None:
    """The problems of one split, with time limits by their references where a sandbox is given."""
    keep = None if recorded is None else {row.problem_id for row in runtime.store.read_rows(recorded, RecordedProgram)}
    data = Path(source.path) if source else None
    problems = load_split(settings, split, data=data, keep=keep, seed=seed, say=runtime.notify)
    if sandbox is not None:
        if missing := [one.problem_id for one in problems if one.reference_solution is None]:
            runtime.notify(describe_missing(missing))
        limits = Limits(memory_mb=sandbox.memory_mb)
        loaded = [problem.problem_id for problem in problems]
        problems = list(set_time_limits(problems, runtime.sandbox, limits, on_bad_problem=sandbox.on_bad_problem))
        kept = {problem.problem_id for problem in problems}
        if left_out := [problem_id for problem_id in loaded if problem_id not in kept]:
            draft.notes = {"num_bad_problems": len(left_out), "bad_problems": left_out}
    draft.write_rows(problems, Problem)


@stage("recorded", version=1)
def load_recorded(
    runtime: Runtime, draft: Draft, label: str, *, dataset: str, data: Source, samples: Source, min_programs: int
) -> None:
    """Programs that models wrote earlier, to be replayed."""
    problem_ids = {problem.problem_id for problem in read_problems(dataset, Path(data.path))}
    programs = load_recorded_programs(Path(samples.path), min_programs, problem_ids)
    rows = [RecordedProgram(problem_id, code) for problem_id, codes in programs.items() for code in codes]
    draft.write_rows(rows, RecordedProgram)
    draft.notes = {"num_problems": len(programs), "num_programs": len(rows)}


@stage("dialogues", version=1)
def write_dialogues(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    settings: BootstrapConfig,
    problems: ArtifactRef | None,
    num_turns: int,
    seed: int,
) -> None:
    """The base model's training data: the teacher's noisy dialogues, or training problems with their solutions."""
    if problems is not None:
        rows = runtime.store.read_rows(problems, Problem)
        (dialogues,) = runtime.workers.map("mucode_core.generator.bootstrap:dialogues_from_solutions", [(rows,)])
    else:
        scale, rate = settings.teacher_error_scale, settings.teacher_repair_rate
        sizes = _split_evenly(settings.num_dialogues, _DIALOGUES_A_CALL)
        calls = [(size, derive_seed(seed, "dialogues", i), scale, rate, num_turns) for i, size in enumerate(sizes)]
        dialogues = [
            d for part in runtime.workers.map("mucode_core.problems.synthetic:make_dialogues", calls) for d in part
        ]
    draft.write_rows([Dialogue(d) for d in dialogues], Dialogue)


def _split_evenly(total: int, size: int) -> list[int]:
    return [min(size, total - start) for start in range(0, total, size)]


@stage("base_model", version=1, tags=("training",))
def train_base(
    runtime: Runtime, draft: Draft, label: str, *, dialogues: ArtifactRef, settings: BootstrapConfig, seed: int
) -> None:
    """The tiny base generator, trained from scratch."""
    rows = [d.messages for d in runtime.store.read_rows(dialogues, Dialogue)]
    report = runtime.workers.call(
        "mucode_core.generator.bootstrap:build_base",
        rows,
        draft.model_dir,
        settings,
        derive_seed(seed, "base"),
        progress=runtime.progress(label),
    )
    draft.note(report)


@stage("base_model", version=1)
def adopt_base(runtime: Runtime, draft: Draft, label: str, *, checkpoint: Source) -> None:
    """A local checkpoint as the base generator, used in place."""
    draft.external = checkpoint.path


@stage("checkpoint", version=1)
def convert_gguf(runtime: Runtime, draft: Draft, label: str, *, file: Source) -> None:
    """A GGUF file's model as a plain checkpoint."""
    call = (Path(file.path), draft.model_dir)
    (report,) = runtime.workers.map("mucode_core.generator.gguf:convert_gguf", [call])
    draft.note(report)
