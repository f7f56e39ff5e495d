"""The demo by the engines of a GPU run: vLLM samples, TRL with DeepSpeed ZeRO-3 trains; killed on the way."""

import json
import math
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from mucode_core.models.chat_encoding import encode_examples
from mucode_core.runs.directory import open_run
from mucode_core.training.causal_lm import load_causal_lm, load_tokenizer, mean_loss
from mucode_core.types import SftExample, VerifierScore
from tests.conftest import REPO
from tests.flows.conftest import environment, find_children, left_behind, serving

pytest.importorskip("vllm", reason="vLLM is not installed")
pytest.importorskip("trl", reason="TRL is not installed")
pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.timeout(5400)]

CONFIG = REPO / "configs" / "demo-vllm.yaml"
TRAINER = b"mucode_core.generator.sft_worker"
"""Module of the processes that train the generator."""


def train(out, *settings):
    sets = [word for setting in settings for word in ("--set", setting)]
    command = [sys.executable, "-m", "mucode_flows.cli", "train", str(CONFIG), "--out", str(out), "--json", *sets]
    with (out.parent / "stderr.txt").open("ab") as errors:
        return subprocess.Popen(command, env=environment(out), stdout=subprocess.PIPE, stderr=errors, text=True)


def wait_for(found, process, seconds=1800):
    """What `found` returns once that is something."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert process.poll() is None, "the run ended before"
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return value


def find_processes(out, word):
    """Of this run, by a word of their command line or title."""
    found = []
    for pid in left_behind(out):
        try:
            title = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if word in title and b"torch.distributed.run" not in title:
            found.append(pid)
    return found


def count_starts(out):
    """How often a server of the base model got ready."""
    logs = (out / "store" / "logs").glob("base_model-*.log")
    return sum(log.read_text().count("Application startup complete") for log in logs)


def find_ports(out):
    """On which the run's servers listen."""
    ports = set()
    for pid in find_processes(out, b"openai.api_server"):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        ports.add(int(words[words.index(b"--port") + 1]))
    return ports


def answers(port):
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def list_steps(out):
    """Of the generator's unfinished training, in the order in which they were taken."""
    logs = (out / "store" / "unfinished").glob("generator-*/steps.jsonl")
    return [int(step) for log in logs for step in re.findall(r'"step": (\d+), "time": [\d.]+, "loss"', log.read_text())]


def newest_checkpoint(out):
    """The step that the generator's training would resume from; 0 for none."""
    marks = (out / "store" / "unfinished").glob("generator-*/checkpoints/checkpoint-*/complete")
    return max((int(mark.parent.name.rpartition("-")[2]) for mark in marks), default=0)


def is_between_checkpoints(out, after):
    """Whether a training has resumed from a newer checkpoint than that, so that a kill costs steps."""
    return newest_checkpoint(out) > after and list_steps(out)[-1] > newest_checkpoint(out)


def published(out, kind="*"):
    """Artifacts of the store; a draft's name begins with a dot."""
    return {path.parent for path in (out / "store").glob(f"{kind}/[!.]*/record.json")}


@dataclass
class Disturbed:
    """A run whose server, trainer and own process were killed, run again to its end."""

    out: Path
    result: dict[str, Any]
    before: set[Path]
    """What the store held when it was killed."""
    resumed: list[tuple[int, list[int]]]
    """For each kill in mid-training the newest checkpoint, and the steps that were taken afterwards."""


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("engines") / "run"
    process = train(out)
    wait_for(lambda: count_starts(out), process)
    time.sleep(2)  # for requests to be under way
    ports = find_ports(out)
    os.kill(wait_for(lambda: find_processes(out, b"VLLM::EngineCore"), process)[0], signal.SIGKILL)
    wait_for(lambda: count_starts(out) == 2, process)
    ports |= find_ports(out)
    assert ports

    wait_for(lambda: is_between_checkpoints(out, 0), process)
    first, done = newest_checkpoint(out), len(list_steps(out))
    os.kill(find_processes(out, TRAINER)[-1], signal.SIGKILL)
    wait_for(lambda: is_between_checkpoints(out, first), process)
    second, steps = newest_checkpoint(out), list_steps(out)
    assert find_processes(out, TRAINER), "the parent dies while it trains"
    process.kill()
    process.wait()
    resumed = [(first, steps[done:])]

    deadline = time.monotonic() + 30
    # a process that ends loses its mark before its ports
    while (left_behind(out) or any(map(answers, ports))) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left_behind(out) == []
    assert not any(map(answers, ports))
    before, done = published(out), len(list_steps(out))
    again = train(out)
    resumed.append((second, wait_for(lambda: list_steps(out)[done:], again)))
    stdout, _ = again.communicate(timeout=1800)
    assert again.returncode == 0, (out.parent / "stderr.txt").read_text()[-4000:]
    return Disturbed(out, json.loads(stdout.splitlines()[-1]), before, resumed)


