"""Templates of work pools: the job that each of Prefect's workers makes of them."""

import asyncio
import re

import docker
import jsonschema
import pytest
from mucode_deployments.pools import pool_name
from mucode_deployments.templates import make_docker_template, make_kubernetes_template, make_process_template
from prefect.utilities.schema_tools.validation import ValidationError, validate
from prefect.workers.process import ProcessJobConfiguration
from prefect_docker.worker import DockerWorkerJobConfiguration
from prefect_kubernetes.worker import KubernetesWorkerJobConfiguration

from mucode_core.system.gpus import limit_name


def make_job(configuration, template, **values):
    """The job that Prefect's worker makes of a pool's template and a deployment's variables."""
    jsonschema.Draft202012Validator.check_schema(template["variables"])
    asked_for_nothing = object()  # a client, which only templates that name blocks use
    return asyncio.run(configuration.from_template_and_values(template, values, client=asked_for_nothing))


@pytest.mark.parametrize(("values", "seen"), [({}, "4,5"), ({"cuda_visible_devices": "GPU-a1"}, "GPU-a1")])
def test_a_process_sees_its_pool_s_devices(values, seen):
    job = make_job(ProcessJobConfiguration, make_process_template("4,5"), **values)
    assert job.env["CUDA_VISIBLE_DEVICES"] == seen
    assert "MUCODE_NODE" not in job.env


def test_machines_of_one_server_share_no_names(monkeypatch):
    job = make_job(ProcessJobConfiguration, make_process_template("4,5", node="left"))
    monkeypatch.setenv("MUCODE_NODE", job.env["MUCODE_NODE"])
    assert limit_name("4") == limit_name("4", "left") == "left-gpu-4"
    monkeypatch.delenv("MUCODE_NODE")
    assert limit_name("4") == limit_name("4", "") == "gpu-4"
    assert (pool_name("4,5"), pool_name("")) == ("gpu-45", "cpu")
    assert (pool_name("4,5", node="left"), pool_name("", node="left")) == ("left-gpu-45", "cpu")
    assert (pool_name("4,5", "docker", "left"), pool_name("", "docker", "left")) == (
        "left-docker-gpu-45",
        "left-docker-cpu",
    )


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
        (make_process_template(""), {"cuda_visible_device": "0"}, "cuda_visible_device'"),
        (make_docker_template("", **DOCKER), {"cuda_visible_device": "0"}, "cuda_visible_device'"),
        (make_kubernetes_template(1, image="i", claim="c"), {"gpu": 1}, "gpu'"),
    ],
)
def test_a_wrong_variable_is_refused(template, wrong, said):
    with pytest.raises(ValidationError, match=re.escape(said)):
        validate(wrong, template["variables"], raise_on_error=True)
