"""Runs stages that execute programs on the nodes of a Ray cluster, each with its own sandbox.

Artifacts go by reference: the nodes share the run's store, a common directory or a store behind a URL. If a node
dies nothing is lost: Ray gives its stages to others.
"""

from __future__ import annotations

import atexit
import os
from contextlib import ExitStack
from contextvars import copy_context
from typing import Any

from mucode_tasks.engine.placement import config_elsewhere
from mucode_tasks.engine.run_context import Runtime
from mucode_tasks.engine.runtime import open_runtime
from mucode_tasks.engine.stage import build_call
from mucode_tasks.engine.stage_inputs import StageCall
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect_ray.context import remote_options
from prefect_ray.task_runners import PrefectRayFuture, RayTaskRunner
from pydantic import TypeAdapter
from ray.exceptions import RayError

from mucode_core.config import Config
from mucode_core.errors import PlacementError

_SETTINGS = {"log_to_driver": False, "configure_logging": False}
"""Tasks log to the Prefect server; Ray's own output would be mixed into a terminal's display."""


class RayPlacement:
    """Runs stages on a Ray cluster; a `Placement`.

    Args:
        config: Of the run. Each stage takes as many cores of a node as its sandbox has judges.

    Raises:
        PlacementError: There is no cluster at that address.
    """

    description = "on a node of the cluster"

    def __init__(self, config: Config) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        address = config.run.ray_address or None
        self._config = config_elsewhere(config)
        self._context = copy_context()
        """Of the flow: that of a stage's task holds a runtime, which cannot travel."""
        self._num_cores = config.sandbox.num_workers
        self._runner: RayTaskRunner[None] = RayTaskRunner(address=address, init_kwargs=dict(_SETTINGS))
        try:
            self._runner.__enter__()
        except (ConnectionError, ValueError, RuntimeError) as error:
            hint = "run `ray start --head` there and join this machine by `ray start --address`, or leave it empty"
            location = f"run.ray_address: {address or 'local'}"
            raise PlacementError(f"no cluster: {error}", location=location, hint=hint) from error

    def run(self, call: StageCall) -> None:
        """See `Placement`."""
        try:
            self._context.copy().run(self._submit, call).result()
        except RayError as error:
            hint = "see `ray status`, then run the same command again: it resumes"
            raise PlacementError(f"the cluster lost it: {error}", location=call.label, hint=hint) from error

    def _submit(self, call: StageCall) -> PrefectRayFuture[None]:
        named: Any = execute_on_node.with_options(task_run_name=f"{call.label} · node")
        with remote_options(num_cpus=self._num_cores):
            return self._runner.submit(named, {"config": self._config, "call": call.to_json()})

    def close(self) -> None:
        """Leaves the cluster; one that was started here ends."""
        self._runner.__exit__(None, None, None)


@task(name="execute-on-node", cache_policy=NO_CACHE, persist_result=False)
def execute_on_node(config: dict[str, Any], call: dict[str, Any]) -> None:
    """One stage of another machine's run."""
    runtime = _runtimes.open(Config.model_validate(config))
    build_call(runtime, TypeAdapter(StageCall).validate_python(call))


class _Runtimes:
    """The runtime of a Ray worker process: kept, since starting a sandbox for each shard would cost a tenth of it."""

    def __init__(self) -> None:
        self._config: Config | None = None
        self._runtime: Runtime | None = None
        self._stack = ExitStack()
        atexit.register(self._stack.close)

    def open(self, config: Config) -> Runtime:
        if self._runtime is None or self._config != config:
            self._stack.close()
            self._runtime = self._stack.enter_context(open_runtime(config, part_of_a_run=True))
            self._config = config
        return self._runtime


_runtimes = _Runtimes()
