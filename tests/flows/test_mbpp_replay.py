"""One round on real MBPP problems and real model programs, replayed from the recorded file."""

import gzip
import json
import subprocess
import sys

import pytest

from mucode_core.reports.sample_export import write_samples
from mucode_core.runs.directory import open_run
from mucode_core.store.artifacts import ArtifactStore
from mucode_core.types import ArtifactRef, Rollout
from tests.conftest import REPO, real_data
from tests.flows.conftest import environment

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    out = tmp_path_factory.mktemp("replay") / "run"
    data, samples = real_data("mbpp.jsonl"), real_data("mbpp_samples_multi.jsonl.gz")
    # the labels are of all programs; of the training, that it learns
    short = ("generator.bootstrap.epochs=1", "verifier.pairs_per_problem=3", "finetune.epochs=1")
    changes = (f"problems.data={data}", f"generator.replay.samples={samples}", *short)
    sets = [part for change in changes for part in ("--set", change)]
    command = [
        sys.executable,
        "-m",
        "mucode_flows.cli",
        "train",
        "configs/mbpp-replay.yaml",
        "--out",
        str(out),
        "--json",
    ]
    done = subprocess.run(
        [*command, *sets], env=environment(out), capture_output=True, text=True, timeout=1800, check=False, cwd=REPO
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return out, json.loads(done.stdout.splitlines()[-1]), samples


def test_every_recorded_program_gets_its_recorded_label(replayed):
    out, result, samples = replayed
    store = ArtifactStore(out / "store")
    found = {}
    for stage in result["lineage"]:
        if stage["kind"] == "rollouts":
            path = store.path_of(stage["kind"], stage["fingerprint"])
            ref = ArtifactRef(
                "rollouts", str(path), stage["fingerprint"], stage["content_digest"], stage["num_rows"], 1
            )
            found |= {(r.problem_id, r.sample_index): r.label for r in store.read_rows(ref, Rollout)}
    recorded = {}
    with gzip.open(samples, "rt") as file:
        for row in map(json.loads, file):
            recorded.setdefault(f"mbpp/{row['task_id']}", []).append(row["pass_all"])
    expected = {
        (pid, i): label for pid, labels in recorded.items() if len(labels) >= 5 for i, label in enumerate(labels)
    }
    assert len(found) >= 9000
    assert found.keys() == expected.keys()
    agree = sum(found[key] == expected[key] for key in expected)
    assert agree >= 0.995 * len(expected), f"{agree} of {len(expected)}"


def test_the_round_learns_and_says_what(replayed):
    out, result, _ = replayed
    (only,) = result["rounds"]
    assert only["num_pairs"] > 500
    assert only["num_examples"] > 100
    assert only["finetune"]["loss_after"] < only["finetune"]["loss_before"]
    quality = result["verifier"]
    low, high = quality["ci95"]
    assert low <= quality["heldout_pair_accuracy"] <= high
    assert quality["num_problems"] > 20
    assert result["num_programs"] >= 9000
    assert "pair accuracy" in (out / "report.md").read_text()


def test_an_export_has_the_programs_of_the_last_rollouts(replayed, tmp_path):
    """A replayed run has no searches; EvalPlus has another name for MBPP's tasks."""
    out, _, samples = replayed
    assert write_samples(open_run(out), None, None, "evalplus", tmp_path / "last.jsonl").num_samples > 0
    done = write_samples(open_run(out), "round 1", None, "evalplus", tmp_path / "s.jsonl")
    exported = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text("utf-8").splitlines()]
    with gzip.open(samples, "rt") as file:
        recorded = {(row["task_id"], row["code"].strip("\n")) for row in map(json.loads, file)}
    assert done.num_samples == len(exported) > 1000
    assert {(int(row["task_id"].removeprefix("Mbpp/")), row["solution"]) for row in exported} <= recorded
