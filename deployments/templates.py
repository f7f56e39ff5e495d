"""Base job templates of work pools: Prefect's, plus the GPUs of a run and the requirements of its sandbox.

A pool of processes or Docker containers gives its runs the devices of `CUDA_VISIBLE_DEVICES`, under the host's
numbers, so that the limits `gpu-N` apply across pools. On Kubernetes a run requests a number of devices.
"""

from __future__ import annotations

from typing import Any

from prefect.workers.process import ProcessWorker

from mucode_core.system.gpus import NODE

DEVICES = "cuda_visible_devices"
_SHARED_MEMORY = "16g"
"""Shared memory, where the processes of an engine or a training exchange tensors."""
_USER = 10001
"""`mucode` in the image."""


def make_process_template(devices: str, *, node: str = "") -> dict[str, Any]:
    """Template for processes on the worker's machine.

    Args:
        devices: A value of `CUDA_VISIBLE_DEVICES`; empty for none.
        node: Name of the machine, if there are several.
    """
    template = ProcessWorker.get_default_base_job_template()
    _pin(template, devices, node)
    return template


def make_docker_template(devices: str, *, image: str, group: int, sandbox_dir: str, node: str = "") -> dict[str, Any]:
    """Template for containers on the worker's machine; their sandboxes are sibling containers.

    Args:
        devices: A value of `CUDA_VISIBLE_DEVICES`; empty for none.
        image: Image of the project.
        group: Id of the group that may use the daemon's socket.
        sandbox_dir: Directory with the same path on the host and in containers, owned by the image's user.
        node: Name of the machine, if there are several.
    """
    from prefect_docker.worker import DockerWorker

    template = DockerWorker.get_default_base_job_template()
    _pin(template, devices, node, TMPDIR=sandbox_dir)
    socket = "/var/run/docker.sock"
    variables = template["variables"]["properties"]
    variables["image"]["default"] = image
    variables["volumes"]["default"] = [
        "mucode-runs:/app/runs",
        f"{socket}:{socket}",
        f"{sandbox_dir}:{sandbox_dir}",
    ]
    gpus = [{"Driver": "nvidia", "Count": -1, "Capabilities": [["gpu"]]}] if devices else []
    variables["container_create_kwargs"]["default"] = {
        "init": True,
        "group_add": [str(group)],
        "shm_size": _SHARED_MEMORY,
        "device_requests": gpus,
    }
    return template


def make_kubernetes_template(num_gpus: int, *, image: str, claim: str) -> dict[str, Any]:
    """Template for jobs of a cluster. Without a Docker daemon, recipes need `sandbox.backend: process`.

    Args:
        num_gpus: `nvidia.com/gpu` of a run's pod.
        image: Image of the project.
        claim: Name of the persistent volume claim for `runs/`.
    """
    from prefect_kubernetes.worker import KubernetesWorker

    template = KubernetesWorker.get_default_base_job_template()
    _refuse_unknown(template)
    variables = template["variables"]["properties"]
    variables["image"]["default"] = image
    variables["gpus"] = {
        "type": "integer",
        "title": "GPUs",
        "description": "nvidia.com/gpu of every run of this pool.",
        "minimum": 0,
        "default": num_gpus,
    }
    variables["runs_claim"] = {
        "type": "string",
        "title": "Volume of runs",
        "description": "Persistent volume claim that is mounted as runs/ and shared by all runs.",
        "minLength": 1,
        "default": claim,
    }
    pod = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    pod["securityContext"] = {"runAsNonRoot": True, "runAsUser": _USER, "fsGroup": _USER}
    pod["volumes"] = [
        {"name": "runs", "persistentVolumeClaim": {"claimName": "{{ runs_claim }}"}},
        {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "16Gi"}},
    ]
    (container,) = pod["containers"]
    container["resources"]["limits"]["nvidia.com/gpu"] = "{{ gpus }}"
    container["volumeMounts"] = [
        {"name": "runs", "mountPath": "/app/runs"},
        {"name": "shared-memory", "mountPath": "/dev/shm"},  # noqa: S108 - the kernel's location
    ]
    return template


def _pin(template: dict[str, Any], devices: str, node: str, **environment: str) -> None:
    _refuse_unknown(template)
    location = {NODE: node} if node else {}
    pinned = {"CUDA_VISIBLE_DEVICES": f"{{{{ {DEVICES} }}}}", **location, **environment}
    template["job_configuration"]["env"] = pinned
    template["variables"]["properties"][DEVICES] = {
        "type": "string",
        "title": "GPUs",
        "description": "CUDA_VISIBLE_DEVICES of every run of this pool, such as 0,1; empty hides all.",
        "pattern": r"^$|^[\w-]+(,[\w-]+)*$",
        "default": devices,
    }


def _refuse_unknown(template: dict[str, Any]) -> None:
    """Makes a misspelt variable an error, instead of starting the run with the default."""
    template["variables"]["additionalProperties"] = False
