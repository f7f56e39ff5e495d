"""Duplicates across splits: a model would be tested on problems that it was trained on."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from hashlib import blake2b

from mucode_core.answers.syntax import parse_module
from mucode_core.types import Problem

_RANKS = {"train": 0, "validation": 1, "test": 2}
"""The duplicate in the split of higher rank is kept."""
_NO_WORD = re.compile(r"\W+")


@dataclass(frozen=True, slots=True)
class Seen:
    """A problem by its id and split."""

    problem_id: str
    split: str


@dataclass(frozen=True, slots=True)
class Leak:
    """A problem and its duplicate in a split of higher rank."""

    problem: Seen
    copy: Seen


class LeakSearch:
    """Looks for problems that occur in several splits, while they pass by; keeps only digests and ids.

    Two problems are duplicates if their prompts agree except for case, punctuation and spacing, or if their reference
    solutions have the same syntax tree. Splits other than 'train', 'validation' and 'test' are ignored.
    """

    def __init__(self) -> None:
        self._first: dict[bytes, list[Seen]] = {}
        self._ranked: list[tuple[Seen, tuple[bytes, ...]]] = []

    def add(self, problem: Problem) -> None:
        """Takes note of a problem."""
        if problem.split not in _RANKS:
            return
        seen = Seen(problem.problem_id, problem.split)
        keys = tuple(blake2b(key.encode(errors="surrogatepass"), digest_size=12).digest() for key in _keys(problem))
        self._ranked.append((seen, keys))
        for key in keys:
            kept = self._first.setdefault(key, [])
            if all(one.split != seen.split for one in kept):
                kept.append(seen)

    def leaks(self) -> list[Leak]:
        """Problems of 'train' that also occur in 'validation' or 'test', and of 'validation' that occur in 'test'."""
        found: list[Leak] = []
        for seen, keys in self._ranked:
            copies = [one for key in keys for one in self._first[key] if _RANKS[one.split] > _RANKS[seen.split]]
            if copies:
                found.append(Leak(seen, max(copies, key=lambda one: _RANKS[one.split])))
        return found

    def leaked_ids(self) -> set[str]:
        """Ids of the problems to exclude, so that the splits are disjoint and the test split stays whole."""
        return {leak.problem.problem_id for leak in self.leaks()}


def _keys(problem: Problem) -> list[str]:
    keys = [f"prompt {_NO_WORD.sub(' ', problem.prompt.casefold()).strip()}"]
    if problem.reference_solution is not None:
        try:
            keys.append(f"solution {ast.dump(parse_module(problem.reference_solution))}")
        except (SyntaxError, ValueError, RecursionError):  # some contest solutions are Python 2
            keys.append(f"solution {problem.reference_solution}")
    return keys
