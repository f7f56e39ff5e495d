"""CPU per program and agreement of verdicts: this build's sandbox compared with that of another checkout.

    python -m benchmarks.sandbox_builds OTHER --data DIR [--backend process] [--per-round 400] [--rounds 5]

OTHER is a checkout with its own `.venv`. Each build runs in a process of its own interpreter with one worker; rounds
alternate between the two, on the same jobs: reference solutions of MBPP and HumanEvalPack, and as many that return
None. CPU is user + system time of that process, its descendants and its containers. Ratios are per round.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sandbox import make_jobs

_SIDE = """
import json, resource, sys
import psutil
from mucode_core.config import make_config
from mucode_core.sandbox import Job, Limits, open_sandbox

def cpu_s():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    total = sum(usage.ru_utime + usage.ru_stime for usage in used)
    for child in psutil.Process().children(recursive=True):
        total += sum(child.cpu_times()[:4])
    for container in containers():
        total += container.stats(stream=False, one_shot=True)["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9
    return total

def containers():
    if sys.argv[1] == "process":
        return []
    import docker
    mine = f":{psutil.Process().pid}:"
    found = docker.from_env().containers.list(filters={"label": "mucode.sandbox.owner"})
    return [one for one in found if mine in one.labels["mucode.sandbox.owner"]]

limits = Limits(cpu_s=float(sys.argv[2]))
settings = make_config({"sandbox": {"backend": sys.argv[1], "num_workers": 1}}).sandbox
sandbox = open_sandbox(settings)
for line in sys.stdin:
    jobs = [Job(row[0], tuple(row[1]), "assert", row[2], row[3], limits) for row in json.loads(line)]
    before = cpu_s()
    verdicts = list(sandbox.run(jobs))
    used = cpu_s() - before
    passed = [(v.public if hasattr(v, "public") else v[0]).passed for v in verdicts]
    print(json.dumps([used, passed]), flush=True)
"""
"""Runs in either build: it uses what the sandbox's interface has always had."""


@dataclass
class Build:
    """A checkout's sandbox, in a process of its own."""

    process: subprocess.Popen[str]

    def run(self, jobs: list[tuple[str, tuple[str, ...], str, str]]) -> tuple[float, list[bool]]:
        """CPU seconds per program, and which programs passed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(jobs) + "\n")
        self.process.stdin.flush()
        used, passed = json.loads(self.process.stdout.readline())
        return used / len(jobs), passed

    def close(self) -> None:
        """Ends the process and its sandbox."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def open_build(checkout: Path, backend: str, limit_s: float) -> Build:
    """Starts a build's sandbox."""
    python = checkout / ".venv" / "bin" / "python"
    if not python.exists():
        sys.exit(f"{python} is not there: run `make` targets in {checkout} once, or `make .venv/.installed`")
    command = [str(python), "-c", _SIDE, backend, str(limit_s)]
    return Build(subprocess.Popen(command, cwd=checkout, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("other", type=Path)
    parser.add_argument(
        "--data", type=Path, required=True, help="directory of mbpp.jsonl and humanevalpack_python.jsonl"
    )
    parser.add_argument("--backend", choices=["process", "container"], default="process")
    parser.add_argument("--per-round", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    made = make_jobs(given.data)
    jobs = [(job.code, tuple(map(str, job.tests)), job.setup, job.entry_point) for job in made]
    costs: list[tuple[float, float]] = []
    agree = total = 0
    with ExitStack() as stack:
        sides = [open_build(path, given.backend, made[0].limits.cpu_s) for path in (Path.cwd(), given.other)]
        for side in sides:
            stack.callback(side.close)
            side.run(jobs[:20])  # starts zygotes
        for number in range(given.rounds):
            chosen = random.Random(number).sample(jobs, min(given.per_round, len(jobs)))
            marked = [(f"{code}\n# {number}", tests, setup, name) for code, tests, setup, name in chosen]  # not cached
            order = (0, 1) if number % 2 else (1, 0)
            found = {index: sides[index].run(marked) for index in order}
            costs.append((found[0][0], found[1][0]))
            agree += sum(a == b for a, b in zip(found[0][1], found[1][1], strict=True))
            total += len(marked)
    ratios = sorted(ours / theirs for ours, theirs in costs)
    for name, side in zip(("this build", "the other"), zip(*costs, strict=True), strict=True):
        print(f"{name}: {1000 * statistics.median(side):.2f} ms of CPU per program")
    spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
    print(f"ratio {statistics.median(ratios):.2f} ({spread}); {agree} of {total} verdicts agree")


if __name__ == "__main__":
    main()
