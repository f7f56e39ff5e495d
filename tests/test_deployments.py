"""Deployments and work pools: what they say, and one run of them for real."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import jsonschema
import pytest
import yaml
from prefect.utilities.callables import parameter_schema
from prefect.utilities.templating import apply_values
from prefect.workers.process import ProcessJobConfiguration

from deployments.pools import make_template, pool_name
from deployments.recipes import load_recipe
from mucode_core.config import make_config
from mucode_core.errors import ConfigError
from tests.conftest import REPO

FILE = yaml.safe_load((REPO / "deployments" / "prefect.yaml").read_text())


def test_a_pool_s_runs_see_its_devices():
    template = make_template("4,5")
    jsonschema.Draft202012Validator.check_schema(template["variables"])
    defaults = {name: spec.get("default") for name, spec in template["variables"]["properties"].items()}
    assert defaults["cuda_visible_devices"] == "4,5"
    assert pool_name("4,5") == "gpu-45"


@pytest.mark.parametrize(("values", "seen"), [({}, "4,5"), ({"cuda_visible_devices": "GPU-a1"}, "GPU-a1")])
def test_prefect_makes_the_run_s_environment_of_it(values, seen):
    template = make_template("4,5")
    properties = template["variables"]["properties"]
    defaults = {name: spec["default"] for name, spec in properties.items() if spec.get("default") is not None}
    made = ProcessJobConfiguration(**apply_values(template["job_configuration"], defaults | values))
    assert made.env["CUDA_VISIBLE_DEVICES"] == seen


def test_a_wrong_variable_is_refused():
    schema = make_template("")["variables"]
    with pytest.raises(jsonschema.ValidationError, match="0;rm"):
        jsonschema.validate({"cuda_visible_devices": "0;rm -rf"}, schema)


def steps():
    for deployment in FILE["deployments"]:
        (step,) = deployment["build"]
        yield pytest.param(deployment, step["deployments.recipes.load_recipe"], id=deployment["name"])


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


def test_every_recipe_of_the_paper_s_models_is_deployed():
    paths = {step.values[1]["path"] for step in steps()}
    assert {f"configs/{p.name}" for p in (REPO / "configs").glob("*-mbpp.yaml")} <= paths


def test_the_form_of_the_ui_knows_every_key():
    from flows.expert_iteration import expert_iteration

    schema = parameter_schema(expert_iteration.fn).model_dump()
    sections = schema["definitions"]
    assert "batch_size" in sections["TrlSftConfig"]["properties"]
    assert sections["RunConfig"]["properties"]["seed"]["description"]


def test_a_recipe_that_cannot_work_is_not_deployed():
    with pytest.raises(ConfigError, match="num_turns"):
        load_recipe("configs/demo.yaml", ["rollouts.num_turns=0"])


SMALL = [
    "problems.num_train=60",
    "problems.num_validation=20",
    "problems.num_test=20",
    "generator.bootstrap.num_dialogues=3000",
    "run.iterations=1",
    "verifier.final_fit=false",
]


@pytest.fixture
def server(tmp_path):
    """A server of its own; yields the environment of its users."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet = dict(re.findall(r"^(\w+)=(.*)$", (REPO / "deployments" / "quiet.env").read_text(), re.MULTILINE))
    home = {"PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
    environment = os.environ | quiet | home | {"GPU_POOL": "gpu-01"}
    process = start(environment, "server", "start", "--port", str(port))
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{home['PREFECT_API_URL']}/health").status_code == 200:
                break
        except httpx.HTTPError:
            time.sleep(0.5)
    yield environment
    stop(process)


def start(environment, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "prefect", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd=REPO,
    )


def stop(process):
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def call(environment, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        cwd=REPO,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def devices_of_models(environment):
    """What the processes that sample and train see."""
    home = f"PREFECT_HOME={environment['PREFECT_HOME']}\0".encode()
    for entry in Path("/proc").iterdir():
        try:
            if b"spawn_main" in (entry / "cmdline").read_bytes() and home in (raw := (entry / "environ").read_bytes()):
                yield re.search(rb"CUDA_VISIBLE_DEVICES=([^\0]*)", raw)[1].decode()
        except OSError:
            continue


@pytest.mark.slow
def test_deployed_runs_see_their_pool_s_devices_and_never_share_them(server, tmp_path):
    call(server, "deployments.pools", "0,1")
    call(server, "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", "deployments/prefect.yaml")
    worker = start(server, "worker", "start", "--type", "process", "--pool", "gpu-01")
    api, seen = server["PREFECT_API_URL"], set()
    try:
        for name in ("one", "two"):
            places = [f"run.output_dir={tmp_path / name}", f"run.store_dir={tmp_path / 'store'}", f"run.name={name}"]
            config = load_recipe("configs/demo.yaml", [*SMALL, *places])["config"]
            parameter = f"config={json.dumps(config)}"
            call(server, "prefect", "deployment", "run", "expert-iteration/llama-3.1-8b-mbpp", "-p", parameter)
        deadline = time.monotonic() + 700
        while time.monotonic() < deadline:
            seen |= set(devices_of_models(server))
            runs = httpx.post(f"{api}/flow_runs/filter", json={}).json()
            if all(run["state_type"] not in ("SCHEDULED", "PENDING", "RUNNING") for run in runs):
                break
            time.sleep(0.5)
        assert [run["state_type"] for run in runs] == ["COMPLETED", "COMPLETED"]
    finally:
        stop(worker)
    assert seen == {"0,1"}
    first, second = sorted(runs, key=lambda run: run["start_time"])
    assert first["end_time"] <= second["start_time"]
    assert (tmp_path / "two" / "report.md").exists()
