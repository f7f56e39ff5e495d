"""The program with which a search or rollout ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FinalProgram:
    """The last program of one attempt at a problem."""

    problem_id: str
    program: str | None
    """None where the model wrote none."""
    label: bool
    """Whether it passed all tests in the run."""
