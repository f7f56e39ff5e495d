"""Collects what a run found and shows it in the Prefect UI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.futures import PrefectFuture

from mucode_core import results
from mucode_core.artifacts import write_json
from mucode_core.config import Config, dump_config
from mucode_core.fingerprint import derive_seed
from mucode_core.metrics import Interval, Values, summarise_rollouts
from mucode_core.report import summary_rows, write_report
from mucode_core.results import Evaluation, Resampling, RoundSummary, RunResult, StageRecord, VerifierQuality
from mucode_core.types import ArtifactRef, Problem, SearchRow
from tasks.runtime import run_dir
from tasks.stage import Runtime
from tasks.training import read_scores
from tasks.verifier import read_rollouts

Future = PrefectFuture[ArtifactRef]


@dataclass
class Round:
    """The stages of one iteration; the last round may end with its verifier."""

    iteration: int
    rollouts: list[Future]
    pairs: Future
    verifier: Future
    choices: Future | None = None
    examples: Future | None = None
    generator: Future | None = None


@dataclass(frozen=True)
class Searches:
    """Searches by iteration of the generator; `best_of_n` of the base and the chosen one."""

    greedy: Mapping[int, Future]
    best_of_n: Mapping[int, Future]


def resampling(config: Config) -> Resampling:
    """How this run's intervals are made."""
    return Resampling(config.evaluation.bootstrap_samples, derive_seed(config.run.seed, "bootstrap"))


def summarise_round(runtime: Runtime, one: Round) -> RoundSummary:
    """The figures of one round; waits for its stages."""

    def notes(future: Future | None) -> dict[str, Any]:
        return runtime.store.record(future.result())["notes"] if future is not None else {}

    return RoundSummary(
        iteration=one.iteration,
        rollouts=summarise_rollouts(read_rollouts(runtime, [f.result() for f in one.rollouts])),
        num_pairs=one.pairs.result().num_rows,
        verifier=notes(one.verifier),
        choices=notes(one.choices),
        num_examples=one.examples.result().num_rows if one.examples is not None else 0,
        finetune=notes(one.generator),
    )


def publish_round(summary: RoundSummary) -> None:
    """A table and a markdown artifact of one round in the Prefect UI."""
    rollouts = summary.rollouts
    rows: dict[str, Any] = {
        "rollouts": rollouts.num_rollouts,
        "programs executed": rollouts.num_programs,
        "correct rollouts, %": round(100 * rollouts.num_correct / max(rollouts.num_rollouts, 1), 1),
        "problems solved": f"{rollouts.num_solved} of {rollouts.num_problems}",
        "public pass, private fail": rollouts.num_public_only,
        "verifier pairs": summary.num_pairs,
        "relabelled states": summary.num_examples,
    }
    rows |= {f"verifier · {k}": v for k, v in summary.verifier.items()}
    rows |= {f"fine-tune · {k}": v for k, v in summary.finetune.items()}
    name = f"round-{summary.iteration + 1}"
    table = [{"figure": key, "value": value} for key, value in rows.items()]
    create_table_artifact(table, key=name, description=f"Round {summary.iteration + 1}")
    lines = "\n".join(f"| {key} | {value} |" for key, value in rows.items())
    create_markdown_artifact(
        f"## Round {summary.iteration + 1}\n\n| figure | value |\n|---|---|\n{lines}\n", f"{name}-notes"
    )


def choose_iteration(
    runtime: Runtime, config: Config, problems: Future, validation: Mapping[int, Future]
) -> tuple[int, dict[int, Interval]]:
    """The (generator, verifier) pair that does best on validation problems; the earlier one of equals."""
    ids = _problem_ids(runtime, problems)
    how, turns = resampling(config), config.rollouts.num_turns
    found = {
        iteration: results.curve(_accuracies(runtime, future, ids, turns)["pt+lv"], how)[-1]
        for iteration, future in validation.items()
    }
    return max(found, key=lambda iteration: (found[iteration].value, -iteration)), found


