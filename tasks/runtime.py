"""Opens what a run works with: store, worker processes, sandbox."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from prefect.concurrency.sync import concurrency
from prefect.context import FlowRunContext
from prefect.exceptions import UnfinishedRun
from prefect.logging import get_run_logger

from mucode_core import reaper, store_lock
from mucode_core.artifacts import ArtifactStore, open_store
from mucode_core.config import Config
from mucode_core.errors import ConfigError
from mucode_core.preflight.gpus import visible_devices
from mucode_core.sandbox import open_sandbox
from mucode_core.workers import WorkerPool
from tasks.monitoring import has_server, tag_run
from tasks.placement import Placement
from tasks.stage import Runtime
from tasks.suspending import ending_when_suspended

_RUN_LOCK = ".run.lock"
_LEASE_S = 60
"""How long GPUs stay held after a kill -9; the shortest that Prefect allows. A living run renews its lease."""


def run_dir(config: Config) -> Path:
    """Where a run writes its results."""
    return Path(config.run.output_dir or f"runs/{config.run.name}")


@contextmanager
def _hold_gpus(devices: Sequence[str]) -> Generator[None]:
    """A block in which no other run has the GPUs that this one was pinned to.

    A server knows a limit for each GPU of its work pools (`deployments/pools.py`). Without a server, or where nothing
    was pinned, there is nothing to hold; a limit that does not exist is passed over.
    """
    if not devices or not has_server():
        yield
        return
    with concurrency([f"gpu-{name}" for name in devices], lease_duration=_LEASE_S):
        yield


@contextmanager
def open_runtime(config: Config, *, part_of_a_run: bool = False) -> Generator[Runtime]:
    """The runtime of one run, closed at its end.

    Args:
        part_of_a_run: This is a stage of a run that has the output directory already.

    Raises:
        ConfigError: Stages are to be placed, and there is no server to place them by.
        ArtifactError: The store cannot be written, or another run writes to the same output directory.
    """
    reaper.guard()  # a worker's run, which the command line has not guarded
    store = open_store(config.run.store_dir, run_dir(config))
    devices = visible_devices() or []
    workers_log = _workers_log(store)
    tag_run(config, devices)
    runtime = Runtime(
        store,
        WorkerPool(config.run.num_workers, workers_log),
        lambda: open_sandbox(config.sandbox),
        trains_beside_servers=config.run.train_beside_servers,
        devices=devices,
        logger=get_run_logger() if has_server() else None,
        placement=_open_placement(config),
        time_limits=config.run.time_limits_s,
    )
    runtime.monitor.follow(workers_log)
    try:
        alone = nullcontext() if part_of_a_run else store_lock.alone(run_dir(config), _RUN_LOCK)
        with alone, _hold_gpus(devices), ending_when_suspended():
            yield runtime
    except UnfinishedRun as error:  # a stage whose input failed: that input's failure is the news
        raise _first_failure(runtime) or error from None
    finally:
        runtime.close()


def _workers_log(store: ArtifactStore) -> Path:
    """Of this run alone: others may use the store at the same time."""
    context = FlowRunContext.get()
    run = f"-{str(context.flow_run.id)[-12:]}" if context is not None and context.flow_run is not None else ""
    return store.root.resolve() / "logs" / f"workers{run}.log"


def _open_placement(config: Config) -> Placement | None:
    if config.run.placement == "flow":
        return None
    if not has_server():
        cure = "start one and set PREFECT_API_URL, or set run.placement: flow"
        raise ConfigError("needs a Prefect server", place="run.placement: deployments", cure=cure)
    return Placement(config)


def _first_failure(runtime: Runtime) -> BaseException | None:
    for future in runtime.submitted.values():
        future.wait()
        if future.state.is_failed():
            found: object = future.result(raise_on_failure=False)
            return found if isinstance(found, BaseException) else None
    return None
