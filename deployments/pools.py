"""Work pools: `cpu`, and one for each group of GPUs, whose runs see exactly those devices.

    python -m deployments.pools 0,1,2,3 4,5,6,7    # makes or renews cpu, gpu-0123 and gpu-4567

Also makes what keeps two runs off one GPU and ends runs whose process is gone: a limit of one run for each pool, a
concurrency limit for each GPU, and an automation that marks runs without heartbeat as crashed.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from prefect.automations import Automation
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.workers.process import ProcessWorker

CPU_POOL = "cpu"
VARIABLE = "cuda_visible_devices"
_ZOMBIES = "mucode: runs without heartbeat have crashed"
_SILENCE = timedelta(seconds=300)
"""Without a heartbeat (`PREFECT_FLOWS_HEARTBEAT_FREQUENCY`, 60 s in quiet.env)."""


def pool_name(devices: str) -> str:
    """`gpu-0123` for "0,1,2,3"."""
    return "gpu-" + devices.replace(",", "")


def make_template(devices: str) -> dict[str, Any]:
    """Prefect's own template of a process pool, with the devices that its runs see.

    Args:
        devices: As `CUDA_VISIBLE_DEVICES` names them; empty for none.
    """
    template = ProcessWorker.get_default_base_job_template()
    template["job_configuration"]["env"] = {"CUDA_VISIBLE_DEVICES": f"{{{{ {VARIABLE} }}}}"}
    template["variables"]["properties"][VARIABLE] = {
        "type": "string",
        "title": "GPUs",
        "description": "CUDA_VISIBLE_DEVICES of every run of this pool, such as 0,1; empty shows none.",
        "pattern": r"^$|^[\w-]+(,[\w-]+)*$",
        "default": devices,
    }
    return template


async def make_pools(groups: Sequence[str]) -> list[str]:
    """Makes or renews all pools; returns their names."""
    async with get_client() as client:
        await _make_pool(client, CPU_POOL, "", limit=None)
        for devices in groups:
            await _make_pool(client, pool_name(devices), devices, limit=1)
            for device in devices.split(","):
                await _make_limit(client, f"gpu-{device}")
    await _make_automation()
    return [CPU_POOL, *map(pool_name, groups)]


async def _make_pool(client: PrefectClient, name: str, devices: str, limit: int | None) -> None:
    template = make_template(devices)
    try:
        await client.create_work_pool(
            WorkPoolCreate(name=name, type="process", base_job_template=template, concurrency_limit=limit)
        )
    except ObjectAlreadyExists:
        await client.update_work_pool(name, WorkPoolUpdate(base_job_template=template, concurrency_limit=limit))


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


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("groups", nargs="*", help="devices of a pool, as CUDA_VISIBLE_DEVICES names them: 0,1,2,3")
    names = asyncio.run(make_pools(parser.parse_args().groups))
    print("pools:", ", ".join(names))


if __name__ == "__main__":
    main()
