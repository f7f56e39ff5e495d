"""Problems by id in bounded memory: a data set may be larger than the machine's."""

from __future__ import annotations

import pickle
import tempfile
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from sys import intern

from mucode_core.types import Problem

_IN_MEMORY = 2**26
"""Bytes up to which a data set needs no file, and bytes of problems that are kept unpacked."""


@dataclass(frozen=True, slots=True)
class Head:
    """What of every problem is in memory."""

    dataset: str
    split: str
    start: int
    """Where in the file it begins."""
    packed: int
    """Bytes there."""


class StoredProblems(Mapping[str, Problem]):
    """Problems by id, in the order in which they were added; all but those last used are in a temporary file."""

    def __init__(self, problems: Iterable[Problem] = (), folder: Path | None = None) -> None:
        """Begins with the given problems.

        Args:
            problems: Added as they come.
            folder: For the temporary file, which only large data sets have; None is the system's.
        """
        self.heads: dict[str, Head] = {}
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=folder and str(folder))  # noqa: SIM115  # lives as long as this
        self._end = 0
        self._time_limits: dict[str, float | None] = {}
        self._recent: OrderedDict[str, tuple[Problem, int]] = OrderedDict()
        """The problems last used, each with its bytes."""
        self._recent_size = 0
        for problem in problems:
            self.add(problem)

    def add(self, problem: Problem) -> None:
        """Adds a problem, whose id must be new."""
        packed = zlib.compress(pickle.dumps(problem, pickle.HIGHEST_PROTOCOL), 1)
        self._file.seek(self._end)
        self._file.write(packed)
        head = Head(intern(problem.dataset), intern(problem.split), self._end, len(packed))
        self.heads[problem.problem_id] = head
        self._end += len(packed)

    def limit_time(self, problem_id: str, seconds: float | None) -> None:
        """Sets the time limit of a problem."""
        self._time_limits[problem_id] = seconds
        _, size = self._recent.pop(problem_id, (None, 0))
        self._recent_size -= size

    def __getitem__(self, problem_id: str) -> Problem:
        if problem_id in self._recent:
            self._recent.move_to_end(problem_id)
            return self._recent[problem_id][0]
        head = self.heads[problem_id]
        self._file.seek(head.start)
        whole = zlib.decompress(self._file.read(head.packed))
        problem: Problem = pickle.loads(whole)  # noqa: S301  # written by `add`
        if problem_id in self._time_limits:
            problem = replace(problem, time_limit_s=self._time_limits[problem_id])
        self._recent[problem_id] = problem, len(whole)
        self._recent_size += len(whole)
        while self._recent_size > _IN_MEMORY:
            _, (_, size) = self._recent.popitem(last=False)
            self._recent_size -= size
        return problem

    def __contains__(self, problem_id: object) -> bool:
        return problem_id in self.heads

    def __iter__(self) -> Iterator[str]:
        return iter(self.heads)

    def __len__(self) -> int:
        return len(self.heads)
