"""What every sandbox offers: programs and tests in, verdicts out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self

from mucode_core.types import ProblemKind, Test, Verdict

FeedbackStyle = Literal["full", "brief"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Budgets of one run of one program."""

    cpu_s: float = 2.0
    """CPU seconds for the program and all its tests; the wall limit is a looser multiple."""
    memory_mb: int = 512
    """Address space above what the interpreter itself holds."""
    output_mb: int = 32
    """Bytes the program may send to the judge."""


@dataclass(frozen=True, slots=True)
class Job:
    """One program to run against one set of tests."""

    code: str
    tests: tuple[Test, ...]
    kind: ProblemKind
    setup: str
    entry_point: str
    limits: Limits
    feedback: FeedbackStyle = "full"


class Sandbox(Protocol):
    """Runs untrusted programs. Tests are judged outside the program's process."""

    @property
    def isolation(self) -> str:
        """One line for the user: what is isolated, and what is not."""
        ...

    def run(self, jobs: Iterable[Job]) -> Iterator[Verdict]:
        """One verdict a job, in the order of the jobs, streamed; thread-safe.

        Raises:
            SandboxError: When the machinery fails after retries; a failed program is a verdict.
        """
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
