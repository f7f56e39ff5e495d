"""Finds the problem that a prompt states: result files without ids have only the prompt."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from functools import cached_property

from mucode_core.types import Problem

_NO_WORD = re.compile(r"\W+")
_WORDS = 6
"""Length of the sequences of words that are compared: long enough to be rare, short enough to survive a template."""


def words_of(text: str) -> list[str]:
    """The words, without case, punctuation and spacing."""
    return _NO_WORD.sub(" ", text.casefold()).split()


def sequences_of(text: str, length: int) -> set[tuple[str, ...]]:
    """Every sequence of so many consecutive words; of a shorter text, the text itself."""
    words = words_of(text)
    return {tuple(words[i : i + length]) for i in range(max(1, len(words) - length + 1))} if words else set()


class PromptIndex:
    """Problems by the sequences of words that no other problem's prompt has, and those whose prompt has none."""

    def __init__(self, problems: Collection[Problem]) -> None:
        self._ids: list[str] = []
        owners: dict[tuple[str, ...], int | None] = {}
        for index, problem in enumerate(problems):
            self._ids.append(problem.problem_id)
            for sequence in sequences_of(problem.prompt, _WORDS):
                owners[sequence] = None if sequence in owners else index
        self._owners = {sequence: index for sequence, index in owners.items() if index is not None}
        self._counts = Counter(self._owners.values())
        self._problems = problems

    @cached_property
    def _shared(self) -> dict[int, set[tuple[str, ...]]]:
        """The sequences of problems that have none of their own."""
        if len(self._counts) == len(self._ids):
            return {}
        numbered = enumerate(self._problems)
        return {index: sequences_of(one.prompt, _WORDS) for index, one in numbered if index not in self._counts}

    def find(self, prompt: str) -> str | None:
        """The id of the one problem of whose own sequences the prompt holds more than half; None unless it is one.

        A prompt whose sequences other problems have too is found where it is the same.
        """
        found = self._own(prompt) or self._same(prompt)
        return self._ids[found[0]] if len(found) == 1 else None

    def candidates(self, prompt: str) -> list[str]:
        """The ids of the problems that a prompt may be of, where it is not of one alone."""
        found = self._own(prompt) or self._same(prompt)
        if not found:
            given = sequences_of(prompt, _WORDS)
            found = [index for index, own in self._shared.items() if 2 * len(own & given) > len(own)]
        return [self._ids[index] for index in found]

    def _own(self, prompt: str) -> list[int]:
        shared = Counter(self._owners[s] for s in sequences_of(prompt, _WORDS) if s in self._owners)
        return [index for index, count in shared.items() if 2 * count > self._counts[index]]

    def _same(self, prompt: str) -> list[int]:
        given = sequences_of(prompt, _WORDS)
        return [index for index, own in self._shared.items() if own == given]