def test_it_ends_in_spite_of_all_and_does_nothing_twice(disturbed):
    out, result = disturbed.out, disturbed.result
    cached = {out / "store" / s["kind"] / s["fingerprint"] for s in result["lineage"] if s["cached"]}
    assert disturbed.before == cached
    assert left_behind(out) == []
    assert list((out / "store" / "unfinished").glob("*")) == []


def test_a_killed_training_goes_on_from_its_checkpoint(disturbed):
    for checkpoint, steps in disturbed.resumed:
        assert min(steps) > checkpoint > 0


def test_the_next_iteration_is_better_than_the_base(disturbed):
    result = disturbed.result
    assert result["final"]["greedy_by_turn"][-1] > result["base"]["greedy_by_turn"][-1] + 5


@pytest.mark.parametrize("name", ["base", "final"])
def test_transformers_finds_the_same_accuracy(disturbed, tmp_path, name):
    out, result = disturbed.out, disturbed.result
    arguments = ["--generator", str(out / "models" / name), "-n", "1", "--out", str(tmp_path / "run"), "--json"]
    command = [sys.executable, "-m", "mucode_flows.cli", "evaluate", str(CONFIG), *arguments]
    done = subprocess.run(
        [*command, "--set", "generator.backend=transformers"],
        env=environment(tmp_path / "run"),
        capture_output=True,
        text=True,
        timeout=1800,
        check=True,
    )
    (greedy,) = json.loads(done.stdout.splitlines()[-1])["figures"]
    expected = result[name]
    assert greedy["by_turn"][-1] == pytest.approx(expected["greedy_by_turn"][-1], abs=expected["ci95"])


def test_the_checkpoint_is_what_was_trained(disturbed):
    """The loss that the trainer measured on its sharded weights is that of the reloaded checkpoint."""
    out, result = disturbed.out, disturbed.result
    run = open_run(out)
    stage = next(s for s in run.stages if s.label == "round 1 · relabel")
    examples = run.read(stage, SftExample)
    final = out / "models" / "final"
    model, tokenizer = load_causal_lm(final), load_tokenizer(final)
    encoded = encode_examples(tokenizer, [e.messages for e in examples], [e.target for e in examples])
    reported = result["rounds"][0]["finetune"]["loss_after"]
    assert mean_loss(model, encoded, 512, 0) == pytest.approx(reported, rel=0.15)
    card = (final / "README.md").read_text()
    assert stage.content_digest in card


@pytest.mark.parametrize("score", ["likelihood", "token"])
def test_other_kinds_of_score_go_the_whole_way(disturbed, tmp_path, score):
    """From the rollouts of the run above, whose verifier has a head; vLLM serves the verifier as well."""
    out = tmp_path / "run"
    kind = (f"verifier.score={score}", "verifier.answers=[y, n]", "verifier.scorer=vllm")
    process = train(out, *kind, f"run.store_dir={disturbed.out / 'store'}", "problems.num_test=40")
    stdout, _ = process.communicate(timeout=1800)
    assert process.returncode == 0, (tmp_path / "stderr.txt").read_text()[-4000:]
    result = json.loads(stdout.splitlines()[-1])
    assert left_behind(out) == []
    assert json.loads((out / "models" / "verifier" / "verifier.json").read_text())["score"] == score
    run = open_run(out)
    scored = [stage for stage in run.stages if stage.step == "score"]
    assert all(stage.cached for stage in run.stages if stage.group == "round 1" and stage.step in ("sample", "execute"))
    assert scored and not any(stage.cached for stage in scored)
    assert all(math.isfinite(row.score) for stage in scored for row in run.read(stage, VerifierScore))
    assert result["final"]["greedy_by_turn"][-1] > result["base"]["greedy_by_turn"][-1] + 5
    assert set(result["final"]["best_of_n"]) == {"pt", "pt+lv"}


def test_served_searches_survive_their_engine(disturbed, tmp_path):
    body = {"model": "mucode", "messages": [{"role": "user", "content": "Write a function to negate each number."}]}
    body |= {"mucode": {"tests": "assert solve([1, 2]) == [-1, -2]", "n": 32}}
    options = ("--engine", "vllm")
    with serving(disturbed.out, tmp_path, *options) as (server, url), httpx.Client(base_url=url, timeout=600) as client:

        def ask(seed):
            return client.post("/chat/completions", json=body | {"seed": seed})

        assert ask(0).status_code == 200
        with ThreadPoolExecutor(8) as threads:
            answers = [threads.submit(ask, seed) for seed in range(8)]
            (engine,) = find_children(server, "VLLM::EngineCore")
            engine.kill()
            results = [answer.result() for answer in answers]
        assert [result.status_code for result in results] == [200] * 8, results[0].text
        assert all(result.json()["choices"][0]["mucode"]["num_samples"] >= 32 for result in results)
