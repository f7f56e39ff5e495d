"""Finds the problem that a prompt states: result files without ids have only the prompt."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

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
    """Problems by the sequences of words that no other problem's prompt has."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self._ids: list[str] = []
        owners: dict[tuple[str, ...], int | None] = {}
        for index, problem in enumerate(problems):
            self._ids.append(problem.problem_id)
            for sequence in sequences_of(problem.prompt, _WORDS):
                owners[sequence] = None if sequence in owners else index
        self._owners = {sequence: index for sequence, index in owners.items() if index is not None}
        self._counts = Counter(self._owners.values())

    def find(self, prompt: str) -> str | None:
        """The id of the one problem of whose own sequences the prompt holds more than half; None unless it is one."""
        shared = Counter(self._owners[s] for s in sequences_of(prompt, _WORDS) if s in self._owners)
        found = [index for index, count in shared.items() if 2 * count > self._counts[index]]
        return self._ids[found[0]] if len(found) == 1 else None
