"""Opens what a run works with: store, worker processes, sandbox."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx
from prefect.client.orchestration import get_client
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.concurrency.sync import concurrency
from prefect.context import FlowRunContext
from prefect.exceptions import UnfinishedRun
from prefect.logging import get_run_logger
from prefect.settings import get_current_settings

from mucode_core import reaper, store_lock
from mucode_core.artifacts import ArtifactStore, open_store
from mucode_core.config import Config
from mucode_core.device_lock import hold_devices
from mucode_core.errors import ArtifactError, ConfigError
from mucode_core.prefect_server import lost_server
from mucode_core.preflight import require_run
from mucode_core.preflight.gpus import limit_name, visible_devices
from mucode_core.sandbox import open_sandbox
from mucode_core.storage import CURE, find_unwritable
from mucode_core.workers import WorkerPool
from tasks.monitoring import has_server, tag_run
from tasks.placement import DeploymentPlacement, Placement
from tasks.stage import ON_DEVICES, Runtime
from tasks.suspending import ending_when_suspended

_RUN_LOCK = ".run.lock"
_LEASE_S = 60
"""How long GPUs stay held after a kill -9; the shortest that Prefect allows. A living run renews its lease."""


def run_dir(config: Config) -> Path:
    """Where a run writes its results."""
    return Path(config.run.output_dir or f"runs/{config.run.name}")


def find_devices(config: Config) -> list[str]:
    """The GPUs that a run may use: those it was pinned to, else those that its configuration names."""
    if (pinned := visible_devices()) is not None:
        return pinned
    if config.run.placement == "deployments":  # its stages name them where they run
        return []
    sections = (config.generator.vllm, config.verifier.vllm, config.finetune.trl, config.verifier.trl)
    return sorted({str(gpu) for section in sections for gpu in section.gpus})


@contextmanager
def _hold_gpus(devices: Sequence[str], tell: Callable[[str], None]) -> Generator[None]:
    """A block in which no other run has these GPUs.

    A server holds a limit for each, which keeps runs of other machines and containers off it, and which the UI shows;
    a lock of this machine holds also while the server is away, and between runs that know different servers or none.
    """
    names = [limit_name(device) for device in devices]
    with ExitStack() as held:
        if names and has_server():
            with get_client(sync_client=True) as client:
                for name in names:
                    client.upsert_global_concurrency_limit_by_name(name, limit=1)
            held.enter_context(concurrency(names, lease_duration=_LEASE_S))
        held.enter_context(hold_devices(names, tell))
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
    devices = find_devices(config)
    workers_log = _workers_log(store)
    runtime = Runtime(
        store,
        WorkerPool(config.run.num_workers, workers_log),
        lambda: open_sandbox(config.sandbox),
        trains_beside_servers=config.run.train_beside_servers,
        devices=devices,
        logger=get_run_logger() if has_server() else None,
        placements=_open_placements(config, devices),
        time_limits=config.run.time_limits_s,
    )
    runtime.monitor.follow(workers_log)
    try:
        with ExitStack() as held:
            if not part_of_a_run:
                tag_run(config, devices)
                held.enter_context(store_lock.alone(run_dir(config), _RUN_LOCK))
                held.enter_context(ending_when_suspended())
            held.enter_context(_hold_gpus(devices, runtime.tell))
            yield runtime
    except (httpx.TransportError, ConcurrencySlotAcquisitionError) as error:
        raise lost_server(get_current_settings().api.url or "", error) from error
    except OSError as error:
        if (reason := find_unwritable(error)) is None:
            raise
        raise ArtifactError(f"cannot be written: {reason}", place=str(run_dir(config)), cure=CURE) from error
    except UnfinishedRun as error:  # a stage whose input failed: that input's failure is the news
        raise _first_failure(runtime) or error from None
    finally:
        runtime.close()


def require_deployed_run(config: Config) -> None:
    """The command line looks before it starts a flow; a worker has started this one on a machine not looked at yet.

    Raises:
        ConfigError: The run cannot finish here.
    """
    context = FlowRunContext.get()
    if context is not None and context.flow_run is not None and context.flow_run.deployment_id is not None:
        require_run(config)


def _open_placements(config: Config, devices: Sequence[str]) -> dict[str, Placement]:
    """Where stages run, by their tags."""
    run, placements = config.run, dict[str, Placement]()
    for key, chosen in (("placement", run.placement == "deployments"), ("task_runner", run.task_runner == "ray")):
        if chosen and not has_server():
            cure = f"start one and set PREFECT_API_URL, or leave run.{key} out"
            raise ConfigError("needs a Prefect server", place=f"run.{key}: {getattr(run, key)}", cure=cure)
    if run.placement == "deployments":
        if devices:  # its stages would wait for devices, or a place in a pool, that the run itself holds
            problem = f"the run holds GPUs itself: {', '.join(devices)}"
            cure = "start the run where CUDA_VISIBLE_DEVICES is empty, such as the pool cpu"
            raise ConfigError(problem, place="run.placement: deployments", cure=cure)
        elsewhere = DeploymentPlacement(config)
        placements |= dict.fromkeys(ON_DEVICES, elsewhere)
    if run.task_runner == "ray":
        if find_spec("prefect_ray") is None:
            cure = 'pip install "mucode[ray]"'
            raise ConfigError("prefect-ray is not installed", place="run.task_runner: ray", cure=cure)
        from tasks.ray_nodes import RayPlacement

        placements["execution"] = RayPlacement(config)
    return placements


def _workers_log(store: ArtifactStore) -> Path:
    """Of this run alone: others may use the store at the same time."""
    context = FlowRunContext.get()
    run = f"-{str(context.flow_run.id)[-12:]}" if context is not None and context.flow_run is not None else ""
    return store.root.resolve() / "logs" / f"workers{run}.log"


def _first_failure(runtime: Runtime) -> BaseException | None:
    for future in runtime.submitted.values():
        future.wait()
        if future.state.is_failed():
            found: object = future.result(raise_on_failure=False)
            return found if isinstance(found, BaseException) else None
    return None
