"""Problems that occur in two splits: a model would be tested on what it was trained on."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mucode_core.types import Problem

_RANKS = {"train": 0, "validation": 1, "test": 2}
"""Of two copies the one of the higher rank stays."""
_NO_WORD = re.compile(r"\W+")


@dataclass(frozen=True)
class Leak:
    """A problem and its copy in a split that is measured on."""

    problem: Problem
    copy: Problem


def find_leaks(problems: Sequence[Problem]) -> list[Leak]:
    """Problems of 'train' that occur in 'validation' or 'test' too, and those of 'validation' that occur in 'test'.

    Two problems are the same where their prompts agree but for case, punctuation and spacing, or where their reference
    solutions have the same syntax tree. Other splits are not looked at.
    """
    seen: dict[str, Problem] = {}
    leaks: list[Leak] = []
    ranked = [problem for problem in problems if problem.split in _RANKS]
    for problem in sorted(ranked, key=lambda p: -_RANKS[p.split]):
        keys = _keys(problem)
        copies = [seen[key] for key in keys if key in seen]
        if copies and copies[0].split != problem.split:
            leaks.append(Leak(problem, copies[0]))
        for key in keys:
            seen.setdefault(key, problem)
    return leaks


def leave_out_leaks(problems: Sequence[Problem]) -> list[Problem]:
    """The problems without those that `find_leaks` names; the test split stays whole."""
    leaked = {leak.problem.problem_id for leak in find_leaks(problems)}
    return [problem for problem in problems if problem.problem_id not in leaked]


def _keys(problem: Problem) -> list[str]:
    keys = [f"prompt {_NO_WORD.sub(' ', problem.prompt.casefold()).strip()}"]
    if problem.reference_solution is not None:
        try:
            keys.append(f"solution {ast.dump(ast.parse(problem.reference_solution))}")
        except (SyntaxError, ValueError, RecursionError):  # some solutions of contests are Python 2
            keys.append(f"solution {problem.reference_solution}")
    return keys
