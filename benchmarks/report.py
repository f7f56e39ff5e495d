"""The HTML report at scale: seconds to write, file size, memory, and seconds to open in Chromium, if installed.

    python -m benchmarks.report --data DIR [--problems 1000] [--rollouts 15] [--turns 3]

The rollouts are real programs for MBPP, recorded from several models, with feedback of typical length.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import resource
import tempfile
from dataclasses import replace
from pathlib import Path

from mucode_core.problems import load_problems
from mucode_core.reports.html import write_html
from mucode_core.types import Completion, Rollout, Turn, Verdict, VerifierScore
from tests.support.report_runs import choice_of, write_run
from tests.support.webdriver import has_browser, open_browser


def read_programs(path: Path) -> list[tuple[str, bool, bool]]:
    """Program, public pass, private pass."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [(row["code"], bool(row["pass_public"]), bool(row["pass_all"])) for row in rows]


def make_turn(index: int, drawn: tuple[str, bool, bool], draw: random.Random) -> Turn:
    code, public, private = drawn
    feedback = "" if public else f"assert f({draw.randrange(10**6)}) == {draw.randrange(10**6)}\ngot None\n" * 3
    verdicts = (Verdict("passed" if ok else "failed", int(ok), 1, feedback, 0.01) for ok in (public, private))
    return Turn(index, Completion(f"```python\n{code}\n```", code, "stop", len(code) // 3), *verdicts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--problems", type=int, default=1000)
    parser.add_argument("--rollouts", type=int, default=15)
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    draw = random.Random(0)
    known = load_problems("mbpp", arguments.data / "mbpp.jsonl")
    problems = [replace(known[i % len(known)], problem_id=f"mbpp/{i}") for i in range(arguments.problems)]
    programs = read_programs(arguments.data / "mbpp_samples_multi.jsonl.gz")
    rollouts = [
        Rollout(
            f"{p.problem_id}/{k}", p.problem_id, 0, "g", k, 0,
            tuple(make_turn(turn, draw.choice(programs), draw) for turn in range(arguments.turns)), "max_turns",
        )
        for p in problems
        for k in range(arguments.rollouts)
    ]  # fmt: skip
    scores = [VerifierScore(r.rollout_id, t.turn_index, "v", draw.gauss(0, 1)) for r in rollouts for t in r.turns]
    choices = [choice_of(rollout, 0, 0.5) for rollout in rollouts[:: arguments.rollouts]]
    with tempfile.TemporaryDirectory() as location:
        run = write_run(Path(location) / "run", problems, rollouts, scores, choices)
        del rollouts, scores, problems
        written = write_html(run, Path(location) / "report.html")
        print(f"{written.num_problems} problems, {written.num_rollouts} rollouts of {arguments.turns} turns")
        print(f"written in {written.seconds:.1f} s, {written.num_bytes / 1e6:.1f} MB", end="")
        print(f", peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB")
        if not has_browser():
            print("opening: not measured, chromium or chromedriver is not installed")
            return
        with open_browser(Path(location) / "profile") as browser:
            print(f"opened in {browser.open(written.path):.2f} s, including the list of problems")


if __name__ == "__main__":
    main()
