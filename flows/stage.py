"""One stage as a flow of its own: what a run with `placement: deployments` starts on the pool that has the GPUs."""

from __future__ import annotations

from prefect import flow

from mucode_core.config import Config
from tasks.placement import StageCall
from tasks.runtime import open_runtime, require_deployed_run
from tasks.stage import build_call


@flow(name="stage", flow_run_name="{call.label}", description="One stage of another run.")
def run_stage(config: Config, call: StageCall) -> None:
    """Publishes the stage's artifact in the store that `config` names."""
    require_deployed_run(config)
    with open_runtime(config, part_of_a_run=True) as runtime:
        build_call(runtime, call)
