"""CPU per program, programs per second and agreement of verdicts: our sandboxes compared with other executors.

    python -m benchmarks.sandbox --data DIR [--per-round 400] [--rounds 3] [--workers 2]
    python -m benchmarks.sandbox --data DIR --programs 50000      memory at start and end of a long run

Jobs are the reference solutions of MBPP and HumanEvalPack, and as many that return None. Executors are interleaved on
the same jobs, so that a busy machine slows all alike; ratios are per round, medians over rounds. CPU is user + system
time of this process, its ended children, and its living descendants with their ended children; for our containers plus
the daemon's count; for `docker run` that of the whole machine, which must be idle.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import random
import resource
import statistics
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import psutil

from benchmarks.executors import LIMIT_S, Executor, as_calls, open_executors, run_evalplus
from mucode_core.errors import SandboxError
from mucode_core.problems import load_problems
from mucode_core.sandbox import Job, Limits
from mucode_core.sandbox.host.docker_daemon import connect, own_label


def make_jobs(data: Path) -> list[Job]:
    """References and mutants, interleaved."""
    limits = Limits(cpu_s=LIMIT_S)
    references = [
        Job(p.reference_solution or "", p.public_tests + p.private_tests, "assert", p.setup, p.entry_point, limits)
        for p in load_problems("mbpp", data / "mbpp.jsonl")
    ]
    for line in (data / "humanevalpack_python.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        code = row["declaration"] + row["canonical_solution"]
        references.append(Job(code, (row["test"],), "assert", "", row["entry_point"], limits))
    mutants = [replace(j, code=f"{j.code}\ndef {j.entry_point}(*args, **named): return None\n") for j in references]
    return [job for pair in zip(references, mutants, strict=True) for job in pair]


def machine_cpu_s() -> float:
    """CPU seconds so far of the whole machine."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - times.iowait


def cpu_s() -> float:
    """CPU seconds so far of this process, its descendants, and our containers."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    total = sum(usage.ru_utime + usage.ru_stime for usage in used)
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])
    return total + sum(stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9 for stats in container_stats())


def container_stats() -> list[dict[str, Any]]:
    """The daemon's CPU count of this process's containers."""
    try:
        client = connect()
    except SandboxError:
        return []
    with contextlib.closing(client):
        labels = [f"{name}={value}" for name, value in own_label().items()]
        found = client.containers.list(filters={"label": labels})
        return [cast("dict[str, Any]", one.stats(stream=False, one_shot=True)) for one in found]


@dataclass(frozen=True)
class Measured:
    """One executor in one round."""

    cpu_ms: float
    per_s: float
    agreement: float


def measure(executor: Executor, jobs: list[Job], truth: list[bool] | None) -> tuple[Measured, list[bool]]:
    """Runs the jobs; `truth` are the verdicts to compare with, by default its own."""
    chosen = jobs[:: executor.every]
    clock = machine_cpu_s if executor.of_machine else cpu_s
    cpu, started = clock(), time.perf_counter()
    verdicts = executor.execute(chosen)
    wall = time.perf_counter() - started
    cpu = clock() - cpu
    pairs = zip(verdicts, (truth or verdicts)[:: executor.every if truth else 1], strict=True)
    agreement = sum(a == b for a, b in pairs) / len(chosen)
    return Measured(1000 * cpu / len(chosen), len(chosen) / wall, agreement), verdicts


def compare(jobs: list[Job], executors: list[Executor], rounds: int, per_round: int) -> None:
    """Prints the table."""
    table: dict[str, list[Measured]] = {executor.name: [] for executor in executors}
    executors[0].execute(jobs[:20])  # warm-up: starts the zygote with numpy
    for number in range(rounds):
        chosen = random.Random(number).sample(jobs, min(per_round, len(jobs)))
        chosen = [replace(job, code=f"{job.code}\n# round {number}") for job in chosen]  # prevents cached verdicts
        truth = None
        for executor in executors:
            row, verdicts = measure(executor, chosen, truth)
            truth = truth or verdicts
            table[executor.name].append(row)
    first = table[executors[0].name]
    print(f"{rounds} rounds of {per_round} programs, medians; ratios to the {executors[0].name}")
    print(f"{'executor':28} {'CPU ms':>8} {'ratio':>7} {'programs/s':>11} {'ratio':>7} {'agreement':>10}")
    for executor in executors:
        rows = table[executor.name]
        cpu, rate = statistics.median(r.cpu_ms for r in rows), statistics.median(r.per_s for r in rows)
        more_cpu = statistics.median(r.cpu_ms / own.cpu_ms for r, own in zip(rows, first, strict=True))
        slower = statistics.median(own.per_s / r.per_s for r, own in zip(rows, first, strict=True))
        agreement = f"{100 * statistics.median(r.agreement for r in rows):.1f} %"
        part = f"  (1 program in {executor.every})" if executor.every > 1 else ""
        print(f"{executor.name:28} {cpu:8.2f} {more_cpu:7.1f} {rate:11.1f} {slower:7.1f} {agreement:>10}{part}")


def memory_mb() -> str:
    """Resident memory of all our processes, and of containers."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    sizes = [process.memory_info().rss >> 20 for process in processes]
    inside = sum(stats["memory_stats"].get("usage", 0) >> 20 for stats in container_stats())
    return f"{sum(sizes)} MB in {len(sizes)} processes {sizes}, {inside} MB in containers"


def run_long(jobs: list[Job], sandbox: Executor, count: int) -> None:
    """Runs `count` programs, no two the same, and prints memory along the way."""
    part = max(1, count // 10)
    started, done = time.perf_counter(), 0
    while done < count:
        size = min(part, count - done)
        batch = [jobs[i % len(jobs)] for i in range(done, done + size)]
        sandbox.execute([replace(job, code=f"{job.code}\n# {done + i}") for i, job in enumerate(batch)])
        done += size
        print(
            f"{sandbox.name}: {done} programs, {done / (time.perf_counter() - started):.0f}/s, {memory_mb()}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="directory of mbpp.jsonl and humanevalpack_python.jsonl"
    )
    parser.add_argument("--per-round", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--docker-every", type=int, default=20, help="`docker run` gets every n-th program")
    parser.add_argument("--programs", type=int, help="a long run of only our sandboxes, for memory")
    args = parser.parse_args()
    jobs = make_jobs(args.data)
    with open_executors(args.workers, args.docker_every) as executors:
        if args.programs:
            for executor in executors:
                if executor.name.endswith("sandbox"):
                    run_long(jobs, executor, args.programs)
            return
        compare(jobs, executors, args.rounds, args.per_round)
        if importlib.util.find_spec("evalplus") is None:
            print("evalplus: skipped, it is not installed")
            return
        print("\nprograms whose tests are all `assert f(literals) == literal`, which evalplus supports")
        ours = [executor for executor in executors if executor.name.endswith("sandbox")]
        evalplus = Executor("evalplus", partial(run_evalplus, args.workers))
        compare([job for job in jobs if as_calls(job)], [*ours, evalplus], args.rounds, args.per_round)


if __name__ == "__main__":
    main()
