"""What `mucode compare` takes: run directories, graded samples, and result files of other tools, as outcome tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mucode_core.errors import ConfigError, DataError, PathError
from mucode_core.evaluation.comparison import Tables, final_tables
from mucode_core.evaluation.graded_figures import read_graded
from mucode_core.evaluation.outcomes import FINAL, OUTCOMES, Decoding, OutcomeTable, read_outcomes
from mucode_core.evaluation.result_files.forms import open_result_file
from mucode_core.evaluation.result_files.rows import ResultFile, SampleRow

SAMPLES = Decoding(FINAL, "samples", 1)
"""The decoding strategy of a result file: the mean of a problem's samples, however they were drawn."""


def name_sides(paths: Sequence[Path]) -> list[str]:
    """A short name for each: the file's, with as many of its folders as distinguish them.

    Raises:
        ConfigError: A path is named twice.
    """
    whole = [path.resolve() for path in paths]
    if twice := [path for path, count in Counter(whole).items() if count > 1]:
        raise ConfigError("is named twice", location=str(twice[0]), hint="name different results")
    for depth in range(1, max(len(path.parts) for path in whole) + 1):
        names = ["/".join(path.parts[-depth:]) for path in whole]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in whole]


def read_tables(
    paths: Mapping[str, Path],
    metric: str | None,
    say: Callable[[str], None],
    *,
    bad_rows: list[DataError] | None = None,
) -> dict[str, Tables]:
    """The outcomes of each run or file.

    Tools spell the ids of one data set differently ("HumanEval/3", "humanevalplus/3"): where two share no id and the
    parts after the last slash are unique, these are compared.

    Args:
        paths: By name.
        metric: See `open_result_file`.
        say: Shows remarks to the user.
        bad_rows: Takes the errors of rows that are no sample or have no verdict, which are then omitted; None stops at
            the first.

    Raises:
        DataError: A file is invalid, or has no verdicts.
    """
    sides = {name: _read(path, metric, say, bad_rows) for name, path in paths.items()}
    ids = [set(table.problem_ids) for tables in sides.values() for table in tables.values()]
    if all(ids) and not set[str].intersection(*ids):
        short = [[problem_id.rpartition("/")[2] for problem_id in one] for one in ids]
        if all(len(set(one)) == len(one) for one in short) and set[str].intersection(*map(set, short)):
            return {name: {key: _shorten(t) for key, t in tables.items()} for name, tables in sides.items()}
        _require_ids(paths.values(), metric)
    return sides


def _require_ids(paths: Iterable[Path], metric: str | None) -> None:
    """Refuses to compare problems that are known by their prompts with problems that are known by their ids.

    Raises:
        DataError: Some of the files have ids, and one has none.
    """
    with_ids = {path: _has_ids(path, metric) for path in paths}
    nameless = [path for path, has_ids in with_ids.items() if not has_ids]
    if nameless and len(nameless) < len(with_ids):
        named = next(path for path, has_ids in with_ids.items() if has_ids)
        hint = "grade it with `mucode grade`, which finds problems by their prompts, and compare the Parquet file"
        raise DataError(f"its rows have no ids, but those of {named} have", location=str(nameless[0]), hint=hint)


def _has_ids(path: Path, metric: str | None) -> bool:
    if path.is_dir() or path.suffix == ".parquet":
        return True
    rows = open_result_file(path, metric).rows()
    return any(row.task_id for row in rows if isinstance(row, SampleRow))


def _shorten(table: OutcomeTable) -> OutcomeTable:
    return replace(table, problem_ids=tuple(problem_id.rpartition("/")[2] for problem_id in table.problem_ids))


def _read(path: Path, metric: str | None, say: Callable[[str], None], bad_rows: list[DataError] | None) -> Tables:
    if path.is_dir() and ((path / OUTCOMES).exists() or (path / "result.json").exists()):
        return final_tables(read_outcomes(path))
    if path.suffix == ".parquet":
        graded = read_graded(path)
        say(f"{path}: graded samples")
        return {SAMPLES: _tabulate((row.problem_id, float(row.passed)) for row in graded)}
    if not path.exists():
        raise PathError("no such file or directory", location=str(path), hint="name a run or a result file")
    source = open_result_file(path, metric)
    for remark in (f"{path}: {source.form}", *source.remarks):
        say(remark)
    return {SAMPLES: _tabulate(_scores(source, bad_rows))}


def _scores(source: ResultFile, bad_rows: list[DataError] | None) -> Iterator[tuple[str, float]]:
    errors: list[DataError] = []
    has_verdicts = False
    for row in source.rows():
        if isinstance(row, SampleRow) and row.share is not None:
            has_verdicts = True
            yield row.key, row.share
            continue
        hint = "grade it with `mucode grade` and compare the Parquet file"
        error = row if isinstance(row, DataError) else DataError("has no verdict", location=row.location, hint=hint)
        if bad_rows is None:
            raise error
        errors.append(error)
    if errors and not has_verdicts:
        raise errors[0]
    if bad_rows is not None:
        bad_rows += errors


def _tabulate(scores: Iterable[tuple[str, float]]) -> OutcomeTable:
    found: dict[str, list[float]] = {}
    for problem_id, score in scores:
        found.setdefault(problem_id, []).append(score)
    searches, correct = ([[float(f(values))] for values in found.values()] for f in (len, sum))
    shape = (len(found), 1)
    nothing = np.zeros(shape)
    tables = (np.array(searches).reshape(shape), np.array(correct).reshape(shape))
    return OutcomeTable(tuple(found), *tables, nothing, nothing, nothing, nothing)
