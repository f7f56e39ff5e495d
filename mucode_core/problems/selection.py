"""Which of a data set's problems are used: by conditions, and at most so many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice
from pathlib import Path

from mucode_core.errors import ConfigError, DataError
from mucode_core.fingerprint import derive_seed
from mucode_core.problems.reading import ReadRow, is_member, read_with_rows, resolve
from mucode_core.problems.registry import find_dataset
from mucode_core.problems.rows import scan_rows
from mucode_core.problems.where import Condition, holds

_SHOWN = 10
"""Values of a field that are listed."""


@dataclass(frozen=True)
class Selection:
    """Conditions, and the size of a sample."""

    where: Sequence[Condition] = ()
    limit: int | None = None
    """None takes all."""
    seed: int | None = None
    """Of a random sample of `limit` problems; None takes the first."""

    def __post_init__(self) -> None:
        if self.seed is not None and self.limit is None:
            raise ConfigError("there is no sample without its size", location="--seed", hint="give --limit too")


def choose_ids(ids: Iterable[str], limit: int | None, seed: int | None) -> list[str]:
    """The ids of a sample: the first `limit`, or with a seed a random sample that does not depend on their order."""
    if limit is None or seed is None:
        return list(islice(ids, limit))
    return nsmallest(limit, ids, key=lambda one: (derive_seed(seed, "sample", one), one))


def no_match(name: str, path: Path, where: Sequence[Condition]) -> DataError | None:
    """The error of conditions that no row meets, with the most frequent values of their fields; None if one does."""
    dataset = find_dataset(resolve(name, path)[0])
    counts: dict[str, Counter[str]] = {condition.fact: Counter() for condition in where}
    for _, row in scan_rows(path):
        if isinstance(row, DataError) or not dataset.is_problem(row):
            continue
        try:
            facts = dataset.facts(row)
        except DataError:  # a row that is no problem
            continue
        if holds(where, facts):
            return None
        values = {"difficulty": (facts.difficulty,), "date": (facts.date,), "tags": facts.tags}
        for fact, count in counts.items():
            count.update(value for value in values[fact] if value)
    said = "; ".join(_list_values(fact, count) for fact, count in counts.items())
    return DataError("no row meets the conditions", location=str(path), hint=said)


def _list_values(fact: str, count: Counter[str]) -> str:
    if not count:
        return f"the rows have no {fact}"
    shown = sorted(value for value, _ in count.most_common(_SHOWN))
    return f"values of {fact} are {', '.join(shown)}" + (", ..." if len(count) > _SHOWN else "")


def select_problems(name: str, path: Path, selection: Selection) -> Iterator[ReadRow | DataError]:
    """The selected problems of a data set, in the file's order, and the errors of rows read on the way.

    A random sample reads the file twice.

    Raises:
        ConfigError: There is no such data set.
        DataError: The file cannot be opened, see `read_problems`; or no row meets the conditions.
    """
    is_empty = True
    for row in _select(name, path, selection):
        is_empty = is_empty and isinstance(row, DataError)
        yield row
    if is_empty and selection.where and (error := no_match(name, path, selection.where)):
        raise error


def _select(name: str, path: Path, selection: Selection) -> Iterator[ReadRow | DataError]:
    def read() -> Iterator[ReadRow | DataError]:
        rows = read_with_rows(name, path, where=selection.where)
        return (row for row in rows if isinstance(row, DataError) or is_member(name, row.problem))

    limit, seed = selection.limit, selection.seed
    if limit is not None and seed is not None:
        ids = (row.problem.problem_id for row in read() if isinstance(row, ReadRow))
        chosen = set(choose_ids(ids, limit, seed))
        yield from (row for row in read() if isinstance(row, DataError) or row.problem.problem_id in chosen)
        return
    count = 0
    for row in read():
        yield row
        count += isinstance(row, ReadRow)
        if count == limit:
            return
