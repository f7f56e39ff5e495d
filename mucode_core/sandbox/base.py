"""What every sandbox offers: programs and tests in, verdicts out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self

from mucode_core.types import ProblemKind, Test, Verdict

FeedbackStyle = Literal["full", "brief"]


Verdicts = tuple[Verdict, Verdict]
"""Of the public tests, and of the private ones."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Budgets of one run of one program."""

    cpu_s: float = 2.0
    """CPU seconds for the program and all its tests; the wall limit is a looser multiple."""
    memory_mb: int = 512
    """Address space above what the interpreter itself holds."""
    output_mb: int = 64
    """Size of one answer, or of all that a program prints; all answers together may have eight times that."""


@dataclass(frozen=True, slots=True)
class Job:
    """One program to run against its tests."""

    code: str
    tests: tuple[Test, ...]
    kind: ProblemKind
    setup: str
    entry_point: str
    limits: Limits
    feedback: FeedbackStyle = "full"
    private_tests: tuple[Test, ...] = ()
    """Run after `tests`, by the same process and within the same budgets, and judged apart."""


class Sandbox(Protocol):
    """Runs untrusted programs. Tests are judged outside the program's process."""

    @property
    def isolation(self) -> str:
        """One line for the user: what is isolated, and what is not."""
        ...

    def run(self, jobs: Iterable[Job]) -> Iterator[Verdicts]:
        """The verdicts on `tests` and on `private_tests` of each job, in the order of the jobs, streamed; thread-safe.

        CPU seconds are the whole run's, counted in the first verdict. No private tests are passed, 0 of 0.

        Raises:
            SandboxError: When the machinery fails after retries; a failed program is a verdict.
        """
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
