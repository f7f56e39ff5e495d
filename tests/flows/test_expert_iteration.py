"""The flow end to end: direction of the results, caching, kill -9 and resume, damage."""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from tests.flows.conftest import content, left_behind, run
from tests.support.s3 import BUCKET, running_s3

pytestmark = pytest.mark.slow


def test_the_method_improves_the_base(undisturbed):
    _, result = undisturbed
    base, final = result["base"], result["final"]
    assert final["greedy_by_turn"][-1] > base["greedy_by_turn"][-1] + 5
    correct = [one["rollouts"]["num_correct"] for one in result["rounds"]]  # of 240 each: more than 60 problems show
    assert correct[-1] > 1.4 * correct[0]
    for searched in (base["best_of_n"], final["best_of_n"]):
        assert searched["oracle"]["by_turn"][-1] >= searched["pt"]["by_turn"][-1]
    pt, chance = (base["best_of_n"][s]["by_turn"][-1] for s in ("pt", "random"))
    assert pt > chance
    assert result["verifier"]["heldout_pair_accuracy"] > 50
    assert result["num_test_problems"] == 60


def test_the_result_has_the_form_of_the_contract(undisturbed):
    out, result = undisturbed
    for evaluation in (result["base"], result["final"], *result["iterations"]):
        assert len(evaluation["greedy_by_turn"]) == 3
        assert evaluation["ci95"] > 0
    assert set(result["base"]["best_of_n"]) == {"random", "lv", "pt", "pt+lv", "oracle"}
    assert {len(v["by_turn"]) for v in result["final"]["best_of_n"].values()} == {3}
    assert result["wall_s"] > 0
    assert result["stages"]
    assert json.loads((out / "result.json").read_text()) == result
    report = (out / "report.md").read_text()
    assert "planted" in report
    for line in report.splitlines():
        if line.startswith("!["):
            assert (out / line.split("(")[1].rstrip(")")).stat().st_size > 5000
    assert left_behind(out) == []
    for stage in result["lineage"]:
        if stage["kind"] in ("search", "scores"):
            record = out / "store" / stage["kind"] / stage["fingerprint"] / "record.json"
            assert json.loads(record.read_text())["notes"]["num_programs"] > 0, stage["label"]


def test_a_second_run_takes_every_stage_from_the_store(repeated):
    out, result = repeated
    again = run(out)
    assert again["num_cached_stages"] == len(again["lineage"]) == len(result["lineage"])
    assert content(again) == content(result)


def test_checkpoints_and_rows_are_equal_byte_for_byte(undisturbed, tmp_path):
    out, result = undisturbed
    other = tmp_path / "run"
    run(other, **{"run.num_workers": 1, "sandbox.num_workers": 1})
    for stage in result["lineage"]:
        for path in sorted((out / "store" / stage["kind"] / stage["fingerprint"]).rglob("*")):
            if path.is_file() and path.name not in ("record.json", "costs.parquet"):
                assert path.read_bytes() == (other / path.relative_to(out)).read_bytes(), path


KINDS = [
    "problems",
    "dialogues",
    "base_model",
    "samples",
    "rollouts",
    "verifier_pairs",
    "verifier",
    "search",
    "scores",
    "expert_choices",
    "sft_examples",
    "generator",
]


def largest_file(directory):
    files = [path for path in directory.rglob("*") if path.is_file() and path.name != "record.json"]
    return max(files, key=lambda path: path.stat().st_size)


def flip(directory):
    path = largest_file(directory)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 255
    path.write_bytes(raw)


def truncate(directory):
    path = largest_file(directory)
    os.truncate(path, path.stat().st_size // 2)


def delete(directory):
    largest_file(directory).unlink()


def empty_record(directory):
    (directory / "record.json").write_text("{}")


DAMAGES = {flip: KINDS[::3], truncate: KINDS[1::3], delete: KINDS[2::3], empty_record: ["rollouts"]}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_artifacts_are_made_again_and_nothing_else(repeated, damage):
    """One of several kinds at a time: what lies between them and after them stays."""
    out, result = repeated
    damaged = []
    for kind in DAMAGES[damage]:
        stage = random.Random(kind).choice([stage for stage in result["lineage"] if stage["kind"] == kind])
        damage(out / "store" / kind / stage["fingerprint"])
        damaged.append(stage["label"])
    again = run(out)
    assert content(again) == content(result)
    assert {s["label"] for s in again["lineage"] if not s["cached"]} == set(damaged)


@pytest.fixture
def server(tmp_path):
    """A Prefect server of its own, as a user starts one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    api = f"http://127.0.0.1:{port}/api"
    settings = {
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port],
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{api}/health").status_code == 200:
                    break
            time.sleep(0.5)
        yield api
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def test_a_running_server_sees_the_method(repeated, server, monkeypatch):
    out, result = repeated
    monkeypatch.setenv("PREFECT_API_URL", server)
    assert content(run(out)) == content(result)

    def ask(what):
        rows, page = [], [None]
        while page:
            page = httpx.post(f"{server}/{what}/filter", json={"limit": 100, "offset": len(rows)}).json()
            rows += page
        return rows

    (flow_run,) = ask("flow_runs")
    assert flow_run["state_type"] == "COMPLETED"
    assert flow_run["name"] == "demo · seed 5"
    tasks = {task["name"]: task for task in ask("task_runs")}
    assert tasks.keys() >= {stage["label"] for stage in result["lineage"]}
    assert sorted(tasks["round 2 · sample turn 1 · shard 1/2"]["tags"]) == ["samples", "sampling"]
    assert {task["state_name"] for task in tasks.values()} <= {"Cached", "Completed"}
    artifacts = {artifact["key"]: artifact for artifact in ask("artifacts")}
    assert {"round-1", "round-1-plot", "round-2", "report-link", "summary"} <= artifacts.keys()
    rows = {row["figure"]: row for row in json.loads(artifacts["round-2"]["data"])}
    for figure in (
        *("training rollouts", "test, greedy", "validation, best of 5, pt+lv"),
        *(f"held-out rollouts, {by}" for by in ("random", "lv", "pt", "pt+lv", "oracle")),
    ):
        assert {"turn 1", "turn 2", "turn 3"} <= rows[figure].keys()
    chosen = json.loads(artifacts[f"round-{result['final_iteration'] + 1}"]["data"])
    measured = next(row["value"] for row in chosen if row["figure"].startswith("verifier, held-out pair accuracy"))
    assert float(measured.split()[0]) == pytest.approx(result["verifier"]["heldout_pair_accuracy"], abs=0.1)
    assert rows["tokens sampled"]["value"]
    assert rows["seconds of its stages"]["value"] > 0
    assert f"/artifacts/artifact/{artifacts['report']['id']})" in artifacts["report-link"]["data"]
    report = artifacts["report"]["data"]
    assert "planted" in report
    assert report.count("](data:image/png;base64,") == (out / "report.md").read_text().count("](plots/")
    assert {"mucode", "synthetic", "transformers + loop"} <= set(flow_run["tags"])


def test_another_machine_takes_every_stage_from_a_store_on_s3(undisturbed, tmp_path, monkeypatch):
    out, result = undisturbed
    with running_s3() as settings:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        store = {"run.store_dir": f"s3://{BUCKET}/here"}
        shutil.copytree(out / "store", tmp_path / "one" / "store")
        assert content(run(tmp_path / "one", **store)) == content(result)
        again = run(tmp_path / "two", **store)
        assert again["num_cached_stages"] == len(again["lineage"])
        assert content(again) == content(result)
