"""One stage as a flow of its own: what a run with `placement: deployments` starts on the pool that has the GPUs."""

from __future__ import annotations

from prefect import flow

from mucode_core.config import Config
from mucode_core.errors import ArtifactError
from tasks.placement import StageCall, decode_inputs
from tasks.runtime import open_runtime
from tasks.stage import SAME_VERSION, find_stage, make_recipe


@flow(name="stage", flow_run_name="{call.label}", description="One stage of another run.")
def run_stage(config: Config, call: StageCall) -> None:
    """Publishes the stage's artifact in the store that `config` names.

    Raises:
        ArtifactError: This code would make another artifact than the caller's.
    """
    stage = find_stage(call.stage)
    inputs = decode_inputs(stage.build, call.inputs)
    if make_recipe(stage.kind, stage.version, inputs).fingerprint != call.fingerprint:
        raise ArtifactError("the caller's code makes another artifact", place=call.label, cure=SAME_VERSION)
    with open_runtime(config, part_of_a_run=True) as runtime:
        stage.submit(runtime, call.label, **inputs).result()
