"""A problem: its statement and its tests (paper section 3)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

ProblemKind = Literal["assert", "stdin", "call"]


@dataclass(frozen=True, slots=True)
class StdinTest:
    """One test of a program that reads standard input."""

    input: str
    output: str
    """Expected standard output."""
    alternatives: tuple[str, ...] = ()
    """Other outputs that are right too."""


@dataclass(frozen=True, slots=True)
class CallTest:
    """One call of the entry point, as contest data sets store it."""

    arguments: str
    """JSON list of the positional arguments."""
    expected: str
    """JSON text of the value; tuples are lists in it."""
    alternatives: tuple[str, ...] = ()
    """JSON texts of other values that are right too."""

    def as_source(self, entry_point: str) -> str:
        """The test as a Python expression, such as `two_sum([2, 7], 9) == [0, 1]`."""
        owner, _, name = entry_point.rpartition(".")
        arguments = ", ".join(map(repr, _parse_verbatim(self.arguments)))
        return f"{owner}{'().' if owner else ''}{name}({arguments}) == {_parse_verbatim(self.expected)!r}"


class _Verbatim(str):
    """A number as it is written in JSON, which Python writes alike; it may have any number of digits."""

    __repr__ = str.__str__


def _parse_verbatim(text: str) -> Any:
    return json.loads(text, parse_int=_Verbatim, parse_float=_Verbatim)


CompareRule = Literal["tokens", "floats", "lines", "unordered", "exact"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How output or a returned value is compared with what is expected; for problems of kind stdin and call."""

    rule: CompareRule = "tokens"
    """Words between blanks; those with decimal numbers within `rtol` and `atol`; lines; lines (of a returned list:
    items) in any order; every character. Returned values are equal as JSON under `tokens`, `lines` and `exact`."""
    rtol: float = 1e-6
    """Of `floats`: relative tolerance where the expected word is a decimal number."""
    atol: float = 1e-6
    """Of `floats`: absolute tolerance there; the larger of both holds."""


TOKENS = Comparison()
Test = str | StdinTest | CallTest
"""A Python assert statement (or a suite of them), an input with its expected output, or a call with its value."""
ShownTest = str | StdinTest
"""A test as a prompt shows it; calls are shown as source."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A statement and its tests (paper section 3)."""

    problem_id: str
    dataset: str
    split: str
    prompt: str
    """The statement as the model reads it, without tests."""
    entry_point: str
    """Name of the function the tests call, or "Solution.method"; empty for stdin problems."""
    kind: ProblemKind
    setup: str
    """Trusted Python source for the tests, run after the program; of kind call, before it, in its process."""
    public_tests: tuple[Test, ...]
    """The only source of feedback; the prompt shows them if `tests_shown`."""
    private_tests: tuple[Test, ...]
    """Used for labels and metrics; never in a prompt."""
    reference_solution: str | None
    time_limit_s: float | None
    """CPU seconds for all tests of kind assert or call, or for each input; None uses the sandbox's default."""
    tests_shown: bool = True
    """Whether the prompt shows the public tests."""
    compare: Comparison = TOKENS
    checker: str | None = None
    """Python source of a program that decides whether an output is right; None compares by `compare`. It is run with
    the paths of three files, as testlib's checkers are: input, output, expected output; exit code 0 is right."""
    in_place: bool = False
    """Of kind call: what is judged is the first argument as the call leaves it, not the value that it returns."""
    prelude: str = ""
    """Python source that the data set puts before programs, such as imports and classes that the statement promises.
    It runs in the program's process, before the program and apart from it: line numbers are the program's own."""

    @property
    def shown_tests(self) -> tuple[ShownTest, ...]:
        """The tests that the prompt shows."""
        shown = self.public_tests if self.tests_shown else ()
        return tuple(test.as_source(self.entry_point) if isinstance(test, CallTest) else test for test in shown)


@dataclass(frozen=True, slots=True)
class RecordedProgram:
    """A program that a model wrote earlier, to be replayed."""

    problem_id: str
    code: str
