"""inspect_ai: `.eval` and `.json` logs, read by its own library (extra `inspect`)."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from mucode_core.errors import ConfigError, DataError
from mucode_core.evaluation.result_files.rows import SampleRow, score_of

EvalLog = Any
EvalSample = Any
"""Types of a library that need not be installed."""


def is_log(data: Any) -> bool:
    """Whether the content of a JSON file is that of a log."""
    return isinstance(data, dict) and {"version", "status", "eval"} <= data.keys() and "hash" not in data


def read_log(path: Path) -> EvalLog:
    """The whole log.

    Raises:
        ConfigError: inspect_ai is not installed.
        DataError: The library cannot read the file, or the evaluation did not reach its samples.
    """
    try:
        library = import_module("inspect_ai.log")
    except ImportError as error:
        hint = 'pip install "mucode[inspect]"'
        raise ConfigError("logs of inspect_ai are read by inspect_ai", location=str(path), hint=hint) from error
    try:
        log: EvalLog = library.read_eval_log(str(path))
    except Exception as error:
        hint = "the file may be cut off: copy it again, or run `inspect log recover`"
        raise DataError(f"cannot be read: {error!r:.300}", location=str(path), hint=hint) from error
    if not log.samples:
        raise DataError(f"no samples; its status is {log.status}", location=str(path), hint="run the evaluation again")
    return log


def scorers_of(log: EvalLog) -> list[str]:
    """The scorers in the samples' order."""
    return list(dict.fromkeys(name for sample in log.samples or [] for name in sample.scores or {}))


def read_samples(log: EvalLog, path: Path, scorer: str) -> Iterator[SampleRow | DataError]:
    """The samples of a log, epochs one after the other as they are listed; one that ended in an error is wrong.

    Args:
        log: See `read_log`.
        path: Its file.
        scorer: Whose verdicts are taken; empty where nothing was scored.
    """
    for sample in log.samples or []:
        location = f"{path}: sample {sample.id!r}, epoch {sample.epoch}"
        score = (sample.scores or {}).get(scorer)
        yield SampleRow(
            location=location,
            task_id=str(sample.id),
            text=sample.output.completion,
            kind="answer",
            score=0.0 if sample.error else score_of(score.value) if score else None,
            remark=sample.error.message if sample.error else _remark(score),
            prompt=_prompt_of(sample),
        )


def _remark(score: Any) -> str:
    return "" if score is None else f"{score.value}"


def _prompt_of(sample: EvalSample) -> str:
    return sample.input if isinstance(sample.input, str) else "\n\n".join(message.text for message in sample.input)