def evaluate_searches(
    runtime: Runtime, config: Config, problems: Future, searches: Searches, final: int
) -> tuple[list[Evaluation], dict[str, Interval]]:
    """Accuracy curves of every generator, and the paired differences that matter."""
    ids = _problem_ids(runtime, problems)
    how, turns = resampling(config), config.rollouts.num_turns
    greedy = {i: _accuracies(runtime, f, ids, turns)["random"] for i, f in sorted(searches.greedy.items())}
    best = {i: _accuracies(runtime, f, ids, turns) for i, f in searches.best_of_n.items()}
    evaluations = [
        Evaluation(
            name="base" if iteration == 0 else f"iteration {iteration}",
            greedy=results.curve(values, how),
            best_of_n={s: results.curve(v, how) for s, v in best.get(iteration, {}).items()},
        )
        for iteration, values in greedy.items()
    ]
    return evaluations, _differences(greedy, best, final, how)


def _differences(
    greedy: Mapping[int, Values], best: Mapping[int, Mapping[str, Values]], final: int, how: Resampling
) -> dict[str, Interval]:
    found = {"final - base, greedy": results.paired(greedy[final][:, -1], greedy[0][:, -1], how)}
    for iteration in sorted(greedy)[2:]:
        name = f"iteration {iteration} - iteration {iteration - 1}, greedy"
        found[name] = results.paired(greedy[iteration][:, -1], greedy[iteration - 1][:, -1], how)
    last, first = greedy[final][:, -1], greedy[final][:, 0]
    found["last turn - turn 1, final, greedy"] = results.paired(last, first, how)
    for iteration, searched in best.items():
        name = "base" if iteration == 0 else "final"
        for after, before in (("pt", "random"), ("lv", "random"), ("pt+lv", "pt")):
            if after in searched and before in searched:
                pair = (searched[after][:, -1], searched[before][:, -1])
                found[f"{after} - {before}, {name}"] = results.paired(*pair, how)
        if "pt+lv" in searched:
            pair = (searched["pt+lv"][:, -1], greedy[iteration][:, -1])
            found[f"pt+lv - greedy, {name}"] = results.paired(*pair, how)
    return found


def measure_verifier(
    runtime: Runtime, config: Config, generator: str, rollouts: Sequence[Future], scores: Sequence[Future]
) -> VerifierQuality:
    """The verifier on held-out rollouts."""
    return results.measure_verifier(
        generator,
        read_rollouts(runtime, [f.result() for f in rollouts]),
        read_scores(runtime, [f.result() for f in scores]),
        resampling(config),
    )


def list_stages(runtime: Runtime) -> list[StageRecord]:
    """Every stage of the run with the artifact it left; waits for all."""
    rows: list[StageRecord] = []
    for label, future in runtime.submitted.items():
        ref = future.result()
        record = runtime.store.record(ref)
        rows.append(
            StageRecord(
                label=label,
                kind=ref.kind,
                fingerprint=ref.fingerprint,
                content_digest=ref.content_digest,
                num_rows=ref.num_rows,
                started_at=record["started_at"],
                duration_s=record["duration_s"],
                cached=record["started_at"] < runtime.started_at,
                num_tokens=record["notes"].get("num_tokens", 0),
                num_programs=record["notes"].get("num_programs", 0) if ref.kind == "rollouts" else 0,
            )
        )
    return rows


def publish_result(result: RunResult, config: Config) -> None:
    """Writes report, result and configuration into the run directory, and the summary into the Prefect UI."""
    directory = run_dir(config)
    write_report(result, directory)
    write_json(directory / "result.json", result.to_json())
    (directory / "config.yaml").write_text(dump_config(config), "utf-8")
    header, *rows = summary_rows(result)
    table = [dict(zip(header, row, strict=True)) for row in rows]
    create_table_artifact(table, key="summary", description=f"Accuracy on {result.num_test_problems} test problems, %")


def _problem_ids(runtime: Runtime, problems: Future) -> list[str]:
    return [p.problem_id for p in runtime.store.read_rows(problems.result(), Problem)]


def _accuracies(runtime: Runtime, future: Future, ids: Sequence[str], num_turns: int) -> dict[str, Values]:
    return results.accuracies(runtime.store.read_rows(future.result(), SearchRow), ids, num_turns)
