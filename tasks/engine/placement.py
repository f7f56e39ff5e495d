"""Where stages run, if not in the flow's process: those that use GPUs as deployment runs on pools that have the
devices; those that execute programs on the nodes of a Ray cluster (`tasks/engine/ray_placement.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from mucode_tasks.engine.stage_inputs import StageCall
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.context import TaskRunContext
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Cancelling

from mucode_core.config import Config
from mucode_core.errors import ConfigError, MucodeError, PlacementError
from mucode_core.store.remote import is_url

_POLL_S = 2.0


def config_elsewhere(config: Config) -> dict[str, Any]:
    """A run's configuration for a stage placed elsewhere, which must run there and find the same directories."""
    run = config.run
    here: dict[str, str] = {"placement": "flow", "task_runner": "threads"}
    here["output_dir"] = str(Path(run.output_dir or f"runs/{run.name}").resolve())
    if run.store_dir and not is_url(run.store_dir):
        here["store_dir"] = str(Path(run.store_dir).resolve())
    return config.model_copy(update={"run": run.model_copy(update=here)}).model_dump(mode="json")


class Placement(Protocol):
    """Runs stages elsewhere."""

    description: str
    """For the message of a stage's state."""

    def run(self, call: StageCall) -> None:
        """Waits until the stage has run.

        Raises:
            PlacementError: The infrastructure failed: another attempt may succeed.
            MucodeError: The stage failed, or its run was cancelled.
        """
        ...

    def close(self) -> None: ...


class DeploymentPlacement:
    """Runs stages as runs of a deployment of `flows/stage.py`; a `Placement`."""

    description = "by a deployment's run"

    def __init__(self, config: Config) -> None:
        self._deployment = config.run.stage_deployment
        self._config = config_elsewhere(config)

    def run(self, call: StageCall) -> None:
        """See `Placement`."""
        try:
            found: FlowRun = run_deployment(  # pyright: ignore - synchronous here, as its caller is
                self._deployment,
                parameters={"config": self._config, "call": call.to_json()},
                flow_run_name=call.label,
                poll_interval=_POLL_S,
                tags=_family_tags(),
            )
        except ObjectNotFound as error:
            hint = "make deploy, or name another in run.stage_deployment"
            raise ConfigError("is not deployed", location=f"deployment {self._deployment}", hint=hint) from error
        state = found.state
        if state is not None and state.is_completed():
            return
        location = f"{self._deployment}, run {found.name}"
        message = f"{call.label} is {state.name if state else 'lost'}: {state.message if state else ''}"
        hint = "read that run's log in the UI, fix what it says, then run the same configuration again: it resumes"
        kind = PlacementError if state is None or state.is_crashed() else MucodeError
        raise kind(message, location=location, hint=hint)

    def close(self) -> None:
        """Holds nothing."""


def _family_tags() -> Sequence[str]:
    """The tag by which a run finds the runs of its stages."""
    context = TaskRunContext.get()
    return [f"stage of {context.task_run.flow_run_id}"] if context is not None else []


def cancel_stages(flow: Any, flow_run: FlowRun, state: Any) -> None:
    """A flow's hook for its cancellation or crash: ends the deployment runs of its stages."""
    del flow, state  # Prefect passes the three by name
    with get_client(sync_client=True) as client:
        family = FlowRunFilter.model_validate({"tags": {"all_": [f"stage of {flow_run.id}"]}})
        for run in client.read_flow_runs(flow_run_filter=family):
            if run.state is not None and not run.state.is_final():
                begun = run.state.is_running() or run.state.is_pending()
                client.set_flow_run_state(run.id, Cancelling() if begun else Cancelled())
