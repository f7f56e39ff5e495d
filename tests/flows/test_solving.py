"""What a finished run has trained, used by `mucode solve` and from Python."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from openai import OpenAI

from mucode_core.evaluation.run_record import best_of
from mucode_core.fingerprint import derive_seed
from mucode_core.prompts import render_code
from mucode_core.runs.directory import open_run
from mucode_core.solving import Solver
from mucode_core.types import Problem, SearchRow
from tests.conftest import REPO
from tests.flows.conftest import environment, find_children, serving

pytestmark = pytest.mark.slow


def selected(run: Path) -> tuple[list[SearchRow], dict[str, Problem], int]:
    """What the run's own evaluation selected as its searches ended; the problems by id; the seed of the samples."""
    files = open_run(run)
    config = files.config
    step = best_of((config.evaluation.best_of_n,))
    (searched,) = [stage for stage in files.stages if (stage.group, stage.step) == ("final", step)]
    rows = [row for row in files.read(searched, SearchRow) if row.selection == "pt+lv" and row.stopped]
    (problems,) = [files.read(stage, Problem) for stage in files.stages if stage.label == "problems · test"]
    by_id = {problem.problem_id: problem for problem in problems}
    return rows, by_id, derive_seed(config.run.seed, "best-of-n")


def test_a_solver_selects_what_the_runs_evaluation_selected(undisturbed: tuple[Path, dict[str, Any]]) -> None:
    rows, by_id, seed = selected(undisturbed[0])
    with Solver.from_run(undisturbed[0]) as solver:
        options = replace(solver.options, seed=seed)
        for row in rows[:6]:
            assert solver.solve(by_id[row.problem_id], options).program == row.program


def test_a_statement_with_its_tests_is_solved(undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    statement = tmp_path / "statement.txt"
    statement.write_text(
        "Write a function to negate each number, and return the list.\nassert solve([1, 2]) == [-1, -2]"
    )
    command = [sys.executable, "-m", "mucode_flows.cli", "solve", str(statement), "--run", str(undisturbed[0])]
    done = subprocess.run(
        [*command, "--json"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=REPO,
        env=environment(tmp_path),
    )
    found = json.loads(done.stdout)
    assert done.returncode == (0 if found["passed"] else 3), done.stderr
    assert "assert solve([1, 2]) == [-1, -2]" in done.stderr and "turn 1: 5 samples" in done.stderr


def test_the_server_selects_what_the_runs_evaluation_selected(
    undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    rows, by_id, seed = selected(undisturbed[0])
    with serving(undisturbed[0], tmp_path) as (server, url):
        client = OpenAI(base_url=url, api_key="none", max_retries=0)

        def question(row: SearchRow) -> tuple[dict[str, Any], dict[str, Any]]:
            problem = by_id[row.problem_id]
            fields = {"tests": "\n".join(map(str, problem.public_tests)), "problem_id": problem.problem_id}
            messages = [{"role": "user", "content": problem.prompt}]
            return {"model": "mucode", "messages": messages, "seed": seed}, {"mucode": fields}

        def ask(row: SearchRow) -> str:
            body, fields = question(row)
            return client.chat.completions.create(**body, extra_body=fields).choices[0].message.content or ""

        def ask_for_a_stream(row: SearchRow) -> str:
            body, fields = question(row)
            chunks = client.chat.completions.create(**body, stream=True, extra_body=fields)
            return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)

        def ask_by_curl(row: SearchRow) -> str:
            body, fields = question(row)
            command = ["curl", "--silent", f"{url}/chat/completions", "--json", "@-"]
            done = subprocess.run(command, input=json.dumps(body | fields), capture_output=True, text=True, check=True)
            return json.loads(done.stdout)["choices"][0]["message"]["content"]

        with ThreadPoolExecutor(8) as threads:
            for way in (ask, ask_for_a_stream, ask_by_curl):
                assert list(threads.map(way, rows)) == [render_code(row.program or "") for row in rows]
        server.terminate()
        assert server.wait(60) == 0


def test_killed_processes_are_replaced_and_none_outlives_the_server(
    undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    tests = "assert solve([1, 2]) == [-1, -2]"
    body = {"model": "mucode", "messages": [{"role": "user", "content": "Negate each."}], "mucode": {"tests": tests}}
    with serving(undisturbed[0], tmp_path) as (server, url), httpx.Client(base_url=url, timeout=120) as client:

        def ask(seed: int) -> httpx.Response:
            return client.post("/chat/completions", json=body | {"seed": seed})

        expected = [ask(seed).json()["choices"][0]["message"]["content"] for seed in range(8)]
        for word in ("spawn_main", "judge"):
            with ThreadPoolExecutor(8) as threads:
                answers = [threads.submit(ask, seed) for seed in range(8)]
                killed = find_children(server, word)
                for process in killed:
                    process.kill()
                for answer, program in zip([one.result() for one in answers], expected, strict=True):
                    if answer.status_code == 200:
                        assert answer.json()["choices"][0]["message"]["content"] == program
                    else:
                        assert (answer.status_code, answer.json()["error"]["type"]) == (503, "server_error")
            assert killed, f"no process named {word}"
            assert ask(0).json()["choices"][0]["message"]["content"] == expected[0]
        children = psutil.Process(server.pid).children(recursive=True)
        server.kill()
        _, alive = psutil.wait_procs(children, timeout=30)
        assert not alive
