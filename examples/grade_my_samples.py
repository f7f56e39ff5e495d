"""Execute programs from anywhere in the sandbox, and report pass@1 and pass@2.

python examples/grade_my_samples.py
"""

from mucode_core.config import SandboxConfig
from mucode_core.evaluation.metrics import bootstrap, pass_at_k
from mucode_core.problems import make_problems
from mucode_core.sandbox import Limits, open_sandbox
from mucode_core.sandbox.grading import grade_programs


def main() -> None:
    """Grades two programs for each of three problems: the reference, and one that cannot be correct."""
    problems = make_problems("test", 3, seed=0)
    programs = {p.problem_id: [p.reference_solution, "def other():\n    return None"] for p in problems}
    rows = [(problem, program) for problem in problems for program in programs[problem.problem_id]]

    with open_sandbox(SandboxConfig(backend="process", num_workers=1)) as sandbox:
        print(f"isolation: {sandbox.isolation}")
        verdicts = list(grade_programs(sandbox, rows, limits=Limits(cpu_s=2.0), feedback="full"))

    num_correct = dict.fromkeys(programs, 0)
    for (problem, _), (public, private) in zip(rows, verdicts, strict=True):
        num_correct[problem.problem_id] += public.passed and private.passed
        print(f"{problem.problem_id}: {private.status}, {private.num_passed} of {private.num_tests} private tests")
    for k in (1, 2):
        interval = bootstrap([pass_at_k(2, c, k) for c in num_correct.values()], num_resamples=1000, seed=0)
        print(f"pass@{k} {interval.value:.2f} [{interval.low:.2f}, {interval.high:.2f}]")


if __name__ == "__main__":
    main()
