"""Deployments and work pools, and one real run of them."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import yaml
from mucode_deployments import deploy, lookup, worker
from mucode_deployments.healthcheck import find_address
from mucode_deployments.recipes import load_recipe
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.utilities.callables import parameter_schema

from mucode_core.config import Config, make_config
from mucode_core.errors import ConfigError, MucodeError
from tests.conftest import REPO
from tests.support.demos import SMALL
from tests.support.prefect_server import (
    TIMEOUT_FACTOR,
    ask,
    call,
    finish,
    launch,
    make_environment,
    process_of,
    read_run,
    running_server,
    stop,
    suspend,
    wait_for,
    wait_for_server,
)

FILE = yaml.safe_load((REPO / "deployments" / "prefect.yaml").read_text())


def steps():
    for deployment in FILE["deployments"]:
        for step in deployment["build"]:
            if recipe := step.get("mucode_deployments.recipes.load_recipe"):
                yield pytest.param(deployment, recipe, id=deployment["name"])


@pytest.mark.parametrize(("deployment", "step"), steps())
def test_every_deployment_has_a_flow_and_a_recipe_that_loads(deployment, step, monkeypatch):
    monkeypatch.chdir(REPO)
    made = load_recipe(step["path"], step.get("overrides", []))
    config = make_config(made["config"])
    assert made["directory"] == str(REPO)
    if "rft" in deployment["tags"]:
        assert config.run.algorithm == "rft"
    path, _, name = deployment["entrypoint"].partition(":")
    source = (REPO / path).read_text()
    assert f"def {name}(config: Config)" in source
    assert deployment["parameters"] == {"config": "{{ recipe.config }}"}


def test_every_gpu_recipe_is_deployed():
    paths = {step.values[1]["path"] for step in steps()}
    assert {f"configs/{p.name}" for p in (REPO / "configs").glob("*b-*.yaml")} <= paths
    names = {(d["entrypoint"].partition(":")[2], d["name"]) for d in FILE["deployments"] if "GPU_POOL" in str(d)}
    for model in ("llama-3.2-1b-mbpp", "llama-3.1-8b-mbpp"):
        assert {(flow, model) for flow in ("expert_iteration", "best_of_n", "pass_at_k")} <= names
        assert ("expert_iteration", f"{model}-rft") in names


def test_stages_are_placed_on_the_pool_with_gpus():
    from mucode_flows.stage import run_stage

    (stage,) = (d for d in FILE["deployments"] if d["entrypoint"] == "flows/stage.py:run_stage")
    assert f"{run_stage.name}/{stage['name']}" == Config().run.stage_deployment
    assert stage["work_pool"] == {"name": "{{ $GPU_POOL }}"}
    (caller,) = (d for d in FILE["deployments"] if "run.placement=deployments" in str(d))
    assert caller["work_pool"] == {"name": "cpu"}  # it waits for runs of the other pool, which runs one at a time


def test_a_deployment_stores_its_recipe_without_defaults(monkeypatch):
    monkeypatch.chdir(REPO)
    config = load_recipe("configs/demo.yaml", ["run.seed=3"])["config"]
    assert config["run"] == {"name": "demo", "seed": 3, "iterations": 2}
    assert "sampling" not in json.dumps(config)  # a key of run.time_limits_s


class Pool:
    def __init__(self, limit):
        self.concurrency_limit = limit


@pytest.mark.parametrize(("limit", "expected"), [(1, ["--limit", "1"]), (None, [])])
def test_a_worker_reads_type_and_limit_from_its_pool_and_creates_none(limit, expected, monkeypatch):
    monkeypatch.setattr(worker, "require_pool", lambda name: Pool(limit))
    command = worker.make_command("docker-gpu-01", ["--with-healthcheck"])
    assert command[-3 - len(expected) :] == [
        "docker-gpu-01",
        "--no-create-pool-if-not-found",
        *expected,
        "--with-healthcheck",
    ]
    assert "--type" not in command


def test_without_a_gpu_pool_no_gpu_recipe_is_deployed(monkeypatch):
    monkeypatch.setattr(deploy, "require_pool", lambda name: Pool(None))
    names = [part for part in deploy.make_command() if "/" in part and part not in str(REPO)]
    assert {name for name in names if name.startswith(("expert-iteration/", "best-of-n/", "pass-at-k/"))} == {
        "expert-iteration/demo",
        "expert-iteration/demo-rft",
        "expert-iteration/demo-vllm",
        "best-of-n/demo",
        "pass-at-k/demo",
    }
    assert "--all" in deploy.make_command("gpu-01")


@pytest.mark.parametrize("address", ["", "http://127.0.0.1:9/api"])
def test_a_missing_server_is_named(address):
    with temporary_settings({PREFECT_API_URL: address or None}), pytest.raises(MucodeError, match="hint"):
        lookup.require_pool("cpu")


def test_the_health_of_workers_and_servers_is_checked():
    assert find_address(["docker-init", "--", "python", "-m", "mucode_deployments.worker", "cpu"]).endswith(
        ":8080/health"
    )
    assert find_address(["prefect", "server", "start"]).endswith(":4200/api/health")
    assert find_address(["mucode", "demo"]) is None


COMPOSE = [f"--file={REPO / 'deployments' / name}" for name in ("compose.yaml", "compose.gpu.yaml")]
GPUS = {"GPU_GROUPS": "0,1 2,3", "GPU_POOL": "gpu-01"}


def read_compose(*files, **environment):
    """What Compose makes of the files, or the message by which it refuses."""
    plain = {name: value for name, value in os.environ.items() if name not in GPUS}
    done = subprocess.run(
        ["docker-compose", *files, "config"], env=plain | environment, check=False, capture_output=True, text=True
    )
    return yaml.safe_load(done.stdout)["services"] if done.returncode == 0 else done.stderr


@pytest.mark.docker
def test_compose_waits_for_the_dependencies_of_a_service():
    services = read_compose(*COMPOSE, **GPUS)
    healthy, done = {"condition": "service_healthy"}, {"condition": "service_completed_successfully"}
    assert {name: service.get("depends_on") for name, service in services.items()} == {
        "database": None,
        "server": {"database": healthy},
        "setup": {"server": healthy},
        "worker": {"setup": done},
        "gpu-worker": {"setup": done},
        "sandbox": None,
        "serve": None,
    }
    assert services["gpu-worker"]["command"] == "python -m mucode_deployments.worker gpu-01 --with-healthcheck"
    assert services["setup"]["environment"].items() >= GPUS.items()
    shared = ("volumes", "group_add", "env_file", "init", "restart", "environment")
    assert all(services["gpu-worker"].get(key) == services["worker"].get(key) for key in shared)


@pytest.mark.docker
def test_compose_without_gpus_deploys_nothing_for_them():
    services = read_compose(COMPOSE[0], POSTGRES_SCALE="0")
    assert "gpu-worker" not in services
    assert services["setup"]["environment"]["GPU_POOL"] == ""
    assert services["database"]["scale"] == 0


@pytest.mark.docker
@pytest.mark.parametrize("missing", GPUS)
def test_compose_with_gpus_asks_for_their_pools(missing):
    assert missing in read_compose(*COMPOSE, **{name: value for name, value in GPUS.items() if name != missing})


def test_the_form_of_the_ui_knows_every_key():
    from mucode_flows.expert_iteration import expert_iteration

    schema = parameter_schema(expert_iteration.fn).model_dump()
    sections = schema["definitions"]
    assert "batch_size" in sections["TrlSftConfig"]["properties"]
    assert sections["RunConfig"]["properties"]["seed"]["description"]
    for section in ("RunConfig", "SandboxConfig", "EvaluationConfig"):  # keys that a deployment omits have a default
        assert all("default" in key or "$ref" in str(key) for key in sections[section]["properties"].values())


def test_a_recipe_that_cannot_work_is_not_deployed():
    with pytest.raises(ConfigError, match="num_turns"):
        load_recipe("configs/demo.yaml", ["rollouts.num_turns=0"])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("server")) as environment:
        yield environment


def devices_of_models(environment):
    """What the processes that sample and train see."""
    home = f"PREFECT_HOME={environment['PREFECT_HOME']}\0".encode()
    for entry in Path("/proc").iterdir():
        try:
            if b"spawn_main" in (entry / "cmdline").read_bytes() and home in (raw := (entry / "environ").read_bytes()):
                yield re.search(rb"CUDA_VISIBLE_DEVICES=([^\0]*)", raw)[1].decode()
        except OSError:
            continue


def begin(environment, directory, deployment, name, *overrides):
    places = [f"run.output_dir={directory / name}", f"run.store_dir={directory / 'store'}", f"run.name={name}"]
    config = load_recipe("configs/demo.yaml", [*SMALL, *places, *overrides])["config"]
    call(environment, "prefect", "deployment", "run", deployment, "-p", f"config={json.dumps(config)}")
    return ask(environment, "flow_runs/filter", sort="EXPECTED_START_TIME_DESC", limit=1)[0]["id"]


def read_environ(pid):
    return Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")


def follow(environment, seconds):
    """The states in which all runs end, and which devices models saw at one time."""
    deadline, seen = time.monotonic() + TIMEOUT_FACTOR * seconds, set()
    while time.monotonic() < deadline:
        seen.add(tuple(sorted(set(devices_of_models(environment)))))
        runs = ask(environment, "flow_runs/filter")
        if all(run["state_type"] not in ("SCHEDULED", "PENDING", "RUNNING") for run in runs):
            break
        time.sleep(0.5)
    return [run["state_type"] for run in runs], seen - {()}


@pytest.mark.slow
def test_pools_of_each_type_are_created_and_updated(server):
    for arguments in (["2,3"], ["--type", "docker", "0,1"], ["--type", "kubernetes", "4"], ["--node", "left", "2"]):
        call(server, "mucode_deployments.pools", *arguments)
    httpx.patch(f"{server['PREFECT_API_URL']}/v2/concurrency_limits/gpu-2", json={"limit": 5}).raise_for_status()
    call(server, "mucode_deployments.pools", "2,3", "--silence", "45")
    pools = ask(server, "work_pools/filter")
    assert {pool["name"]: (pool["type"], pool["concurrency_limit"]) for pool in pools} == {
        "cpu": ("process", None),
        "gpu-23": ("process", 1),
        "left-gpu-2": ("process", 1),
        "docker-cpu": ("docker", None),
        "docker-gpu-01": ("docker", 1),
        "kubernetes-0gpu": ("kubernetes", None),
        "kubernetes-4gpu": ("kubernetes", None),
    }
    limits = {limit["name"]: limit["limit"] for limit in ask(server, "v2/concurrency_limits/filter")}
    assert limits == {"gpu-0": 1, "gpu-1": 1, "gpu-2": 1, "gpu-3": 1, "left-gpu-2": 1}
    automations = ask(server, "automations/filter")
    assert [automation["trigger"]["within"] for automation in automations] == [45, 45]


@pytest.mark.slow
def test_a_missing_pool_is_an_error_with_a_hint(server):
    command = [sys.executable, "-m", "mucode_deployments.worker", "gpu-9"]
    done = subprocess.run(command, env=server, cwd=REPO, check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == 2
    assert 'gpu-9: there is no such work pool\n  hint: make pools GPUS="' in done.stderr
    assert "gpu-9" not in {pool["name"] for pool in ask(server, "work_pools/filter")}


@pytest.mark.slow
def test_a_run_whose_process_never_began_has_crashed_and_one_that_waits_for_its_image_has_not(server):
    """As a worker leaves them that is killed meanwhile; the first would hold its pool for ever."""
    call(server, "mucode_deployments.pools", "--silence", "20")
    call(server, "mucode_deployments.pools", "--type", "docker", "--silence", "20")
    runs = {}
    for pool in ("cpu", "docker-cpu"):
        call(
            server,
            "prefect",
            "--no-prompt",
            "deploy",
            "tests/support/patient.py:patient",
            "--name",
            pool,
            "--pool",
            pool,
        )
        deployment = httpx.get(f"{server['PREFECT_API_URL']}/deployments/name/patient/{pool}").json()["id"]
        runs[pool] = ask(server, f"deployments/{deployment}/create_flow_run")["id"]
        for state in ("Pending", "Submitting"):
            ask(server, f"flow_runs/{runs[pool]}/set_state", state={"type": "PENDING", "name": state})
    wait_for(lambda: read_run(server, runs["cpu"])["state_type"] == "CRASHED", 90)
    assert "before it began" in read_run(server, runs["cpu"])["state"]["message"]
    assert read_run(server, runs["docker-cpu"])["state_name"] == "Submitting"


@pytest.mark.slow
def test_a_run_that_disappears_has_crashed_and_a_suspended_one_has_not(server):
    call(server, "mucode_deployments.pools", "--silence", "90")  # a busy machine starts a run within that time
    call(
        server,
        "prefect",
        "--no-prompt",
        "deploy",
        "tests/support/patient.py:patient",
        "--name",
        "here",
        "--pool",
        "cpu",
    )
    deployment = httpx.get(f"{server['PREFECT_API_URL']}/deployments/name/patient/here").json()["id"]
    create = f"deployments/{deployment}/create_flow_run"
    misspelt = {"job_variables": {"cuda_visible_device": "0"}}
    refused = httpx.post(f"{server['PREFECT_API_URL']}/{create}", json=misspelt)
    assert refused.status_code == 422
    assert "cuda_visible_device" in refused.text
    often = server | {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}  # the shortest that Prefect has
    worker = launch(often, sys.executable, "-m", "mucode_deployments.worker", "cpu")
    try:
        suspended, vanished = (ask(server, create)["id"] for _ in range(2))
        for run in (suspended, vanished):
            wait_for(lambda run=run: read_run(server, run)["state_type"] == "RUNNING", 120)
        pid = process_of(server, suspended)
        suspend(server, suspended)
        wait_for(lambda: not Path(f"/proc/{pid}").exists(), 30)
        own = {"resource": {"id": [f"prefect.flow-run.{suspended}"]}}
        wait_for(lambda: ask(server, "events/filter", filter=own)["events"][0]["event"].endswith(".ended"), 30)
        os.killpg(worker.pid, signal.SIGKILL)
        os.kill(process_of(server, vanished), signal.SIGKILL)
        wait_for(lambda: read_run(server, vanished)["state_type"] == "CRASHED", 200)
        assert "no heartbeat" in read_run(server, vanished)["state"]["message"]
        assert read_run(server, suspended)["state_name"] == "Suspended"
    finally:
        worker.kill()
        worker.wait()


def documented():
    """The first commands of docs/deployments.md, as a reader types them."""
    text = (REPO / "docs" / "deployments.md").read_text()
    lines = re.findall(r"^    (make .*)$", text, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines[:5]]


def make(*arguments):
    """The command of a target that takes the environment as it is."""
    return ["make", "--old-file=.venv/.installed", *arguments]


@pytest.mark.slow
def test_the_documented_commands_run_on_cpu_and_gpus_and_pools_share_no_device(tmp_path):
    """Two runs on pools that have a device in common, and one on pool cpu."""
    environment = make_environment(tmp_path)
    environment["PREFECT_SERVER_API_PORT"] = re.search(r":(\d+)/", environment["PREFECT_API_URL"])[1]
    serve, pools, deployments, *workers = documented()
    processes = [launch(environment, *make(*serve[1:]))]
    try:
        wait_for_server(environment, processes[0])
        for command in (
            make(
                *pools[1:],
            ),
            make(*deployments[1:]),
        ):
            finish(environment, *command)
        processes += [launch(environment, *make(*command[1:])) for command in workers]
        begin(environment, tmp_path, "expert-iteration/llama-3.1-8b-mbpp", "one")
        finish(environment, *make("pools", "GPUS=3,4"))
        finish(environment, *make("deploy", "GPU_POOL=gpu-34"))
        processes.append(launch(environment, *make("worker", "POOL=gpu-34")))
        begin(environment, tmp_path, "expert-iteration/llama-3.1-8b-mbpp", "two")
        states, seen = follow(environment, 700)
        assert states == ["COMPLETED"] * 2
        assert ("0,1,2,3",) in seen
        assert seen <= {("0,1,2,3",), ("3,4",)}

        run = begin(environment, tmp_path, "expert-iteration/demo", "on-cpu")  # from the store
        wait_for(lambda: read_run(environment, run)["state_type"] == "RUNNING", 60)
        assert "CUDA_VISIBLE_DEVICES=" in read_environ(process_of(environment, run))
        assert follow(environment, 200)[0] == ["COMPLETED"] * 3
    finally:
        for process in reversed(processes):
            stop(process)
    assert (tmp_path / "two" / "report.md").exists()
