"""Opens what a run works with: store, worker processes, sandbox."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
from mucode_tasks.engine.gpu_hold import find_devices, hold_gpus
from mucode_tasks.engine.monitor import has_server, tag_run
from mucode_tasks.engine.placement import Placement
from mucode_tasks.engine.run_context import Runtime
from mucode_tasks.engine.server import lost_server
from mucode_tasks.engine.suspension import ending_when_suspended
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.context import FlowRunContext
from prefect.exceptions import UnfinishedRun
from prefect.logging import get_run_logger
from prefect.settings import get_current_settings

from mucode_core.config import Config
from mucode_core.errors import ArtifactError
from mucode_core.preflight import require_run
from mucode_core.runs.attempt import RUN_LOCK, record_attempt
from mucode_core.sandbox import open_sandbox
from mucode_core.store.artifacts import ArtifactStore, open_store
from mucode_core.system import guardian, locks
from mucode_core.system.disk_errors import HINT, find_unwritable
from mucode_core.system.worker_pool import WorkerPool


def run_dir(config: Config) -> Path:
    """Where a run writes its results."""
    return Path(config.run.output_dir or f"runs/{config.run.name}")


@contextmanager
def open_runtime(
    config: Config, placements: Mapping[str, Placement] | None = None, *, part_of_a_run: bool = False
) -> Generator[Runtime]:
    """The runtime of one run, closed at its end.

    Args:
        config: Of the run.
        placements: Where stages run that do not run here, by their tags; see `open_placements`.
        part_of_a_run: This is a stage of a run that has the output directory already.

    Raises:
        ArtifactError: The store cannot be written, or another run writes to the same output directory.
    """
    guardian.guard()  # a worker's run, which the command line has not guarded
    directory = run_dir(config)
    store = open_store(config.run.store_dir, directory)
    devices = find_devices(config)
    workers_log = _workers_log(store)
    runtime = Runtime(
        store,
        WorkerPool(config.run.num_workers, workers_log),
        lambda: open_sandbox(config.sandbox),
        trains_beside_servers=config.run.train_beside_servers,
        devices=devices,
        logger=get_run_logger() if has_server() else None,
        placements=placements,
        time_limits=config.run.time_limits_s,
        run_dir=directory,
    )
    runtime.monitor.follow(workers_log)
    try:
        with ExitStack() as held:
            if not part_of_a_run:
                tag_run(config, devices)
                held.enter_context(locks.alone(directory, RUN_LOCK))
                held.enter_context(record_attempt(directory, config))
                held.enter_context(ending_when_suspended())
            held.enter_context(hold_gpus(devices, runtime.notify))
            yield runtime
    except (httpx.TransportError, ConcurrencySlotAcquisitionError) as error:
        raise lost_server(get_current_settings().api.url or "", error) from error
    except OSError as error:
        if (reason := find_unwritable(error)) is None:
            raise
        raise ArtifactError(f"cannot be written: {reason}", location=str(directory), hint=HINT) from error
    except UnfinishedRun as error:  # a stage whose input failed: that input's failure is the news
        raise _first_failure(runtime) or error from None
    finally:
        runtime.close()


def require_deployed_run(config: Config) -> None:
    """The command line checks before it starts a flow; a worker has started this one on a machine not checked yet.

    Raises:
        ConfigError: The run cannot finish here.
    """
    context = FlowRunContext.get()
    if context is not None and context.flow_run is not None and context.flow_run.deployment_id is not None:
        for warning in require_run(config):
            get_run_logger().warning(warning)


def _workers_log(store: ArtifactStore) -> Path:
    """Specific to this run: others may use the store at the same time."""
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
