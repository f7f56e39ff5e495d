"""Reserves the GPUs of a run, so that no other run uses them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager

from mucode_tasks.engine.monitor import has_server
from prefect.client.orchestration import get_client
from prefect.concurrency.sync import concurrency

from mucode_core.config import Config
from mucode_core.system.gpus import limit_name, visible_devices
from mucode_core.system.locks import hold_devices

_LEASE_S = 60
"""How long GPUs stay reserved after a kill -9; the shortest that Prefect allows. A live run renews its lease."""


def find_devices(config: Config) -> list[str]:
    """The GPUs that a run may use: those it was pinned to, else those that its configuration names."""
    if (pinned := visible_devices()) is not None:
        return pinned
    if config.run.placement == "deployments":  # its stages name them where they run
        return []
    trained = (section.trl for section in config.trainings.values())
    sections = (config.generator.vllm, config.verifier.vllm, *trained)
    return sorted({str(gpu) for section in sections for gpu in section.gpus})


@contextmanager
def hold_gpus(devices: Sequence[str], report: Callable[[str], None]) -> Generator[None]:
    """A block in which no other run has these GPUs.

    A server holds a limit for each, which excludes runs of other machines and containers and which the UI shows;
    a lock of this machine holds also while the server is away, and between runs that know different servers or none.
    """
    names = [limit_name(device) for device in devices]
    with ExitStack() as held:
        if names and has_server():
            with get_client(sync_client=True) as client:
                for name in names:
                    client.upsert_global_concurrency_limit_by_name(name, limit=1)
            held.enter_context(concurrency(names, lease_duration=_LEASE_S))
        held.enter_context(hold_devices(names, report))
        yield
