"""Multi-turn best-of-N search with your own sampler: anything that has `sample` is one.

python examples/search_by_hand.py
"""

import random
from collections.abc import Sequence

from mucode_core.config import SandboxConfig
from mucode_core.method.search import SearchPlan, search
from mucode_core.problems import make_problems
from mucode_core.prompts import make_completion, render_code
from mucode_core.sampling.base import SampleRequest
from mucode_core.sandbox import Limits, open_sandbox
from mucode_core.sandbox.grading import grade_programs
from mucode_core.types import Completion, Problem, SamplingParams, Verdict


class GuessingSampler:
    """Knows every solution, and writes it three times out of ten."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self._solutions = {p.problem_id: p.reference_solution or "" for p in problems}

    def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
        """One completion for each request; the same for the same seed."""
        return [self._write(request) for request in requests]

    def _write(self, request: SampleRequest) -> Completion:
        knows = random.Random(request.seed).random() < 0.3
        code = self._solutions[request.problem_id] if knows else f"def guess():\n    return {request.seed}"
        return make_completion(render_code(code), "stop", len(code))


def main() -> None:
    """Compares one sample in a turn with five, over three turns, where public tests select."""
    problems = make_problems("test", 8, seed=1)
    with open_sandbox(SandboxConfig(backend="process", num_workers=1)) as sandbox:

        def grade(rows: Sequence[tuple[Problem, str | None]]) -> list[tuple[Verdict, Verdict]]:
            return list(grade_programs(sandbox, rows, limits=Limits(), feedback="full"))

        rows = search(
            problems,
            GuessingSampler(problems),
            grade,
            None,
            SearchPlan(("pt",), (1, 5), num_turns=3, num_searches=1, params=SamplingParams(0.8, 1.0, 256), seed=0),
        )
    for num_samples in (1, 5):
        answers = {row.problem_id: row.label for row in rows if row.num_samples == num_samples}  # the last turn's
        print(f"N = {num_samples}: {sum(answers.values())} of {len(answers)} problems solved")


if __name__ == "__main__":
    main()
