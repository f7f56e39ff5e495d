"""A model's answers to problems in, rewards out: what all integrations share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from mucode_core.answers import asked_by, extract_program
from mucode_core.sandbox import Limits, Sandbox
from mucode_core.sandbox.grading import grade_programs
from mucode_core.types import Problem, Verdict

Kind = Literal["label", "share"]
"""Whether all tests passed, or which part of them."""


@dataclass(frozen=True)
class Rewards:
    """Rewards by public and private tests, judged outside the program's process.

    Args:
        sandbox: Runs the programs.
        kind: `label`: 1 if all tests passed, else 0; `share`: the part of the tests that passed. A pass that relies on
            comparisons by the program's own objects earns nothing, by either.
        limits: Budgets of a program, if its problem has none.
    """

    sandbox: Sandbox
    kind: Kind = "label"
    limits: Limits = field(default_factory=Limits)

    def of(self, answers: Iterable[tuple[Problem, str]]) -> list[float | None]:
        """The rewards of answers, in order; None where the problem's tests cannot be run: no answer is at fault.

        Args:
            answers: Problems, each with the whole text of a model's answer; the program is taken from it.

        Raises:
            SandboxError: The infrastructure failed; never because of a program.
        """
        rows = [(problem, _find_program(problem, text)) for problem, text in answers]
        verdicts = grade_programs(self.sandbox, rows, limits=self.limits, feedback="brief", on_bad_problem="skip")
        return [self._value(pair) for pair in verdicts]

    def _value(self, verdicts: Sequence[Verdict]) -> float | None:
        if any(verdict.status == "not_judged" for verdict in verdicts):
            return None
        if self.kind == "label" or any(verdict.num_delegated for verdict in verdicts):
            return float(all(verdict.is_label for verdict in verdicts))
        num_tests = sum(verdict.num_tests for verdict in verdicts)
        return sum(verdict.num_passed for verdict in verdicts) / num_tests if num_tests else 1.0


def _find_program(problem: Problem, text: str) -> str | None:
    return extract_program(text, asked_by(problem.prompt, problem.entry_point)).code
