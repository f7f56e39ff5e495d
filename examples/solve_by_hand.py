"""Search for a program with your own generator: anything that has `sample` is one.

python examples/solve_by_hand.py
"""

from collections.abc import Sequence

from mucode_core.config import SandboxConfig
from mucode_core.prompts import make_completion, render_code
from mucode_core.sampling.base import SampleRequest
from mucode_core.sandbox import open_sandbox
from mucode_core.solving import SearchOptions, SolvedTurn, Solver, make_problem
from mucode_core.types import Completion, SamplingParams


class LearningSampler:
    """Subtracts at first, and adds once feedback says that this is wrong."""

    def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
        """One completion for each request."""
        return [self._write("+" if request.turn_index else "-") for request in requests]

    def _write(self, operator: str) -> Completion:
        code = f"def add(a, b):\n    return a {operator} b"
        return make_completion(render_code(code), "stop", len(code))


def show(turn: SolvedTurn) -> None:
    """Prints what a turn found."""
    print(f"turn {turn.turn_index + 1}: {turn.selected.verdict.status}")


def main() -> None:
    """Solves one problem in two turns."""
    problem = make_problem("Write a function that adds two numbers.", "assert add(1, 2) == 3")
    with open_sandbox(SandboxConfig(backend="process", num_workers=1)) as sandbox:
        solution = Solver(LearningSampler(), sandbox, options=SearchOptions(num_samples=2)).solve(problem, watch=show)
    print(solution.program)


if __name__ == "__main__":
    main()
