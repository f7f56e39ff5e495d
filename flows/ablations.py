"""A matrix of variants as one Prefect run: each a run of expert iteration, all in one store."""

from __future__ import annotations

import time
from pathlib import Path

from prefect import flow
from prefect.artifacts import create_table_artifact

from flows.expert_iteration import expert_iteration
from mucode_core.ablations import AblationsResult, Matrix, ablation_rows
from mucode_core.comparison import compare_runs
from mucode_core.files import write_json
from mucode_core.outcomes import read_outcomes
from mucode_core.results import RunResult
from tasks.listening import naming_variant


@flow(
    name="ablations",
    flow_run_name="{matrix.name}",
    description="Variants of one recipe, one after another: what they have in common is made once.",
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
        num_shared_stages=sum(stage.cached for run in runs.values() for stage in run.stages),
        wall_s=time.time() - started,
    )
    write_json(Path(matrix.output_dir) / "result.json", result.to_json())
    header, *rows = ablation_rows(result)
    table = [dict(zip(header, row, strict=True)) for row in rows]
    create_table_artifact(table, key="ablations", description=f"{matrix.name}: differences from {first}, points")
    return result
