"""Work pools: `cpu`, and one for each group of GPUs, whose runs see exactly those devices.

    python -m deployments.pools 0,1,2,3 4,5,6,7                           # makes or renews cpu, gpu-0123 and gpu-4567
    python -m deployments.pools --type docker --image mucode:gpu 0,1      # docker-cpu, docker-gpu-01
    python -m deployments.pools --type kubernetes --image mucode:gpu 4    # kubernetes-0gpu, kubernetes-4gpu

Also makes what keeps two runs off one GPU and ends runs whose process is gone: a limit of one run for each pool, a
concurrency limit for each GPU, and an automation that marks runs without heartbeat as crashed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from prefect.automations import Automation
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from deployments.templates import make_docker_template, make_kubernetes_template, make_process_template

CPU_POOL = "cpu"
_SOCKET = "/var/run/docker.sock"
_SANDBOX_DIR = "/var/tmp/mucode"  # noqa: S108 - made by the operator, for one user
_ZOMBIES = "mucode: runs without heartbeat have crashed"
_SILENCE = timedelta(seconds=300)
"""Without a heartbeat (`PREFECT_FLOWS_HEARTBEAT_FREQUENCY`, 60 s in quiet.env)."""


def pool_name(devices: str) -> str:
    """`gpu-0123` for "0,1,2,3", `cpu` for none."""
    return "gpu-" + devices.replace(",", "") if devices else CPU_POOL


@dataclass(frozen=True)
class Pool:
    """A work pool to make.

    Attributes:
        kind: `process`, `docker` or `kubernetes`.
        template: Prefect's base job template.
        limit: Runs at a time.
        devices: Of the machine, that its runs share with no other run.
    """

    name: str
    kind: str
    template: dict[str, Any]
    limit: int | None = None
    devices: tuple[str, ...] = ()


def plan_pools(arguments: Sequence[str]) -> list[Pool]:
    """The pools that the command's arguments ask for: one without GPUs, and one for each group."""
    settings = _make_parser().parse_args(arguments)
    kind, image = settings.type, settings.image
    if kind == "kubernetes":
        return [
            Pool(f"{kind}-{count}gpu", kind, make_kubernetes_template(count, image=image, claim=settings.claim))
            for count in (0, *map(int, settings.groups))
        ]
    pools = []
    for devices in ("", *settings.groups):
        if kind == "docker":
            group = Path(_SOCKET).stat().st_gid
            template = make_docker_template(devices, image=image, group=group, sandbox_dir=settings.sandbox_dir)
        else:
            template = make_process_template(devices)
        prefix = "" if kind == "process" else f"{kind}-"
        names = tuple(filter(None, devices.split(",")))
        pools.append(Pool(prefix + pool_name(devices), kind, template, 1 if devices else None, names))
    return pools


async def make_pools(pools: Sequence[Pool]) -> None:
    """Makes or renews them, the limits of their devices, and the automation."""
    async with get_client() as client:
        for pool in pools:
            await _make_pool(client, pool)
            for device in pool.devices:
                await _make_limit(client, f"gpu-{device}")
    await _make_automation()


async def _make_pool(client: PrefectClient, pool: Pool) -> None:
    content: dict[str, Any] = {"base_job_template": pool.template, "concurrency_limit": pool.limit}
    try:
        await client.create_work_pool(WorkPoolCreate(name=pool.name, type=pool.kind, **content))
    except ObjectAlreadyExists:
        await client.update_work_pool(pool.name, WorkPoolUpdate(**content))


async def _make_limit(client: PrefectClient, name: str) -> None:
    try:
        await client.read_global_concurrency_limit_by_name(name)
    except ObjectNotFound:
        await client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=1))


async def _make_automation() -> None:
    try:
        await Automation.aread(name=_ZOMBIES)  # pyright: ignore
    except ValueError:  # there is none of that name
        heartbeat = "prefect.flow-run.heartbeat"
        trigger = EventTrigger(
            after={heartbeat},
            expect={
                heartbeat,
                "prefect.flow-run.Completed",
                "prefect.flow-run.Failed",
                "prefect.flow-run.Crashed",
                "prefect.flow-run.Cancelled",
            },
            for_each={"prefect.resource.id"},
            match={"prefect.resource.id": ["prefect.flow-run.*"]},
            posture=Posture.Proactive,
            threshold=1,
            within=_SILENCE,
        )
        action = ChangeFlowRunState(state=StateType.CRASHED, message="no heartbeat: run the deployment again to resume")
        await Automation(name=_ZOMBIES, trigger=trigger, actions=[action]).acreate()


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("groups", nargs="*", help="GPUs of a pool: 0,1,2,3; of a pool of Kubernetes their number: 4")
    parser.add_argument("--type", choices=["process", "docker", "kubernetes"], default="process")
    parser.add_argument("--image", default="mucode:cpu", help="of runs in containers (docs/images.md)")
    parser.add_argument("--sandbox-dir", default=_SANDBOX_DIR, help="docker: one path on the host and in containers")
    parser.add_argument("--claim", default="mucode-runs", help="kubernetes: persistent volume claim of runs/")
    return parser


def main() -> None:
    pools = plan_pools(sys.argv[1:])
    asyncio.run(make_pools(pools))
    print("pools:", ", ".join(pool.name for pool in pools))


if __name__ == "__main__":
    main()
