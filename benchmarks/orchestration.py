"""Overhead of Prefect: many shards of trivial work as a flow, and the same shards in a plain thread pool.

    python -m benchmarks.orchestration [--shards 1000] [--work-s 0.5] [--threads 16] [--rounds 2] [--database URL ...]

A shard waits for `--work-s` seconds, as a shard of a real run waits for a sampler or a sandbox, and publishes an
artifact of one row. Both sides build the same artifacts in separate stores, interleaved in one run. The server's
database is SQLite, and then each `--database` (postgresql+asyncpg://user:password@host/name). Also measured: a second
run of the flow with all shards cached, and the memory of the flow's process over time.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from mucode_core.store.artifacts import ArtifactStore
from mucode_core.store.draft import Draft
from mucode_core.types import VerifierPair

if TYPE_CHECKING:
    from mucode_tasks.engine.run_context import Runtime

ROOT = Path(__file__).resolve().parents[1]
_NUM_READINGS = 10
_ROW = VerifierPair("problem", "prompt", "chosen", "rejected")


@dataclass(frozen=True)
class Plan:
    """One run's size."""

    shards: int
    work_s: float
    threads: int


def build_shard(draft: Draft, work_s: float) -> None:
    """The trivial work of a shard."""
    time.sleep(work_s)
    draft.write_rows([_ROW], VerifierPair)


def run_plainly(plan: Plan, root: Path) -> float:
    """Seconds for all shards in a thread pool."""
    from mucode_tasks.engine.stage_inputs import make_recipe

    store = ArtifactStore(root)

    def one(index: int) -> None:
        recipe = make_recipe("shards", 1, {"index": index, "work_s": plan.work_s})
        if store.find(recipe) is None:
            with store.build(recipe) as draft:
                build_shard(draft, plan.work_s)
        store.ref(recipe)

    started = time.perf_counter()
    with ThreadPoolExecutor(plan.threads) as pool:
        list(pool.map(one, range(plan.shards)))
    return time.perf_counter() - started


def run_as_flow(plan: Plan, root: Path) -> tuple[float, list[float]]:
    """Seconds for all shards as stages of a flow; MiB of this process at tenths of the way."""
    from mucode_tasks.engine.run_context import Runtime
    from mucode_tasks.engine.stage import stage
    from prefect import flow
    from prefect.task_runners import ThreadPoolTaskRunner

    from mucode_core.config import SandboxConfig
    from mucode_core.evaluation.run_record import StageName
    from mucode_core.sandbox import open_sandbox
    from mucode_core.system.worker_pool import WorkerPool

    @stage("shards", version=1)
    def shard(runtime: Runtime, draft: Draft, label: str, index: int, work_s: float) -> None:
        build_shard(draft, work_s)

    @flow(name="orchestration", task_runner=ThreadPoolTaskRunner(max_workers=plan.threads))  # pyright: ignore
    def many_shards() -> list[float]:
        runtime = Runtime(ArtifactStore(root), WorkerPool(1), lambda: open_sandbox(SandboxConfig(backend="process")))
        futures = [
            shard.submit(runtime, StageName("work", shard_index=i, num_shards=plan.shards), index=i, work_s=plan.work_s)
            for i in range(plan.shards)
        ]
        memory: list[float] = []
        for done, future in enumerate(futures, 1):
            future.result()
            if done % max(1, plan.shards // _NUM_READINGS) == 0:
                memory.append(read_memory())
        runtime.close()
        return memory

    started = time.perf_counter()
    memory = many_shards()
    return time.perf_counter() - started, memory


def read_memory() -> float:
    """Resident MiB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(plan: Plan, rounds: int) -> dict[str, list[float]]:
    """Both sides interleaved, in this process."""
    figures: dict[str, list[float]] = {"plain": [], "flow": [], "again": [], "memory": []}
    with tempfile.TemporaryDirectory() as directory:
        for index in range(rounds):
            figures["plain"].append(run_plainly(plan, Path(directory, f"plain-{index}")))
            seconds, memory = run_as_flow(plan, Path(directory, f"flow-{index}"))
            figures["flow"].append(seconds)
            figures["again"].append(run_as_flow(plan, Path(directory, f"flow-{index}"))[0])
            figures["memory"] = figures["memory"] or memory
    return figures


@contextlib.contextmanager
def serving(database: str | None) -> Generator[dict[str, str]]:
    """A Prefect server on a database; yields the environment of its users."""
    with tempfile.TemporaryDirectory() as home:
        port = _find_port()
        quiet = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / "deployments" / "quiet.env").read_text(), re.MULTILINE))
        api = f"http://127.0.0.1:{port}/api"
        own = {"PREFECT_HOME": home, "PREFECT_API_URL": api, "PREFECT_LOGGING_LEVEL": "ERROR"}
        environment = os.environ | quiet | own
        if database:
            environment["PREFECT_API_DATABASE_CONNECTION_URL"] = database
        command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            _wait_until_healthy(api, server)
            yield environment
        finally:
            server.terminate()
            server.wait(60)


def _find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_healthy(api: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(360):
        if server.poll() is not None:
            raise SystemExit("the Prefect server did not start: see above")
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{api}/health").is_success:
                return
        time.sleep(0.5)
    raise SystemExit("the Prefect server did not answer within 3 minutes")


def show(name: str, plan: Plan, figures: dict[str, list[float]]) -> None:
    """Prints the results of one database."""
    plain, run, again = (statistics.median(figures[key]) for key in ("plain", "flow", "again"))
    print(f"{name}: {plan.shards} shards of {plan.work_s} s in {plan.threads} threads")
    print(f"  plain {plain:.1f} s, flow {run:.1f} s (all: {', '.join(f'{s:.1f}' for s in figures['flow'])})")
    shard_ms = (run - plain) / plan.shards * 1e3
    print(f"  orchestration: {1 - plain / run:.1%} of the wall time, {shard_ms:.0f} ms per shard")
    print(f"  all cached: {again:.1f} s")
    readings = " ".join(f"{mib:.0f}" for mib in figures["memory"])
    print(f"  memory of the flow's process after each tenth, MiB: {readings}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--shards", type=int, default=1000)
    parser.add_argument("--work-s", type=float, default=0.5)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--database", action="append", default=[], help="PostgreSQL URL, in addition to SQLite")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    plan = Plan(arguments.shards, arguments.work_s, arguments.threads)
    if arguments.inside:
        print(json.dumps(measure(plan, arguments.rounds)))
        return
    for database in (None, *arguments.database):
        with serving(database) as environment:
            command = [sys.executable, "-m", "benchmarks.orchestration", "--inside", *sys.argv[1:]]
            done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        show("PostgreSQL" if database else "SQLite", plan, json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
