"""A deployed run that is cancelled: nothing of it is left, and it resumes."""

import json
import os
import signal

import pytest
from mucode_deployments.recipes import load_recipe

from tests.flows.conftest import left_behind
from tests.support.demos import SMALL
from tests.support.prefect_server import (
    ask,
    call,
    containers_of,
    held_gpus,
    is_at,
    process_of,
    read_run,
    running_server,
    start,
    stop,
    suspend,
    wait_for,
)

pytestmark = [pytest.mark.slow, pytest.mark.docker]

BUSY = [*SMALL, "rollouts.num_rollouts=32", "evaluation.enabled=false", "sandbox.backend=container"]
GONE_S = 15
LEASE_S = 100


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """Environment of a server's users, with a worker of the cpu pool and its mark on what the worker starts."""
    directory = tmp_path_factory.mktemp("control")
    with running_server(directory) as environment:
        environment["MUCODE_TEST_RUN"] = str(directory)
        call(environment, "mucode_deployments.pools", "0,1")
        call(
            environment,
            "prefect",
            "--no-prompt",
            "deploy",
            "-n",
            "expert-iteration/llama-3.2-1b-mbpp",
            "--prefect-file",
            "deployments/prefect.yaml",
        )
        worker = start(environment, "worker", "start", "--type", "process", "--pool", "gpu-01")
        try:
            yield environment, directory
        finally:
            stop(worker)


def begin(environment, out):
    places = [f"run.output_dir={out}", "run.name=control"]
    config = load_recipe("configs/demo.yaml", [*BUSY, *places])["config"]
    call(
        environment,
        "prefect",
        "deployment",
        "run",
        "expert-iteration/llama-3.2-1b-mbpp",
        "-p",
        f"config={json.dumps(config)}",
    )
    return ask(environment, "flow_runs/filter", sort="EXPECTED_START_TIME_DESC", limit=1)[0]["id"]


@pytest.mark.parametrize("tag", ["training", "execution"])
def test_a_cancelled_run_leaves_nothing(deployed, tag):
    environment, directory = deployed
    before = set(left_behind(directory))
    run = begin(environment, directory / tag)
    wait_for(lambda: is_at(environment, run, tag), 240)
    pid = process_of(environment, run)
    if tag == "execution":
        wait_for(lambda: containers_of(pid), 60)
    assert held_gpus(environment) == ["gpu-0", "gpu-1"]
    call(environment, "prefect", "flow-run", "cancel", run)
    wait_for(lambda: not (set(left_behind(directory)) - before or containers_of(pid)), GONE_S)
    wait_for(lambda: read_run(environment, run)["state_type"] == "CANCELLED", 30)
    wait_for(lambda: not held_gpus(environment), LEASE_S)


def test_a_suspended_run_leaves_nothing_and_resumes_and_a_crashed_one_is_retried(deployed):
    environment, directory = deployed
    before = set(left_behind(directory))
    run = begin(environment, directory / "execution")
    wait_for(lambda: is_at(environment, run, "execution"), 240)
    pid = process_of(environment, run)
    suspend(environment, run)
    wait_for(lambda: not (set(left_behind(directory)) - before or containers_of(pid)), GONE_S)
    assert read_run(environment, run)["state_name"] == "Suspended"
    assert not held_gpus(environment)
    ask(environment, f"flow_runs/{run}/resume")
    wait_for(lambda: is_at(environment, run, "execution"), 240)
    store = directory / "execution" / "store"
    before = {path.parent.name for path in store.glob("samples/[!.]*/record.json")}
    pid = process_of(environment, run)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: read_run(environment, run)["state_type"] == "CRASHED", 60)
    wait_for(lambda: not containers_of(pid), GONE_S)
    call(environment, "prefect", "flow-run", "retry", run)
    wait_for(lambda: read_run(environment, run)["state_type"] == "COMPLETED", 400)
    result = json.loads((directory / "execution" / "result.json").read_text())
    assert before <= {stage["fingerprint"] for stage in result["lineage"] if stage["cached"]}
    assert not held_gpus(environment)
