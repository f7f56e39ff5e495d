"""Scores of vLLM's pooling runner beside those of transformers, of one fitted verifier."""

import os
import random
import shutil
import signal
import threading
import time

import psutil
import pytest
import torch
from prefect import flow
from prefect.testing.utilities import prefect_test_harness

from mucode_core.artifacts import ArtifactStore
from mucode_core.bootstrap import build_base
from mucode_core.config import BootstrapConfig, EngineConfig, VerifierConfig
from mucode_core.prompts import render_prompt
from mucode_core.recipe import Recipe
from mucode_core.sampling.servers import ServerPlan, ServerPool
from mucode_core.types import Message, Problem, Rollout, VerifierPair, VerifierScore
from mucode_core.verifier.fit import fit_verifier
from mucode_core.verifier.score import score_programs
from mucode_core.verifier.vllm_score import open_scorer
from mucode_core.verifier.vllm_score import score_programs as score_by_vllm
from mucode_core.workers import WorkerPool
from tasks.stage import Runtime
from tasks.verifier import score_rollouts
from tests.conftest import make_problem, make_rollout

pytest.importorskip("vllm", reason="vLLM is not installed")
pytestmark = [pytest.mark.vllm, pytest.mark.slow]

SIZE = BootstrapConfig(vocab_size=320, hidden_size=64, num_layers=2, num_heads=2, context_length=256)
ENGINE = EngineConfig(dtype="float32", kv_cache_gib=1)


@pytest.fixture(scope="module")
def verifier(tmp_path_factory):
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("verifier")
    dialogues = [
        (Message("user", f"say w{i}"), Message("assistant", f"```python\nw{i}\n```"), Message("user", "Feedback: no"))[
            :2
        ]
        for i in range(40)
    ]
    build_base(dialogues, path / "base", SIZE, 0)
    pairs = [VerifierPair(f"p{i}", f"say w{i}", f"good{i % 5}", f"bad{i % 7}") for i in range(40)]
    config = VerifierConfig(score="head", epochs=6, learning_rate=5e-3, batch_tokens=512)
    assert fit_verifier(pairs, path / "base", path / "fitted", config, 0).train_pair_accuracy > 0.9
    return path / "fitted"


@pytest.fixture(scope="module")
def server(verifier, tmp_path_factory):
    opened = open_scorer(ServerPlan(verifier, ENGINE, tmp_path_factory.mktemp("log") / "verifier.log"))
    yield opened
    opened.close()


def make_items(num):
    rng = random.Random(0)
    prompts = [f"say {'w' * rng.randint(1, 60)}{i % 9}" for i in range(num // 4)]
    return [
        (rng.choice(prompts), rng.choice(["good", "bad", "\u00e9t\u00e9 "]) * rng.randint(1, 12)) for _ in range(num)
    ]


def test_both_give_the_same_scores(server, verifier):
    items = make_items(300)
    expected = score_programs(verifier, items)
    assert max(expected) - min(expected) > 1, "else agreement would say nothing"
    assert score_by_vllm(server.ensure(), server.api_key, verifier, items) == pytest.approx(expected, abs=1e-3)


def test_programs_beyond_the_context_get_the_same_scores_too(server, verifier):
    items = [("say w1", "x = 1\n" * n + end) for n in (1, 20, 30, 40, 400) for end in ("good1", "bad1")]
    expected = score_programs(verifier, items)
    assert len(set(expected)) == len(items)
    assert score_by_vllm(server.ensure(), server.api_key, verifier, items) == pytest.approx(expected, abs=1e-3)


@pytest.fixture(scope="module")
def rows():
    """Problems, and a rollout of each with two programs."""
    problems = [make_problem(f"p{i}") for i in range(6)]
    turns = [(f"x = {i}\n" * (i + 1), False, False) for i in range(6)]
    return problems, [make_rollout(f"r{i}", f"p{i}", turns[i], turns[i - 1]) for i in range(6)]


def store_artifact(store, kind, write):
    recipe = Recipe(kind, 1, {}, {})
    with store.build(recipe) as draft:
        write(draft)
    return store.ref(recipe)


class KillingPool(WorkerPool):
    """Kills the server in the middle of the first request that a worker makes."""

    def __init__(self, server):
        super().__init__(1)
        self.server, self.killers = server, []

    def map(self, function, calls):
        if not self.killers:
            port = int(self.server.ensure().split(":")[2].split("/")[0])
            connections = psutil.net_connections("tcp")
            listener = next(c.pid for c in connections if c.status == psutil.CONN_LISTEN and c.laddr.port == port)
            os.kill(listener, signal.SIGSTOP)
            self.killers.append(threading.Thread(target=kill_once_asked, args=(listener, port)))
            self.killers[0].start()
        return super().map(function, calls)


def kill_once_asked(listener, port):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        peers = {c.pid for c in psutil.net_connections("tcp") if c.raddr and c.raddr.port == port}
        if peers - {None, os.getpid(), listener}:
            break
        time.sleep(0.05)
    os.kill(listener, signal.SIGKILL)


def test_a_stage_whose_server_is_killed_meanwhile_ends_with_the_same_scores(server, verifier, rows, tmp_path):
    problems, rollouts = rows
    store, workers = ArtifactStore(tmp_path / "store"), KillingPool(server)
    runtime = Runtime(store, workers, lambda: pytest.fail("no program is executed"))
    runtime.scorers = ServerPool(lambda plan: server)
    inputs = {
        "problems": store_artifact(store, "problems", lambda d: d.write_rows(problems, Problem)),
        "rollouts": store_artifact(store, "rollouts", lambda d: d.write_rows(rollouts, Rollout)),
        "verifier": store_artifact(store, "verifier", lambda d: shutil.copytree(verifier, d.model_dir)),
    }
    server.ensure()
    num_starts = server.num_starts

    @flow
    def score():
        return score_rollouts.submit(runtime, "scores", scorer=ENGINE, **inputs).result()

    try:
        with prefect_test_harness(server_startup_timeout=180):
            found = list(store.read_rows(score(), VerifierScore))
    finally:
        runtime.close()
    (killer,) = workers.killers
    killer.join()
    assert server.num_starts == num_starts + 1
    prompts = {p.problem_id: render_prompt(p.prompt, p.shown_tests) for p in problems}
    items = [(prompts[r.problem_id], turn.completion.code) for r in rollouts for turn in r.turns]
    assert [score.score for score in found] == pytest.approx(score_programs(verifier, items), abs=1e-3)
