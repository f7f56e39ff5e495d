"""Problems from a data set's file, one at a time."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from mucode_core.errors import ConfigError, DataError, ExcludedError, show
from mucode_core.problems.dataset import Dataset, Facts
from mucode_core.problems.registry import AUTO, find_dataset, recognise
from mucode_core.problems.rows import Row, fetch, read_rows, scan_rows
from mucode_core.problems.where import Condition, holds
from mucode_core.types import Problem

_log = logging.getLogger(__name__)


def hub_name(name: str) -> str:
    """A data set's name on the hub.

    Raises:
        ConfigError: There is no such data set, or it is not on the hub.
    """
    hub = None if name == AUTO else find_dataset(name).hub
    if hub is None:
        raise ConfigError(f"{name} is not on the hub", location="problems.data", hint="name its file")
    return hub.name


def find_data(name: str, data: str, cache: Path) -> Path:
    """The file of a data set: the given one, else a download from the hub, cached in `cache`.

    Raises:
        ConfigError: There is no such data set, or it is not on the hub.
        DataError: The hub cannot be reached.
    """
    if data:
        return Path(data)
    hub_name(name)
    hub = find_dataset(name).hub
    assert hub is not None  # its name was found
    return fetch(hub.name, hub.config, hub.splits, cache / f"{name}.jsonl")


def resolve(name: str, path: Path) -> tuple[str, str]:
    """The data set's own name, and for "auto" why the first row is of its form; otherwise an empty text.

    Raises:
        ConfigError: There is no such data set.
        DataError: The first line that is a row has no known form, or several; or there is no row.
    """
    if name != AUTO:
        find_dataset(name)
        return name, ""
    unreadable: DataError | None = None
    for location, row in scan_rows(path):
        if not isinstance(row, DataError):  # what comes before is reported where rows are read
            return recognise(row, location)
        unreadable = unreadable or row
    raise unreadable or DataError("no rows", location=str(path), hint="name a file that holds problems")


@dataclass(frozen=True)
class ReadRow:
    """A problem with the row that it was made from."""

    problem: Problem
    row: Row


def read_problems(
    name: str, path: Path, *, tests: str = "paper", where: Sequence[Condition] = ()
) -> Iterator[Problem | DataError]:
    """The problems of `read_with_rows`."""
    rows = read_with_rows(name, path, tests=tests, where=where)
    return (found if isinstance(found, DataError) else found.problem for found in rows)


def read_with_rows(
    name: str, path: Path, *, tests: str = "paper", where: Sequence[Condition] = (), are_unique: bool = True
) -> Iterator[ReadRow | DataError]:
    """Problems of all splits, in the file's order; a row that is none yields the error that says why in its place.

    One row is in memory at a time. Rows of other tasks are counted in one `ExcludedError` at the end.

    Args:
        name: The data set, or "auto".
        path: Its file, or a directory of files.
        tests: "paper", or "reference" for the published code's division into public and private tests.
        where: Conditions that all hold for the rows to read.
        are_unique: A row with the id of an earlier one is an error.

    Raises:
        ConfigError: There is no such data set.
        DataError: The file cannot be opened, or has only rows of other tasks; for "auto", see `resolve`.
    """
    found, _ = resolve(name, path)
    dataset = find_dataset(found)
    make = dataset.make_published if tests == "reference" and dataset.make_published else dataset.make
    seen: dict[bytes, tuple[str, str, bytes]] = {}
    others: Counter[str] = Counter()
    is_other = True
    for location, row in scan_rows(path):
        if isinstance(row, DataError):
            is_other = False
            yield row
            continue
        try:
            if name == AUTO:
                _require_form(row, found, location)
            if not dataset.is_problem(row):
                others[dataset.task_of(row)] += 1
                continue
            is_other = False
            if where and not holds(where, _facts_of(dataset, row, location)):
                continue
            problem = make(row, location)
            if are_unique:
                _require_new(problem, location, seen)
        except DataError as error:
            is_other = False
            yield error
        else:
            yield ReadRow(problem, row)
    if others:
        yield from _report_others(others, path, is_all=is_other)


def _report_others(others: Counter[str], path: Path, *, is_all: bool) -> Iterator[ExcludedError]:
    """What is said of rows of other tasks once the file has been read: how many of which.

    Raises:
        DataError: There are no other rows.
    """
    count = others.total()
    tasks = ", ".join(
        f"{task} ({number})" if len(others) > 1 else task for task, number in others.most_common(10) if task
    )
    problem = f"{count} {'rows' if count > 1 else 'row'} of other tasks" + (f" ({tasks})" if tasks else "")
    if is_all:
        hint = "name a file that holds programming problems"
        raise DataError(f"nothing but {problem}", location=str(path), hint=hint)
    yield ExcludedError(f"{problem} skipped", location=str(path), hint="their answers are not programs")


def _facts_of(dataset: Dataset, row: Row, location: str) -> Facts:
    """Raises:
    DataError: A field that conditions need cannot be read.
    """
    try:
        return dataset.facts(row)
    except DataError as error:
        raise DataError(error.problem, location=location, hint=error.hint) from error


def _require_form(row: Row, name: str, location: str) -> None:
    form, reason = recognise(row, location)
    if form != name:
        hint = "put rows of different forms into different files"
        raise DataError(f"the row is of {form}, because {reason}; the first is of {name}", location=location, hint=hint)


def _require_new(problem: Problem, location: str, seen: dict[bytes, tuple[str, str, bytes]]) -> None:
    """Refuses an id that an earlier row has, and says whether it has the same tests.

    `seen` holds digests, since there may be millions: of an id the file and line where it is, and the digest of its
    tests.
    """
    suite = (problem.kind, problem.entry_point, problem.setup, problem.prelude, problem.public_tests)
    tests = _digest(repr((suite, problem.private_tests, problem.compare, problem.checker, problem.in_place)))
    file, _, line = location.rpartition(":")
    found = (sys.intern(file), line, tests)
    first = seen.setdefault(_digest(problem.problem_id), found)
    if first is not found:  # lines of two files may have one number
        where = f"in {first[0]}:{first[1]}"
        if first[0] == file:
            where = f"in entry {first[1].strip()}" if first[1].startswith(" ") else f"on line {first[1]}"
        said = "with the same tests" if first[2] == tests else "with other tests"
        hint = "keep one row per problem: of two with the same id the first is used"
        raise DataError(f"{show(problem.problem_id)} is {where} too, {said}", location=location, hint=hint)


def _digest(text: str) -> bytes:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()


def strictly(problems: Iterator[Problem | DataError]) -> Iterator[Problem]:
    """The problems up to the first row that is none; those that cannot be judged here are excluded, with a warning.

    Raises:
        DataError: That row's.
    """
    for problem in problems:
        if isinstance(problem, ExcludedError):
            _log.warning("%s", problem)
        elif isinstance(problem, DataError):
            raise problem
        else:
            yield problem


def is_member(name: str, problem: Problem) -> bool:
    """Whether a problem of the file is in one of the splits that belong to the data set."""
    splits = find_dataset(problem.dataset if name == AUTO else name).splits
    return splits is None or problem.split in splits


def load_problems(name: str, path: Path, *, tests: str = "paper") -> list[Problem]:
    """All problems of a data set's file, in its order; `read_problems` does not hold them in memory.

    Args:
        name: The data set.
        path: Its file.
        tests: "paper", or "reference" for the published code's division into public and private tests.

    Raises:
        DataError: The file or a row is invalid (with file, line and field), or it holds no problem.
    """
    problems = [p for p in strictly(read_problems(name, path, tests=tests)) if is_member(name, p)]
    if not problems:
        raise DataError("no rows", location=str(path), hint=f"name the file that holds {name}")
    return problems


def read_declarations(name: str, path: Path, problems: Sequence[Problem]) -> dict[str, str]:
    """The text that completions continue, by problem id; empty for data sets whose completions are whole programs.

    Args:
        name: The data set.
        path: Its file.
        problems: The result of `load_problems` for it.
    """
    declaration = _dataset_of(name, problems).declaration
    if declaration is None:
        return {}
    return {p.problem_id: declaration(row) for p, (_, row) in zip(problems, read_rows(path), strict=True)}


def _dataset_of(name: str, problems: Sequence[Problem]) -> Dataset:
    return find_dataset(problems[0].dataset if name == AUTO else name)
