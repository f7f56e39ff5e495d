"""The demo by the engines of a GPU run: vLLM samples, TRL with DeepSpeed ZeRO-3 trains; killed on the way."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mucode_core.causal_lm import load_causal_lm, load_tokenizer, mean_loss
from mucode_core.encoding import encode_examples
from mucode_core.run_files import open_run
from mucode_core.types import SftExample
from tests.conftest import REPO
from tests.flows.conftest import environment, left_behind

pytest.importorskip("vllm", reason="vLLM is not installed")
pytest.importorskip("trl", reason="TRL is not installed")
pytestmark = [pytest.mark.vllm, pytest.mark.slow]

CONFIG = REPO / "configs" / "demo-vllm.yaml"


def train(out):
    command = [sys.executable, "-m", "mucode_core", "train", str(CONFIG), "--out", str(out), "--json"]
    with (out.parent / "stderr.txt").open("ab") as errors:
        return subprocess.Popen(command, env=environment(out), stdout=subprocess.PIPE, stderr=errors, text=True)


def wait_for(found, process, seconds=800):
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


def is_served(out):
    logs = (out / "store" / "logs").glob("base_model-*.log")
    return any("Application startup complete" in log.read_text() for log in logs)


def is_fine_tuning(out):
    logs = (out / "store" / "unfinished").glob("generator-*/steps.jsonl")
    return any('"step": 3,' in log.read_text() for log in logs)


def published(out, kind="*"):
    """Artifacts of the store; a draft's name begins with a dot."""
    return {path.parent for path in (out / "store").glob(f"{kind}/[!.]*/record.json")}


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory):
    """A run whose server, trainer and own process were killed, run again to its end; and what its store held before."""
    out = tmp_path_factory.mktemp("engines") / "run"
    process = train(out)
    wait_for(lambda: is_served(out), process)
    time.sleep(2)  # for requests to be under way
    os.kill(wait_for(lambda: find_processes(out, b"VLLM::EngineCore"), process)[0], signal.SIGKILL)
    wait_for(lambda: is_fine_tuning(out), process)
    os.kill(wait_for(lambda: find_processes(out, b"sft_process"), process)[-1], signal.SIGKILL)
    wait_for(lambda: published(out, "generator"), process)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while left_behind(out) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left_behind(out) == [], "the killed run leaves no process, so no port either"
    before = published(out)
    again = train(out)
    stdout, _ = again.communicate(timeout=600)
    assert again.returncode == 0, (out.parent / "stderr.txt").read_text()[-4000:]
    return out, json.loads(stdout.splitlines()[-1]), before


def test_it_ends_in_spite_of_all_and_does_nothing_twice(disturbed):
    out, result, before = disturbed
    cached = {out / "store" / s["kind"] / s["fingerprint"] for s in result["lineage"] if s["cached"]}
    assert before == cached
    assert left_behind(out) == []
    assert list((out / "store" / "unfinished").glob("*")) == []


def test_the_next_iteration_is_better_than_the_base(disturbed):
    _, result, _ = disturbed
    assert result["final"]["greedy_by_turn"][-1] > result["base"]["greedy_by_turn"][-1] + 5


@pytest.mark.parametrize("name", ["base", "final"])
def test_transformers_finds_the_same_accuracy(disturbed, tmp_path, name):
    out, result, _ = disturbed
    arguments = ["--generator", str(out / "models" / name), "-n", "1", "--out", str(tmp_path / "run"), "--json"]
    command = [sys.executable, "-m", "mucode_core", "evaluate", str(CONFIG), *arguments]
    done = subprocess.run(
        [*command, "--set", "generator.backend=transformers"],
        env=environment(tmp_path / "run"),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    (greedy,) = json.loads(done.stdout.splitlines()[-1])["figures"]
    expected = result[name]
    assert greedy["by_turn"][-1] == pytest.approx(expected["greedy_by_turn"][-1], abs=expected["ci95"])


def test_the_checkpoint_is_what_was_trained(disturbed):
    """The loss that the trainer measured on its sharded weights is that of the checkpoint, loaded anew."""
    out, result, _ = disturbed
    run = open_run(out)
    stage = next(s for s in result["lineage"] if s["label"] == "round 1 · relabel")
    examples = run.read(stage, SftExample)
    final = out / "models" / "final"
    model, tokenizer = load_causal_lm(final), load_tokenizer(final)
    encoded = encode_examples(tokenizer, [e.messages for e in examples], [e.target for e in examples])
    reported = result["rounds"][0]["finetune"]["loss_after"]
    assert mean_loss(model, encoded, 512, 0) == pytest.approx(reported, rel=0.15)
    card = (final / "README.md").read_text()
    assert stage["content_digest"] in card
