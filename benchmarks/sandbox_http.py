"""The sandbox through HTTP against the sandbox in this process: programs per second, and what a flood does to a server.

    python -m benchmarks.sandbox_http --data DIR [--per-round 400] [--rounds 3] [--workers 2]
    python -m benchmarks.sandbox_http --data DIR --flood 10000

Jobs are those of `benchmarks.sandbox`. Both ways run on the same jobs in turn, so that a busy machine slows both; the
ratio is per round, its median over the rounds. In a flood all jobs, half of them hostile, are in flight at once from 64
connections: none may be lost or doubled.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import psutil

from benchmarks.sandbox import make_jobs
from mucode_core.sandbox import Job, ProcessSandbox, Sandbox
from mucode_core.sandbox.base import Verdicts
from mucode_core.sandbox.remote.client import HttpSandbox
from mucode_core.sandbox.remote.messages import write_job, write_problem

_CONNECTIONS = 64
_HOSTILE = (
    "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)",
    "x = [0] * 10**9",
    "import sys\nsys.stdout.write('x' * 10**6)\nraise SystemExit(0)",
    "def recurse(): recurse()\nrecurse()",
    "import os\nos._exit(0)",
)


@contextmanager
def serve(workers: int, max_queue: int) -> Generator[tuple[str, int]]:
    """A server of the process sandbox: its URL and process id."""
    command = [sys.executable, "-m", "mucode_flows.cli", "sandbox", "serve", "--backend", "process", "--port", "0"]
    options = ["--workers", str(workers), "--max-queue", str(max_queue)]
    process = subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        url = next(line.split()[-1] for line in process.stderr if line.startswith("serving on "))
        drain = subprocess.Popen(["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL)
        yield url, process.pid
        drain.kill()
    finally:
        process.terminate()
        process.wait()


def measure(sandbox: Sandbox, jobs: list[Job]) -> tuple[float, list[Verdicts]]:
    """Programs per second, and the verdicts."""
    began = time.perf_counter()
    verdicts = list(sandbox.run(jobs))
    return len(jobs) / (time.perf_counter() - began), verdicts


def compare(jobs: list[Job], url: str, workers: int, rounds: int, per_round: int) -> None:
    """Prints the rates and their ratio."""
    rates: list[tuple[float, float]] = []
    with ProcessSandbox(workers) as local, HttpSandbox([url]) as remote:
        for sandbox in (local, remote):
            list(sandbox.run(jobs[:20]))  # starts the zygote with numpy
        for number in range(rounds):
            chosen = random.Random(number).sample(jobs, min(per_round, len(jobs)))
            chosen = [replace(job, code=f"{job.code}\n# round {number}") for job in chosen]  # prevents cached verdicts
            ways = [local, remote] if number % 2 else [remote, local]
            found = {id(sandbox): measure(sandbox, chosen) for sandbox in ways}
            (here, own), (there, theirs) = found[id(local)], found[id(remote)]
            assert own == theirs, "the verdicts differ"
            rates.append((here, there))
            print(f"round {number}: in process {here:.0f}/s, through HTTP {there:.0f}/s, ratio {there / here:.2f}")
    medians = [statistics.median(column) for column in zip(*rates, strict=True)]
    ratio = statistics.median(there / here for here, there in rates)
    print(f"medians: in process {medians[0]:.0f}/s, through HTTP {medians[1]:.0f}/s, ratio {ratio:.2f}")


async def flood(jobs: list[Job], url: str, count: int) -> Counter[str]:
    """Sends `count` jobs at once over many connections; how many verdicts came for each id."""
    found: Counter[str] = Counter()
    lines = [write_job(_flooding(jobs, number), str(number), write_problem(jobs[number % len(jobs)]))
             for number in range(count)]  # fmt: skip
    headers = {"Content-Type": "application/x-ndjson"}

    async def send(http: aiohttp.ClientSession, part: list[bytes]) -> None:
        async with http.post(f"{url}/v1/verdicts", data=b"\n".join(part), headers=headers) as answer:
            answer.raise_for_status()
            async for line in answer.content:
                found[json.loads(line)["id"]] += 1

    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as http:
        await asyncio.gather(*(send(http, lines[start::_CONNECTIONS]) for start in range(_CONNECTIONS)))
    return found


def _flooding(jobs: list[Job], number: int) -> Job:
    job = jobs[number % len(jobs)]
    hostile = f"{_HOSTILE[number // 2 % len(_HOSTILE)]}\n" if number % 2 else ""
    return replace(job, code=f"{hostile}{job.code}\n# {number}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="directory of mbpp.jsonl and humanevalpack_python.jsonl"
    )
    parser.add_argument("--per-round", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--flood", type=int, default=0, help="send so many jobs at once instead")
    args = parser.parse_args()
    jobs = make_jobs(args.data)
    with serve(args.workers, max(args.flood, 10_000)) as (url, pid):
        if not args.flood:
            compare(jobs, url, args.workers, args.rounds, args.per_round)
            return
        server = psutil.Process(pid)
        before, began = server.memory_info().rss >> 20, time.perf_counter()
        found = asyncio.run(flood(jobs, url, args.flood))
        seconds, after = time.perf_counter() - began, server.memory_info().rss >> 20
        doubled = sum(count > 1 for count in found.values())
        print(f"{args.flood} jobs: {args.flood - len(found)} lost, {doubled} doubled, {args.flood / seconds:.0f}/s")
        print(f"server: {before} MB before, {after} MB after")


if __name__ == "__main__":
    main()
