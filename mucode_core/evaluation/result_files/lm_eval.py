"""lm-eval-harness: sample logs `samples_<task>_<date>.jsonl` of `--log_samples`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mucode_core.errors import DataError, show
from mucode_core.evaluation.result_files.rows import SampleRow, convert_rows, score_of, take, take_id
from mucode_core.problems.rows import scan_rows

FIELDS = frozenset({"doc_id", "doc", "resps", "filtered_resps"})
"""What a row has at least."""
_IDS = ("task_id", "question_id", "problem_id", "id", "name")
_FILTER_OF_OLD = "none"
"""Before filters were logged there was one."""


@dataclass(frozen=True)
class Choice:
    """Of a log, which filter and which metric are read."""

    filter: str
    metric: str
    """Empty where the log has none."""
    filters: tuple[str, ...]
    metrics: tuple[str, ...]


def choose(path: Path, metric: str | None) -> Choice:
    """The first filter that has the metric; the first metric of the log unless one is named ("pass@1").

    A log has a row for each document and filter. "pass@1,create_test" names both, as lm-eval's own results do.

    Raises:
        DataError: The log has no such metric.
    """
    found: dict[str, list[str]] = {}
    for _, row in scan_rows(path):
        if isinstance(row, DataError) or not isinstance(row.get("filter", ""), str):
            continue  # `read_samples` reports it
        named = row.get("metrics")
        names = named if isinstance(named, list) else _numbers(row)
        known = found.setdefault(row.get("filter", _FILTER_OF_OLD), [])
        known += [name for name in names if isinstance(name, str) and name not in known]
    wanted_filter = None
    if metric is not None and (parts := metric.rpartition(","))[2] in found:
        metric, wanted_filter = parts[0], parts[2]
    metrics = tuple(dict.fromkeys(name for names in found.values() for name in names))
    if metric is not None and metric not in metrics:
        hint = f"name one of {', '.join(metrics)}" if metrics else "the log has no verdicts"
        raise DataError(f"no metric {metric!r}", location=str(path), hint=hint)
    chosen = metric or (metrics[0] if metrics else "")
    with_it = [name for name, names in found.items() if chosen in names or not chosen]
    with_it = [wanted_filter] if wanted_filter in with_it else with_it
    return Choice(with_it[0] if with_it else _FILTER_OF_OLD, chosen, tuple(found), metrics)


def _numbers(row: dict[str, Any]) -> list[str]:
    """Older logs do not list their metrics."""
    return [name for name, value in row.items() if isinstance(value, float | bool)]


def _filter_of(row: dict[str, Any], location: str) -> str:
    return take(row, "filter", str, location) if "filter" in row else _FILTER_OF_OLD


def read_samples(path: Path, choice: Choice) -> Iterator[SampleRow | DataError]:
    """The filtered responses; of a task without filters these are the model's answers.

    A row of another shape, or of a document that the log has twice, yields its error with line and field.
    """
    seen: dict[str, str] = {}

    def convert(location: str, row: dict[str, Any]) -> Iterator[SampleRow]:
        if _filter_of(row, location) != choice.filter:
            return
        doc = take(row, "doc", dict, location)
        doc_id = take_id(row, ("doc_id",))
        first = seen.setdefault(doc_id, location)
        if first != location:
            line = first.rpartition(":")[2]
            problem, hint = f"doc_id: {doc_id!r} is on line {line} too", "name the log of one run of one task"
            raise DataError(problem, location=location, hint=hint)
        for index, text in enumerate(_texts(row, location)):
            yield SampleRow(
                location=f"{location}: filtered_resps[{index}]",
                task_id=take_id(doc, _IDS) or doc_id,
                text=text,
                kind="answer",
                score=_score(row, choice.metric, location),
                remark=f"{choice.metric} {row[choice.metric]}" if choice.metric else "",
                prompt=_prompt_of(row),
            )

    return convert_rows(scan_rows(path), convert)


def _score(row: dict[str, Any], metric: str, location: str) -> float | None:
    if not metric:
        return None
    score = score_of(row.get(metric))
    if score is None:
        hint = "name another metric by --metric"
        raise DataError(f"{metric}: {show(row.get(metric))} is not a number", location=location, hint=hint)
    return score


def _texts(row: dict[str, Any], location: str) -> list[str]:
    """One text per repetition: a filter may leave a text, or a list of texts per request."""
    found: list[str] = []
    for one in take(row, "filtered_resps", list, location):
        found += [text for text in (one if isinstance(one, list) else [one]) if isinstance(text, str)]
    if not found:
        hint = "code is graded from tasks that generate text (output_type: generate_until)"
        raise DataError(f"filtered_resps: {show(row['filtered_resps'])} holds no text", location=location, hint=hint)
    return found


def _prompt_of(row: dict[str, Any]) -> str:
    arguments = row.get("arguments")
    first = arguments.get("gen_args_0") if isinstance(arguments, dict) else None
    text = first.get("arg_0") if isinstance(first, dict) else None
    return text if isinstance(text, str) else ""
