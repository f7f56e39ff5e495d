"""Searches through `mucode serve` against the same searches in one batch, as an evaluation runs them.

    python -m benchmarks.serve RUN_DIR [--engine vllm] [--searches 32] [--rounds 3]

Both sides search for the same test problems of the run, N = 5, T = 3, and have to select the same programs. They take
turns; each round has other problems, since verdicts are cached. The server is another process; its clients are threads
of this one. Then: time to the first event of an idle server, and the time in which the searches of clients that leave
are gone.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import httpx

from mucode_core.config import VllmConfig
from mucode_core.method.search import SearchPlan, search
from mucode_core.prompts import render_code
from mucode_core.runs.directory import open_run
from mucode_core.solving import Solver
from mucode_core.types import Problem, SamplingParams, SearchRow

SEED = 0
SETTLING_S = 2.0
"""Before each measurement: an engine of vLLM polls for a while after its last request, on the cores of the other's."""


def search_in_one_batch(solver: Solver, problems: list[Problem]) -> tuple[float, list[str]]:
    """Seconds, and the answers."""
    options = solver.options
    plan = SearchPlan(
        selections=("pt+lv",),
        num_samples=(5,),
        num_turns=3,
        num_searches=1,
        params=SamplingParams(options.temperature, options.top_p, options.max_new_tokens),
        seed=SEED,
    )
    started = time.monotonic()
    sampler, grade, score = solver._sampler, solver._grade, solver._score  # pyright: ignore[reportPrivateUsage]
    rows: list[SearchRow] = search(problems, sampler, grade, score, plan)
    seconds = time.monotonic() - started
    return seconds, [render_code(row.program or "") for row in rows if row.stopped]


def search_served(client: httpx.Client, problems: list[Problem]) -> tuple[float, list[str]]:
    """Seconds, and the answers."""
    with ThreadPoolExecutor(len(problems)) as threads:
        started = time.monotonic()
        answers = list(threads.map(lambda one: ask(client, one), problems))
        return time.monotonic() - started, answers


@contextmanager
def serving(run: Path, engine: str) -> Generator[str]:
    """The URL of a server."""
    command = [
        sys.executable,
        "-m",
        "mucode_flows.cli",
        "serve",
        "--run",
        str(run),
        "--engine",
        engine,
        "--port",
        "0",
        "--sandbox",
        "process",
    ]
    with TemporaryFile("w+") as log:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert server.stdout is not None
        try:
            if not (announced := server.stdout.readline()):
                log.seek(0)
                sys.exit(f"the server did not start:\n{log.read()[-3000:]}")
            yield announced.split()[1].rstrip("/")
        finally:
            server.terminate()
            server.wait()


def make_body(problem: Problem, **more: Any) -> dict[str, Any]:
    fields = {"tests": "\n".join(map(str, problem.public_tests)), "problem_id": problem.problem_id, "n": 5, "turns": 3}
    messages = [{"role": "user", "content": problem.prompt}]
    return {"model": "mucode", "messages": messages, "seed": SEED, "mucode": fields} | more


def ask(client: httpx.Client, problem: Problem) -> str:
    answer = client.post("/v1/chat/completions", json=make_body(problem))
    if answer.is_error:
        sys.exit(f"HTTP {answer.status_code}: {answer.text}")
    return answer.json()["choices"][0]["message"]["content"]


def time_first_event(client: httpx.Client, problem: Problem) -> float:
    started = time.monotonic()
    with client.stream("POST", "/v1/chat/completions", json=make_body(problem, stream=True)) as answer:
        next(answer.iter_lines())
        return time.monotonic() - started


def time_leaving(client: httpx.Client, problems: list[Problem]) -> float:
    """Seconds from when all clients have left until the server searches no more."""
    streams = [client.stream("POST", "/v1/chat/completions", json=make_body(one, stream=True)) for one in problems]
    for stream in streams:
        next(stream.__enter__().iter_lines())
    for stream in streams:
        stream.__exit__(None, None, None)
    started = time.monotonic()
    while client.get("/health").json()["searches"]:
        time.sleep(0.01)
    return time.monotonic() - started


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--engine", choices=["transformers", "vllm"], default="transformers")
    parser.add_argument("--searches", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    files = open_run(given.run)
    (stage,) = [stage for stage in files.stages if stage.label == "problems · test"]
    everything = files.read(stage, Problem)[: given.searches * given.rounds]
    rounds = [everything[at : at + given.searches] for at in range(0, len(everything), given.searches)]
    engine = VllmConfig() if given.engine == "vllm" else None
    rates: list[tuple[float, float]] = []
    same = 0
    with (
        Solver.from_run(given.run, backend="process", vllm=engine) as solver,
        serving(given.run, given.engine) as url,
        httpx.Client(base_url=url, timeout=600) as client,
    ):
        solver.warm_up()
        first_s = time_first_event(client, everything[-1])
        for problems in rounds:
            time.sleep(SETTLING_S)
            batch_s, expected = search_in_one_batch(solver, problems)
            time.sleep(SETTLING_S)
            served_s, answers = search_served(client, problems)
            print(f"one batch {batch_s:.2f} s, served {served_s:.2f} s", flush=True)
            rates.append((len(problems) / batch_s, len(problems) / served_s))
            same += sum(map(str.__eq__, answers, expected))
        leaving_s = time_leaving(client, rounds[0])
    report(given.engine, rates)
    print(f"{same} of {len(everything)} programs equal")
    print(f"first event after {first_s:.3f} s; searches of clients that left end within {leaving_s:.3f} s")


def report(engine: str, rates: list[tuple[float, float]]) -> None:
    """Medians of all rounds; a ratio is of two sides of one round."""
    batch, served = map(statistics.median, zip(*rates, strict=True))
    ratios = sorted(served / batch for batch, served in rates)
    print(f"{engine}: one batch {batch:.2f} searches/s, served {served:.2f}")
    print(f"ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
