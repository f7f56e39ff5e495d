"""Work pools: `cpu`, and one for each group of GPUs, whose runs see exactly those devices.

    python -m mucode_deployments.pools 0,1,2,3 4,5,6,7  # creates or updates cpu, gpu-0123 and gpu-4567
    python -m mucode_deployments.pools --type docker --image mucode:gpu 0,1      # docker-cpu, docker-gpu-01
    python -m mucode_deployments.pools --type kubernetes --image mucode:gpu 4    # kubernetes-0gpu, kubernetes-4gpu
    python -m mucode_deployments.pools --node left 0,1  # cpu, left-gpu-01: one of several machines

Also creates or updates a limit of one run per pool and a concurrency limit per GPU, which prevent two runs on one GPU,
and automations that mark runs as crashed if their heartbeat stops or their process ended before they began.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from mucode_deployments.command import run_command
from mucode_deployments.lookup import require_answer
from mucode_deployments.templates import make_docker_template, make_kubernetes_template, make_process_template
from prefect.automations import Automation
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.exceptions import ObjectAlreadyExists

from mucode_core.errors import ConfigError
from mucode_core.system.gpus import limit_name

CPU_POOL = "cpu"
_SOCKET = "/var/run/docker.sock"
_SANDBOX_DIR = "/var/tmp/mucode"  # noqa: S108 - created by the operator, for one user
_ZOMBIES = "mucode: runs without heartbeat have crashed"
_STILLBORN = "mucode: runs that were submitted and never began have crashed"
_SILENCE_S = 300.0
"""Time without a heartbeat (`PREFECT_FLOWS_HEARTBEAT_FREQUENCY`, 60 s in quiet.env)."""


def pool_name(devices: str, kind: str = "process", node: str = "") -> str:
    """`gpu-0123` for "0,1,2,3", `cpu` for none; for containers `docker-gpu-0123`, for one of several machines
    `NODE-gpu-0123`. Pool `cpu` is shared by all machines."""
    own = "gpu-" + devices.replace(",", "") if devices else CPU_POOL
    if kind != "process":
        own = f"{kind}-{own}"
    return f"{node}-{own}" if node and own != CPU_POOL else own


@dataclass(frozen=True)
class Pool:
    """A work pool to create.

    Attributes:
        kind: `process`, `docker` or `kubernetes`.
        template: Prefect's base job template.
        limit: Concurrent runs.
        limits: Concurrency limits of its devices.
    """

    name: str
    kind: str
    template: dict[str, Any]
    limit: int | None = None
    limits: tuple[str, ...] = ()


def plan_pools(settings: argparse.Namespace) -> list[Pool]:
    """The requested pools: one without GPUs, and one for each group."""
    if settings.type == "kubernetes":
        return [_plan_kubernetes(settings, count) for count in (0, *map(int, settings.groups))]
    return [_plan_machine(settings, devices) for devices in ("", *settings.groups)]


def _plan_kubernetes(settings: argparse.Namespace, count: int) -> Pool:
    template = make_kubernetes_template(count, image=settings.image, claim=settings.claim)
    return Pool(f"kubernetes-{count}gpu", "kubernetes", template)


def _plan_machine(settings: argparse.Namespace, devices: str) -> Pool:
    kind, node = settings.type, settings.node
    name = pool_name(devices, kind, node)
    if kind == "docker":
        group = Path(_SOCKET).stat().st_gid
        template = make_docker_template(
            devices, image=settings.image, group=group, sandbox_dir=settings.sandbox_dir, node=node
        )
    else:
        template = make_process_template(devices, node=node if devices else "")
    limits = tuple(limit_name(device, node) for device in devices.split(",") if device)
    return Pool(name, kind, template, 1 if devices else None, limits)


async def make_pools(pools: Sequence[Pool], silence_s: float = _SILENCE_S) -> None:
    """Creates or updates them, the limits of their devices, and the automations.

    Args:
        silence_s: Seconds without a heartbeat, or before a start, after which a run counts as crashed.
    """
    async with get_client() as client:
        for pool in pools:
            await _make_pool(client, pool)
            for limit in pool.limits:
                await client.upsert_global_concurrency_limit_by_name(limit, limit=1)
    within = timedelta(seconds=silence_s)
    alive = {"prefect.flow-run.Running", "prefect.flow-run.heartbeat"}
    await _make_automation(_ZOMBIES, make_trigger(within, after=alive), "no heartbeat")
    # only for process pools: others may first have to pull an image or wait for a node
    processes = {"prefect.resource.role": "work-pool", "prefect.work-pool.type": "process"}
    submitted = make_trigger(within, after={"prefect.flow-run.Submitting"}, match_related=processes)
    await _make_automation(_STILLBORN, submitted, "its process ended before it began")


async def _make_pool(client: PrefectClient, pool: Pool) -> None:
    content: dict[str, Any] = {"base_job_template": pool.template, "concurrency_limit": pool.limit}
    try:
        await client.create_work_pool(WorkPoolCreate(name=pool.name, type=pool.kind, **content))
    except ObjectAlreadyExists:
        await client.update_work_pool(pool.name, WorkPoolUpdate(**content))


def make_trigger(within: timedelta, *, after: set[str], **matched: Any) -> EventTrigger:
    """Fires for a run without further events for some time after one of the given events."""
    return EventTrigger(
        after=after,
        # a heartbeat, or an event that ended or suspended the run; states have more names than types
        expect={"prefect.flow-run.*"},
        for_each={"prefect.resource.id"},
        match={"prefect.resource.id": ["prefect.flow-run.*"]},
        posture=Posture.Proactive,
        threshold=1,
        within=within,
        **matched,
    )


async def _make_automation(name: str, trigger: EventTrigger, problem: str) -> None:
    action = ChangeFlowRunState(state=StateType.CRASHED, message=f"{problem}: run the deployment again to resume")
    wanted = Automation(name=name, trigger=trigger, actions=[action])
    try:
        existing: Automation = await Automation.aread(name=name)  # pyright: ignore
    except ValueError:  # it does not exist
        await wanted.acreate()
    else:
        wanted.id = existing.id
        await wanted.aupdate()


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("groups", nargs="*", help="GPUs of a pool: 0,1,2,3; for Kubernetes their number: 4")
    parser.add_argument("--type", choices=["process", "docker", "kubernetes"], default="process")
    parser.add_argument("--image", default="mucode:cpu", help="image for containers (docs/images.md)")
    parser.add_argument("--sandbox-dir", default=_SANDBOX_DIR, help="docker: same path on the host and in containers")
    parser.add_argument("--node", default="", help="name of this machine, if workers run on several")
    parser.add_argument("--silence", type=float, default=_SILENCE_S, help="seconds without heartbeat until a crash")
    parser.add_argument("--claim", default="mucode-runs", help="kubernetes: persistent volume claim for runs/")
    return parser


def main() -> None:
    settings = _make_parser().parse_args()
    for group in settings.groups:
        if not all(part.isdecimal() for part in group.split(",")):
            raise ConfigError(
                f"{group!r} is not a group of GPUs", location="GPUS", hint="write numbers: 0,1,2,3 4,5,6,7"
            )
    require_answer()
    pools = plan_pools(settings)
    asyncio.run(make_pools(pools, settings.silence))
    print("pools:", ", ".join(pool.name for pool in pools))


if __name__ == "__main__":
    run_command(main)
