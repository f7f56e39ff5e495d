"""Overlap of two data sets: problems that have a prompt, a reference solution or tests in common."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Literal

from mucode_core.answers.syntax import parse_module
from mucode_core.errors import ConfigError, DataError, ExcludedError
from mucode_core.problems.overlap.program_shapes import assert_shapes, program_shape
from mucode_core.problems.overlap.prompt_index import sequences_of, words_of
from mucode_core.problems.reading import find_data, is_member, read_with_rows, resolve
from mucode_core.problems.registry import AUTO, DATASETS, find_dataset
from mucode_core.problems.selection import no_match
from mucode_core.problems.where import Condition
from mucode_core.types import CallTest, Problem, StdinTest, Test

By = Literal["prompt", "13-grams", "solution", "tests"]
_GRAM = 13
"""Words in a row; the length that contamination reports count (Brown et al. 2020, appendix C)."""
_COMMON = 10
"""Sequences and tests that more problems of a data set have are boilerplate, as there."""


@dataclass(frozen=True, slots=True)
class Source:
    """A data set to compare."""

    name: str
    """Of the data set, or "auto"."""
    path: Path
    where: Sequence[Condition] = ()
    """Conditions that all hold for the rows to compare."""

    def problems(self) -> Iterator[tuple[Problem, str] | DataError]:
        """Each problem with its date, empty where the row has none; a row that is no problem yields its error."""
        dataset = find_dataset(resolve(self.name, self.path)[0])
        is_empty = True
        for found in read_with_rows(self.name, self.path, where=self.where, are_unique=False):
            if isinstance(found, DataError):
                yield found
            elif is_member(self.name, found.problem):
                is_empty = False
                yield found.problem, dataset.facts(found.row).date
        if is_empty and self.where and (error := no_match(self.name, self.path, self.where)):
            raise error


def find_source(text: str, cache: Path) -> Source:
    """A data set by what a user writes: a file or directory, NAME=FILE, or a name on the hub.

    Raises:
        ConfigError: It is none of these.
        DataError: The hub cannot be reached.
    """
    if Path(text).exists():
        return Source(AUTO, Path(text))
    name, equals, path = text.partition("=")
    if equals and name in DATASETS and Path(path).exists():
        return Source(name, Path(path))
    if equals or name not in DATASETS:
        hint = "name a file, NAME=FILE, or a data set of docs/problems.md"
        raise ConfigError(f"{text!r} is neither a file nor a data set", location="problems overlap", hint=hint)
    return Source(name, find_data(name, "", cache))


@dataclass(frozen=True, slots=True)
class Match:
    """Two problems that have something in common."""

    first: str
    """Problem of the first data set."""
    second: str
    by: By
    shared: int
    """13-grams or tests in common; 1 of a prompt or solution."""
    share: float
    """Of those that the problem with fewer of them has."""


@dataclass
class Side:
    """Counts of one data set."""

    num_problems: int = 0
    num_before: int = 0
    """Dated before the cut-off: a model may have seen them."""
    num_after: int = 0
    num_undated: int = 0
    bad_rows: list[str] = field(default_factory=list[str])
    excluded: list[str] = field(default_factory=list[str])
    """What no program can be judged by: rows of other tasks, counted together, and problems named one by one."""


@dataclass
class OverlapReport:
    """What two data sets have in common."""

    first: Side
    second: Side
    matches: list[Match]

    def count(self) -> dict[str, int]:
        """By kind, the problems of the first data set that match any of the second; "any" are all of them."""
        kinds: dict[str, set[str]] = {}
        for match in self.matches:
            kinds.setdefault(match.by, set()).add(match.first)
            kinds.setdefault("any", set()).add(match.first)
        return {kind: len(ids) for kind, ids in kinds.items()}


def find_overlap(first: Source, second: Source, *, min_share: float = 0.5, cutoff: str = "") -> OverlapReport:
    """Compares every problem of the first data set with all of the second.

    Prompts match whole (without case, punctuation and spacing) or by their 13-grams, reference solutions by their
    syntax trees with normalised names, tests one by one. Of the second data set only digests are kept.

    Args:
        first: A data set.
        second: Another, or the same one: then a problem does not match itself.
        min_share: Least share of 13-grams or tests in common.
        cutoff: ISO date; counts the problems before and after it.

    Raises:
        DataError: A file cannot be opened.
    """
    sides = (Side(), Side())
    index = _Index()
    for problem in _count(second.problems(), sides[1], cutoff):
        index.add(problem)
    is_same = is_one(first, second)
    matches: list[Match] = []
    for problem in _count(first.problems(), sides[0], cutoff):
        found = index.matches(problem, min_share)
        matches += [match for match in found if not is_same or match.first < match.second]
    return OverlapReport(*sides, matches)


def is_one(first: Source, second: Source) -> bool:
    """Whether both are the same files, however their paths are written."""
    return first.path.resolve() == second.path.resolve()


def _count(problems: Iterable[tuple[Problem, str] | DataError], side: Side, cutoff: str) -> Iterator[Problem]:
    for found in problems:
        if isinstance(found, ExcludedError):
            side.excluded.append(f"{found.location}: excluded: {found.problem}")
            continue
        if isinstance(found, DataError):
            side.bad_rows.append(str(found))
            continue
        problem, date = found
        side.num_problems += 1
        if cutoff:
            side.num_undated += not date
            side.num_before += bool(date) and date < cutoff
            side.num_after += bool(date) and date >= cutoff
        yield problem


class _Index:
    """Digests of what the problems of a data set consist of."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._whole: dict[By, dict[bytes, list[int]]] = {"prompt": {}, "solution": {}}
        self._parts: dict[By, dict[bytes, list[int]]] = {"13-grams": {}, "tests": {}}
        self._sizes: dict[By, list[int]] = {"13-grams": [], "tests": []}

    def add(self, problem: Problem) -> None:
        number = len(self._ids)
        self._ids.append(problem.problem_id)
        for by, digests in _whole_of(problem).items():
            for digest in digests:
                self._whole[by].setdefault(digest, []).append(number)
        for by, digests in _parts_of(problem).items():
            self._sizes[by].append(len(digests))
            for digest in digests:
                self._parts[by].setdefault(digest, []).append(number)

    def matches(self, problem: Problem, min_share: float) -> Iterator[Match]:
        for by, digests in _whole_of(problem).items():
            for number in (n for digest in digests for n in self._whole[by].get(digest, [])):
                yield Match(problem.problem_id, self._ids[number], by, 1, 1.0)
        for by, digests in _parts_of(problem).items():
            yield from self._partly(problem.problem_id, by, digests, min_share)

    def _partly(self, problem_id: str, by: By, digests: set[bytes], min_share: float) -> Iterator[Match]:
        held = [self._parts[by].get(digest, []) for digest in digests]
        rare = [numbers for numbers in held if len(numbers) <= _COMMON]
        num_common = len(held) - len(rare)
        for number, shared in sorted(Counter(n for numbers in rare for n in numbers).items()):
            smaller = max(shared, min(len(digests) - num_common, self._sizes[by][number]))
            if shared / smaller >= min_share:
                yield Match(problem_id, self._ids[number], by, shared, shared / smaller)


