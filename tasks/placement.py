"""Where stages run, if not in the flow's process: those that use GPUs as deployment runs on the pools that have the
devices; those that execute programs on the nodes of a Ray cluster (`tasks/ray_nodes.py`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, get_type_hints

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.context import TaskRunContext
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Cancelling
from pydantic import TypeAdapter

from mucode_core.config import Config
from mucode_core.errors import ConfigError, MucodeError, PlacementError
from mucode_core.remote_store import is_url

_POLL_S = 2.0
_OWN = {"runtime", "draft", "label", "return"}
"""What a build function is given where it runs."""


@dataclass(frozen=True)
class StageCall:
    """A stage and its inputs as parameters of a deployment run. Artifacts go by reference: both sides share a store."""

    stage: str
    """Where it is declared: `tasks.training:train_generator`."""
    label: str
    inputs: dict[str, Any]
    fingerprint: str
    """Of the artifact wanted: another version of the code would make another one."""

    def to_json(self) -> dict[str, Any]:
        return TypeAdapter(StageCall).dump_python(self, mode="json")


def encode_inputs(build: Callable[..., None], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs of a build function as JSON values, by its annotations."""
    hints = _hints_of(build)
    return {name: TypeAdapter(hints[name]).dump_python(value, mode="json") for name, value in inputs.items()}


def decode_inputs(build: Callable[..., None], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `encode_inputs`."""
    hints = _hints_of(build)
    return {name: TypeAdapter(hints[name]).validate_python(value) for name, value in inputs.items()}


def _hints_of(build: Callable[..., None]) -> dict[str, Any]:
    return {name: hint for name, hint in get_type_hints(build).items() if name not in _OWN}


def config_elsewhere(config: Config) -> dict[str, Any]:
    """A run's configuration for a stage of it that runs elsewhere: there it stays, and finds the same directories."""
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
            PlacementError: The machinery failed: another attempt may end well.
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
            cure = "make deploy, or name another in run.stage_deployment"
            raise ConfigError("is not deployed", place=f"deployment {self._deployment}", cure=cure) from error
        state = found.state
        if state is not None and state.is_completed():
            return
        place = f"{self._deployment}, run {found.name}"
        message = f"{call.label} is {state.name if state else 'lost'}: {state.message if state else ''}"
        cure = "read that run's log in the UI, mend what it says, then run the same configuration again: it resumes"
        kind = PlacementError if state is None or state.is_crashed() else MucodeError
        raise kind(message, place=place, cure=cure)

    def close(self) -> None:
        """Holds nothing."""


def _family_tags() -> Sequence[str]:
    """By which a run finds the runs of its stages."""
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
