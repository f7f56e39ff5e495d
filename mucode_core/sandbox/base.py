"""What every sandbox offers: programs and tests in, verdicts out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self

from mucode_core.types import TOKENS, Comparison, ProblemKind, Test, Verdict, VerdictStatus

FeedbackStyle = Literal["full", "brief"]
OutputKind = Literal["value", "object", "nothing", "error", "timeout", "memory_exceeded", "output_exceeded"]


Verdicts = tuple[Verdict, Verdict]
"""Of the public tests, and of the private ones."""


UNCALLED = "no test called the program"
"""The feedback where tests passed that prove nothing, since they asked the program nothing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Budgets of one run of one program."""

    cpu_s: float = 2.0
    """CPU seconds for the program and all its asserts or calls, or each input; the wall limit is a looser multiple."""
    memory_mb: int = 512
    """Address space above what the interpreter itself holds."""
    output_mb: int = 64
    """Size of one answer, or of all that a program prints; all answers together may have eight times that."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a program gave for one input, to be compared with what others gave."""

    kind: OutputKind
    """`object`: something of the program's own, which cannot be compared. `nothing`: the program was not asked."""
    digest: str = ""
    """Of a value: equal for equal values; numbers with decimals are rounded."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What a program did with its input, not judged: its exit and its output are its own word."""

    status: VerdictStatus
    """`passed`: it ended by a plain exit."""
    exit_code: int
    printed: str
    error: str
    """What it raised, or which limit ended it."""
    cpu_s: float


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
    compare: Comparison = TOKENS
    """Of printed output, for inputs, and of returned values, for calls."""
    checker: str | None = None
    """Source of the program that decides on printed output; see `Problem.checker`."""
    in_place: bool = False
    """Calls are judged by their first argument; see `Problem.in_place`."""
    prelude: str = ""
    """Source that runs before the program, in its process; see `Problem.prelude`."""
    records: bool = False
    """The outputs for the inputs of `tests` are wanted, and no verdicts: what the tests expect is not used."""
    prints: bool = False
    """Of kind stdin, with one test: what the program prints is wanted, and no verdict: nothing is expected."""


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
            SandboxError: On an infrastructure failure that outlives the retries; a failed program is a verdict.
        """
        ...

    def observe(self, jobs: Iterable[Job]) -> Iterator[tuple[Output, ...]]:
        """The outputs of each job that `records`, one per test, in the order of the jobs, streamed; thread-safe.

        Raises:
            SandboxError: See `run`.
        """
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
