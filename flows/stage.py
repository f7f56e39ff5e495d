"""One stage as a flow of its own: what a run with `placement: deployments` starts on the pool that has the GPUs."""

from __future__ import annotations

from mucode_tasks.engine.runtime import open_runtime, require_deployed_run
from mucode_tasks.engine.stage import build_call
from mucode_tasks.engine.stage_inputs import StageCall
from prefect import flow

from mucode_core.config import Config


@flow(name="stage", flow_run_name="{call.label}", description="One stage of another run.")
def run_stage(config: Config, call: StageCall) -> None:
    """Publishes the stage's artifact in the store that `config` names."""
    require_deployed_run(config)
    with open_runtime(config, part_of_a_run=True) as runtime:
        build_call(runtime, call)
