"""Recognises whose result file it is, by its content."""

from __future__ import annotations

from functools import partial
from itertools import islice
from pathlib import Path

from mucode_core.errors import DataError, show
from mucode_core.evaluation.result_files import (
    evalplus,
    human_eval,
    inspect_ai,
    livecodebench,
    lm_eval,
    verifiers,
    verl,
)
from mucode_core.evaluation.result_files.rows import ResultFile, read_json
from mucode_core.problems.rows import Row, scan_rows

KNOWN = (
    "samples of human-eval or EvalPlus (.jsonl, .json with an array, or a directory), EvalPlus's *_eval_results.json, "
    "LiveCodeBench's custom output and *_eval_all.json, sample logs of lm-eval, logs of inspect_ai, "
    "rollouts of verifiers and verl"
)


def open_result_file(path: Path, metric: str | None = None) -> ResultFile:
    """A result file in the form that its content shows.

    Args:
        path: The file, or a directory of EvalPlus samples.
        metric: Of several verdicts the one to read: a metric of lm-eval, a scorer of inspect_ai; None takes the first.

    Raises:
        ConfigError: The library that reads the form is not installed.
        DataError: The form is unknown, the file cannot be read, or it has no such metric.
    """
    if path.is_dir():
        if evalplus.is_sample_directory(path):
            return ResultFile(path, "EvalPlus samples, one file each", partial(evalplus.read_directory, path))
        raise DataError("is a directory without programs", location=str(path), hint=f"name a file: {KNOWN}")
    if path.suffix == ".eval":
        return _open_log(path, metric)
    return _open_json(path, metric) if path.name.endswith((".json", ".json.gz")) else _open_lines(path, metric)


def _open_json(path: Path, metric: str | None) -> ResultFile:
    data = read_json(path)
    if inspect_ai.is_log(data):  # first: it has a field "eval", as EvalPlus's results do
        return _open_log(path, metric)
    if evalplus.is_results(data):
        return ResultFile(path, "EvalPlus results", partial(evalplus.read_results, path))
    if livecodebench.is_output(data):
        name = "LiveCodeBench results" if livecodebench.has_verdicts(data) else "LiveCodeBench output"
        return ResultFile(path, name, partial(livecodebench.read_output, path))
    if isinstance(data, list) and any(isinstance(entry, dict) for entry in data):  # the rows of a .jsonl file
        return _open_lines(path, metric)
    found = f"an object with {', '.join(map(str, islice(data, 5)))}" if isinstance(data, dict) else show(data)
    raise DataError(f"has no known format: {found}", location=str(path), hint=f"known are {KNOWN}")


def _open_lines(path: Path, metric: str | None) -> ResultFile:
    first = _first_row(path)
    fields = first.keys()
    if fields >= lm_eval.FIELDS:
        return _open_lm_eval(path, metric)
    if fields >= verl.FIELDS:
        return ResultFile(path, "verl rollouts", partial(verl.read_rollouts, path))
    if fields >= verifiers.FIELDS and "task_id" not in fields:
        return ResultFile(path, "verifiers rollouts", partial(verifiers.read_rollouts, path))
    return ResultFile(path, _sample_form(first), partial(human_eval.read_samples, path))


def _first_row(path: Path) -> Row:
    """The first line that is a row: a line before it is reported where rows are read."""
    unreadable: DataError | None = None
    for _, row in scan_rows(path):
        if not isinstance(row, DataError):
            return row
        unreadable = unreadable or row
    raise unreadable or DataError("no samples", location=str(path), hint="name a file with samples")


def _sample_form(row: Row) -> str:
    if "passed" in row:
        return "human-eval results"
    return "human-eval samples" if "completion" in row else "EvalPlus samples"


def _open_lm_eval(path: Path, metric: str | None) -> ResultFile:
    choice = lm_eval.choose(path, metric)
    remarks = [f"verdicts are the metric {choice.metric}, of {', '.join(choice.metrics)}"] if choice.metrics[1:] else []
    if choice.filters[1:]:
        remarks.append(f"rows are those of the filter {choice.filter}, of {', '.join(choice.filters)}")
    return ResultFile(path, "lm-eval samples", partial(lm_eval.read_samples, path, choice), tuple(remarks))


def _open_log(path: Path, metric: str | None) -> ResultFile:
    log = inspect_ai.read_log(path)
    scorers = inspect_ai.scorers_of(log)
    if metric is not None and metric not in scorers:
        hint = f"name one of {', '.join(scorers)}" if scorers else "the log has no verdicts"
        raise DataError(f"no scorer {metric!r}", location=str(path), hint=hint)
    scorer = metric or (scorers[0] if scorers else "")
    remarks = [f"verdicts are those of the scorer {scorer}, of {', '.join(scorers)}"] if scorers[1:] else []
    if log.status != "success":
        remarks.append(f"the evaluation did not finish: its status is {log.status}")
    return ResultFile(path, "inspect_ai log", partial(inspect_ai.read_samples, log, path, scorer), tuple(remarks))
