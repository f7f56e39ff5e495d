"""A matrix of variants as one Prefect run: each a run of expert iteration, all in one store."""

from __future__ import annotations

import time
from pathlib import Path

from mucode_flows.expert_iteration import expert_iteration
from mucode_tasks.engine.listener import naming_variant
from mucode_tasks.engine.prefect_pages import publish_table
from prefect import flow

from mucode_core.evaluation.ablations import AblationsResult, Matrix
from mucode_core.evaluation.comparison import compare_runs
from mucode_core.evaluation.outcomes import read_outcomes
from mucode_core.evaluation.run_result import RunResult
from mucode_core.reports.tables import ablation_rows
from mucode_core.system.atomic_files import write_json


@flow(
    name="ablations",
    flow_run_name="{matrix.name}",
    description="Variants of one recipe, one after another; common stages run once.",
)
def ablations(matrix: Matrix) -> AblationsResult:
    """Runs every variant and compares each with the first, problem by problem."""
    started = time.time()
    runs: dict[str, RunResult] = {}
    for name, config in matrix.variants.items():
        with naming_variant(name):
            runs[name] = expert_iteration(config)
    outcomes = {name: read_outcomes(Path(config.run.output_dir)) for name, config in matrix.variants.items()}
    first, *others = runs
    result = AblationsResult(
        name=matrix.name,
        out_dir=matrix.output_dir,
        runs=runs,
        comparisons={name: compare_runs(outcomes[first], outcomes[name], runs[first].resampling) for name in others},
        num_shared_stages=sum(stage.cached for run in runs.values() for stage in run.lineage),
        wall_s=time.time() - started,
    )
    write_json(Path(matrix.output_dir) / "result.json", result.to_json())
    publish_table(ablation_rows(result), "ablations", f"{matrix.name}: differences from {first}, points")
    return result
