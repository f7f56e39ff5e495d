"""Scores of a real vLLM server compared with those of transformers, for each kind of verifier."""

import os
import random
import shutil
import signal
import threading

import psutil
import pytest
import torch
from mucode_tasks.engine.run_context import Runtime
from mucode_tasks.verifier import score_rollouts
from prefect import flow
from prefect.testing.utilities import prefect_test_harness

from mucode_core.config import BootstrapConfig, ScorerConfig, TrlRewardConfig, VerifierConfig
from mucode_core.evaluation.run_record import StageName
from mucode_core.prompts import render_prompt
from mucode_core.serving.lease import LeasedServers, ServerPlan
from mucode_core.store.artifacts import ArtifactStore
from mucode_core.store.recipe import Recipe
from mucode_core.system.worker_pool import WorkerPool
from mucode_core.types import Problem, Rollout, VerifierPair, VerifierScore
from mucode_core.verifier.fit_trl import fit_verifier
from mucode_core.verifier.score import score_programs
from mucode_core.verifier.score_vllm import open_scorer
from tests.conftest import make_problem, make_rollout
from tests.support.sayings import make_base, place_in
from tests.support.scoring import run_here

pytest.importorskip("vllm", reason="vLLM is not installed")
pytest.importorskip("trl", reason="TRL is not installed")
pytestmark = [pytest.mark.vllm, pytest.mark.slow]

SIZE = BootstrapConfig(vocab_size=320, hidden_size=64, num_layers=2, num_heads=2, context_length=256)
ENGINE = ScorerConfig(dtype="float32", kv_cache_gib=1)


KINDS = ["head", "likelihood", "token"]


@pytest.fixture(scope="module", params=KINDS)
def verifier(request, tmp_path_factory):
    """Fitted by TRL in two processes that share the weights."""
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("verifier")
    make_base(path / "base", SIZE, 40)
    pairs = [VerifierPair(f"p{i}", f"say w{i}", f"good{i % 5}", f"bad{i % 7}") for i in range(40)]
    trl = TrlRewardConfig(batch_size=8, micro_batch_size=4, num_processes=2, deepspeed="zero3", tracker="none")
    asked = {"score": request.param, "question": "Right?", "answers": ("y", "n")}
    config = VerifierConfig(**asked, backend="trl", epochs=3, learning_rate=5e-3, trl=trl)
    report = fit_verifier(pairs, path / "base", path / "fitted", config, 0, place_in(path))
    assert report.num_steps == 15
    return path / "fitted"


@pytest.fixture(scope="module")
def client(verifier, tmp_path_factory):
    opened = open_scorer(ServerPlan(verifier, ENGINE, tmp_path_factory.mktemp("log") / "verifier.log"))
    yield opened
    opened.close()


def make_items(num):
    rng = random.Random(0)
    prompts = [f"say {'w' * rng.randint(1, 60)}{i % 9}" for i in range(num // 4)]
    return [
        (rng.choice(prompts), rng.choice(["good", "bad", "\u00e9t\u00e9 "]) * rng.randint(1, 12)) for _ in range(num)
    ]


def test_both_give_the_same_scores(client, verifier):
    items = make_items(300)
    expected = score_programs(verifier, items)
    assert max(expected) - min(expected) > 1, "else agreement would say nothing"
    assert client.score(items, run_here) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("verifier", ["head", "token"], indirect=True)
def test_programs_beyond_the_context_get_the_same_scores_too(client, verifier):
    items = [("say w1", "x = 1\n" * n + end) for n in (1, 20, 30, 400) for end in ("good1", "bad1")]
    expected = score_programs(verifier, items)
    assert len(set(expected)) == len(items)
    assert client.score(items, run_here) == pytest.approx(expected, abs=1e-3)


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
    """Kills the server in the middle of the first requests for scores."""

    def __init__(self, client):
        super().__init__(1)
        self.client, self.killers = client, []

    def map(self, function, calls):
        if not self.killers:
            port = int(self.client.endpoint.ensure().split(":")[2])
            connections = psutil.net_connections("tcp")
            listener = next(c.pid for c in connections if c.status == psutil.CONN_LISTEN and c.laddr.port == port)
            os.kill(listener, signal.SIGSTOP)  # so that it answers none of them
            self.killers.append(threading.Timer(3.0, os.kill, (listener, signal.SIGKILL)))
            self.killers[0].start()
        return super().map(function, calls)


@pytest.mark.parametrize("verifier", ["token"], indirect=True)
def test_a_stage_whose_server_is_killed_gets_the_same_scores(client, verifier, rows, tmp_path):
    problems, rollouts = rows
    store, workers = ArtifactStore(tmp_path / "store"), KillingPool(client)
    runtime = Runtime(store, workers, lambda: pytest.fail("no program is executed"))
    runtime.scorers = LeasedServers(lambda plan: client)
    inputs = {
        "problems": store_artifact(store, "problems", lambda d: d.write_rows(problems, Problem)),
        "rollouts": store_artifact(store, "rollouts", lambda d: d.write_rows(rollouts, Rollout)),
        "verifier": store_artifact(store, "verifier", lambda d: shutil.copytree(verifier, d.model_dir)),
    }
    client.endpoint.ensure()
    num_starts = client.endpoint.num_starts

    @flow
    def score():
        return score_rollouts.submit(runtime, StageName("scores"), scorer=ENGINE, **inputs).result()

    try:
        with prefect_test_harness(server_startup_timeout=180):
            found = list(store.read_rows(score(), VerifierScore))
    finally:
        runtime.close()
    (killer,) = workers.killers
    killer.join()
    assert client.endpoint.num_starts == num_starts + 1
    prompts = {p.problem_id: render_prompt(p.prompt, p.shown_tests) for p in problems}
    items = [(prompts[r.problem_id], turn.completion.code) for r in rollouts for turn in r.turns]
    assert [score.score for score in found] == pytest.approx(score_programs(verifier, items), abs=1e-3)
