"""EvalPlus: directories of samples, and `*_eval_results.json`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mucode_core.errors import DataError, show
from mucode_core.evaluation.result_files.rows import SampleRow, convert_rows, read_json, take, take_id
from mucode_core.wording import count

UNJUDGEABLE = {"HumanEval/32": "EvalPlus 0.3.1 fails every program for HumanEval/32, its own reference included"}
"""By task, what a release of EvalPlus cannot judge."""


def is_sample_directory(path: Path) -> bool:
    """Whether it has directories such as `HumanEval_3` with programs."""
    return path.is_dir() and next(_programs(path), None) is not None


def _programs(path: Path) -> Iterator[Path]:
    return (file for task in sorted(path.iterdir()) if task.is_dir() for file in sorted(task.glob("*.py")))


def read_directory(path: Path) -> Iterator[SampleRow | DataError]:
    """`HumanEval_3/0.py`: tasks by name, the samples of one by number; the error of a program that cannot be read."""
    files = sorted(_programs(path), key=lambda file: (file.parent.name, len(file.stem), file.stem))
    return convert_rows(((str(file), file) for file in files), _read_program)


def _read_program(location: str, file: Path) -> Iterator[SampleRow]:
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot be read: {error}", location=location, hint="remove or fix it") from error
    yield SampleRow(location, file.parent.name.replace("_", "/", 1), text, "program")


def is_results(data: Any) -> bool:
    """Whether the content of a JSON file is that of `*_eval_results.json`."""
    tasks = data.get("eval") if isinstance(data, dict) else None
    return isinstance(tasks, dict) and (not tasks or any(isinstance(samples, list) for samples in tasks.values()))


def read_results(path: Path) -> Iterator[SampleRow | DataError]:
    """The samples of `*_eval_results.json`; a pass is one on the base tests and, where they ran, on the plus tests.

    An entry of another shape yields its error, with file, entry and field.

    Raises:
        DataError: The file cannot be read.
    """
    tasks = take(read_json(path), "eval", dict, str(path))
    entries = (
        (f"{path}: eval[{task_id!r}][{index}]", (str(task_id), sample))
        for task_id, samples in tasks.items()
        for index, sample in enumerate(samples if isinstance(samples, list) else [samples])
    )
    return convert_rows(entries, _read_result)


def _read_result(location: str, entry: tuple[str, Any]) -> Iterator[SampleRow]:
    task_id, sample = entry
    base = _status(take(sample, "base_status", str, location), "base_status", location)
    plus = sample.get("plus_status")
    extra = None if plus is None else _status(plus, "plus_status", location)
    passed = base and extra is not False
    yield SampleRow(
        location=location,
        task_id=take_id(sample, ("task_id",)) or task_id,
        text=take(sample, "solution", str, location),
        kind="program",
        score=float(passed),
        remark=UNJUDGEABLE[task_id] if task_id in UNJUDGEABLE and not passed else _remark(sample, plus),
    )


def _status(value: Any, field: str, location: str) -> bool:
    if value in ("pass", "fail", "timeout"):
        return value == "pass"
    hint = "evaluate the samples again with EvalPlus"
    raise DataError(f"{field}: {show(value)} is not pass, fail or timeout", location=location, hint=hint)


def _remark(sample: dict[str, Any], plus: Any) -> str:
    counts = {name: sample.get(f"{name}_fail_tests") for name in ("base", "plus")}
    failed = [
        count(len(tests), f"{name} input fails", f"{name} inputs fail")
        for name, tests in counts.items()
        if isinstance(tests, list) and tests
    ]
    return "; ".join([f"base {sample['base_status']}", *([f"plus {plus}"] if plus else []), *failed])