def _whole_of(problem: Problem) -> dict[By, list[bytes]]:
    found: dict[By, list[bytes]] = {"prompt": [_digest(" ".join(words_of(problem.prompt)))], "solution": []}
    if problem.reference_solution is not None:
        found["solution"] = [_digest(program_shape(problem.reference_solution))]
    return found


def _parts_of(problem: Problem) -> dict[By, set[bytes]]:
    grams = (" ".join(gram) for gram in sequences_of(problem.prompt, _GRAM) if len(gram) == _GRAM)
    tests = (*problem.public_tests, *problem.private_tests)
    shapes = (shape for test in tests for shape in _shapes_of(test, problem.entry_point))
    return {"13-grams": {_digest(gram) for gram in grams}, "tests": {_digest(shape) for shape in shapes}}


def _shapes_of(test: Test, entry_point: str) -> list[str]:
    if isinstance(test, StdinTest):
        return [f"{' '.join(test.input.split())} -> {' '.join(test.output.split())}"]
    if isinstance(test, CallTest):
        return [_call_shape(test)]
    return assert_shapes(test, entry_point)


def _call_shape(test: CallTest) -> str:
    """In the form of an assert with literals, so that both kinds of tests of one problem match."""
    try:
        arguments, expected = json.loads(test.arguments), json.loads(test.expected)
    except (ValueError, RecursionError):
        return f"{test.arguments} -> {test.expected}"
    call = f"f({', '.join(repr(argument) for argument in arguments)})"
    return ast.unparse(parse_module(f"assert {call} == {expected!r}"))


def _digest(text: str) -> bytes:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
