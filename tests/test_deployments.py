"""Deployments and work pools: what they say, and one run of them for real."""

import asyncio
import json
import re
import time
from pathlib import Path

import docker
import httpx
import jsonschema
import pytest
import yaml
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import ValidationError, validate
from prefect.workers.process import ProcessJobConfiguration
from prefect_docker.worker import DockerWorkerJobConfiguration
from prefect_kubernetes.worker import KubernetesWorkerJobConfiguration

from deployments.pools import pool_name
from deployments.recipes import load_recipe
from deployments.templates import make_docker_template, make_kubernetes_template, make_process_template
from mucode_core.config import make_config
from mucode_core.errors import ConfigError
from tests.conftest import REPO
from tests.prefect_server import call, running_server, start, stop

FILE = yaml.safe_load((REPO / "deployments" / "prefect.yaml").read_text())


def make_job(configuration, template, **values):
    """The job that Prefect's worker makes of a pool's template and a deployment's variables."""
    jsonschema.Draft202012Validator.check_schema(template["variables"])
    return asyncio.run(configuration.from_template_and_values(template, values))


@pytest.mark.parametrize(("values", "seen"), [({}, "4,5"), ({"cuda_visible_devices": "GPU-a1"}, "GPU-a1")])
def test_a_process_sees_its_pool_s_devices(values, seen):
    job = make_job(ProcessJobConfiguration, make_process_template("4,5"), **values)
    assert job.env["CUDA_VISIBLE_DEVICES"] == seen
    assert (pool_name("4,5"), pool_name("")) == ("gpu-45", "cpu")


DOCKER = {"image": "mucode:gpu", "group": 111, "sandbox_dir": "/var/tmp/here"}


def test_a_container_gets_devices_and_the_daemon():
    job = make_job(DockerWorkerJobConfiguration, make_docker_template("4,5", **DOCKER))
    assert job.env == {"CUDA_VISIBLE_DEVICES": "4,5", "TMPDIR": "/var/tmp/here"}
    assert job.image == "mucode:gpu"
    assert {"/var/run/docker.sock:/var/run/docker.sock", "/var/tmp/here:/var/tmp/here"} < set(job.volumes)
    settings = job.container_create_kwargs
    assert settings["group_add"] == ["111"]
    created = docker.types.HostConfig("1.41", device_requests=settings["device_requests"], shm_size="16g")
    assert created["DeviceRequests"][0]["Capabilities"] == [["gpu"]]


def test_a_container_of_the_pool_without_gpus_asks_for_none():
    job = make_job(DockerWorkerJobConfiguration, make_docker_template("", **DOCKER))
    assert job.env["CUDA_VISIBLE_DEVICES"] == ""
    assert job.container_create_kwargs["device_requests"] == []


@pytest.mark.parametrize(("values", "gpus"), [({}, 4), ({"gpus": 8, "runs_claim": "shared"}, 8)])
def test_a_pod_asks_for_gpus_and_mounts_runs(values, gpus):
    template = make_kubernetes_template(4, image="mucode:gpu", claim="runs")
    job = make_job(KubernetesWorkerJobConfiguration, template, **values)
    pod = job.job_manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == gpus
    assert container["image"] == "mucode:gpu"
    assert pod["securityContext"]["runAsNonRoot"]
    claimed = {v["name"]: v.get("persistentVolumeClaim", {}).get("claimName") for v in pod["volumes"]}
    assert claimed["runs"] == values.get("runs_claim", "runs")
    assert {m["name"] for m in container["volumeMounts"]} == set(claimed)


@pytest.mark.parametrize(
    ("template", "wrong", "said"),
    [
        (make_process_template(""), {"cuda_visible_devices": "0;rm -rf"}, "0;rm"),
        (make_docker_template("", **DOCKER), {"cuda_visible_devices": "$(id)"}, "id"),
        (make_kubernetes_template(1, image="i", claim="c"), {"gpus": -1}, "-1"),
    ],
)
def test_a_wrong_variable_is_refused(template, wrong, said):
    with pytest.raises(ValidationError, match=re.escape(said)):
        validate(wrong, template["variables"], raise_on_error=True)


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


@pytest.mark.slow
def test_pools_of_each_type_are_made_and_renewed(server):
    for arguments in (["2,3"], ["--type", "docker", "0,1"], ["--type", "kubernetes", "4"], ["2,3"]):
        call(server, "deployments.pools", *arguments)
    pools = httpx.post(f"{server['PREFECT_API_URL']}/work_pools/filter", json={}).json()
    assert {pool["name"]: (pool["type"], pool["concurrency_limit"]) for pool in pools} == {
        "cpu": ("process", None),
        "gpu-23": ("process", 1),
        "docker-cpu": ("docker", None),
        "docker-gpu-01": ("docker", 1),
        "kubernetes-0gpu": ("kubernetes", None),
        "kubernetes-4gpu": ("kubernetes", None),
    }


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
