"""Opens what a run works with: store, worker processes, sandbox."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from prefect.concurrency.sync import concurrency
from prefect.exceptions import UnfinishedRun
from prefect.settings import get_current_settings

from mucode_core import store_lock
from mucode_core.artifacts import ArtifactStore
from mucode_core.config import Config
from mucode_core.preflight.gpus import visible_devices
from mucode_core.sandbox import open_sandbox
from mucode_core.workers import WorkerPool
from tasks.stage import Runtime

_RUN_LOCK = ".run.lock"


def run_dir(config: Config) -> Path:
    """Where a run writes its results."""
    return Path(config.run.output_dir or f"runs/{config.run.name}")


@contextmanager
def _hold_gpus() -> Generator[None]:
    """A block in which no other run has the GPUs that this one was pinned to.

    A server knows a limit for each GPU of its work pools (`deployments/pools.py`). Without a server, or where nothing
    was pinned, there is nothing to hold; a limit that does not exist is passed over.
    """
    names = [f"gpu-{name}" for name in visible_devices() or []]
    if not names or not get_current_settings().api.url:
        yield
        return
    with concurrency(names):
        yield


@contextmanager
def open_runtime(config: Config) -> Generator[Runtime]:
    """The runtime of one run, closed at its end.

    Raises:
        ArtifactError: The store cannot be written, or another run writes to the same output directory.
    """
    store = ArtifactStore(Path(config.run.store_dir) if config.run.store_dir else run_dir(config) / "store")
    runtime = Runtime(
        store,
        WorkerPool(config.run.num_workers),
        lambda: open_sandbox(config.sandbox),
        trains_beside_servers=config.run.train_beside_servers,
    )
    try:
        with store_lock.alone(run_dir(config), _RUN_LOCK), _hold_gpus():
            yield runtime
    except UnfinishedRun as error:  # a stage whose input failed: that input's failure is the news
        raise _first_failure(runtime) or error from None
    finally:
        runtime.close()


def _first_failure(runtime: Runtime) -> BaseException | None:
    for future in runtime.submitted.values():
        future.wait()
        if future.state.is_failed():
            found: object = future.result(raise_on_failure=False)
            return found if isinstance(found, BaseException) else None
    return None
