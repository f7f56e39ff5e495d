"""Expert iteration (paper Algorithm 1) and its baselines RFT and SSD as a Prefect flow: wiring only."""

from __future__ import annotations

from typing import Any

from mucode_flows.steps.examination import Examination
from mucode_flows.steps.learning import Learning
from mucode_flows.steps.problems import Data, load_data
from mucode_tasks.engine.open_placements import open_placements
from mucode_tasks.engine.placement import cancel_stages
from mucode_tasks.engine.prefect_pages import open_report
from mucode_tasks.engine.run_context import Runtime
from mucode_tasks.engine.runtime import open_runtime, require_deployed_run
from mucode_tasks.models import push_models
from mucode_tasks.publishing import RunFindings, publish_run, summarise_run
from mucode_tasks.rounds import RoundPages
from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from mucode_core.config import Config, require_own_engine
from mucode_core.evaluation.run_result import RoundSummary, RunResult
from mucode_core.reports.markdown import REPORT
from mucode_core.types import ProblemOutcome

_WAITING_TASKS = 128
"""Task threads mostly wait for their inputs; worker processes and judges bound what really runs."""
_TASK_RUNNER: Any = ThreadPoolTaskRunner(max_workers=_WAITING_TASKS)


@flow(
    name="expert-iteration",
    flow_run_name="{config.run.name} · seed {config.run.seed}",
    on_cancellation=[cancel_stages],
    on_crashed=[cancel_stages],
    task_runner=_TASK_RUNNER,
    description="µCode: roll out, fit the verifier, relabel by local search, fine-tune from the base; repeat. "
    "RFT: the same with correct rollouts as they are. SSD: with all samples.",
)
def expert_iteration(config: Config) -> RunResult:
    """Runs the whole method and writes its report; finished stages are taken from the store."""
    require_own_engine(config)
    require_deployed_run(config)
    with open_placements(config) as placements, open_runtime(config, placements) as runtime:
        data = load_data(runtime, config)
        learning = Learning(runtime, config, data)
        examination = Examination(runtime, config, data, learning)
        report = open_report(runtime.run_dir.resolve() / REPORT)
        pages = RoundPages(runtime, config, data.train, report)
        rounds: list[RoundSummary] = []
        for iteration in range(config.run.iterations + 1):
            last = iteration == config.run.iterations
            if last and not config.verifier.final_fit:
                examination.examine(iteration)
                break
            newest = learning.begin_round()
            examination.examine(iteration, after=[newest.pairs])
            if iteration > 0:
                examination.validate(iteration)
            if not last:
                learning.improve()
            held_out = examination.score_newest()
            rounds.append(newest.summarise(runtime.store))
            pages.submit(newest, rounds[-1], held_out, examination.searches_of(iteration))
        result, outcomes = _conclude(runtime, config, data, learning, examination, rounds)
        pages.wait()
        publish_run(result, config, outcomes, runtime.run_dir, report)
        push_models(config.run.push_to_hub, result.models)
    return result


def _conclude(
    runtime: Runtime,
    config: Config,
    data: Data,
    learning: Learning,
    examination: Examination,
    rounds: list[RoundSummary],
) -> tuple[RunResult, list[ProblemOutcome]]:
    """Chooses the pair on validation problems, evaluates it on the test problems, measures its verifier."""
    final, validation = examination.choose()
    held_out = examination.measure_verifier(final)
    outcomes = examination.test(final)
    num_problems = data.test.result().num_rows if data.test is not None else 0
    findings = RunFindings(final, validation, outcomes, num_problems, held_out, rounds, learning.models(final))
    return summarise_run(runtime, config, findings), [row for rows in outcomes.values() for row in rows]
