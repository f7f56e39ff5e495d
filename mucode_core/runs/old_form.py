"""`result.json` as it was written before it had a kind and a version, turned into the present form.

Such a file names stages by their captions alone, and keeps of most curves the values without their intervals: these
come from the run's outcomes again (`complete`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mucode_core.config import Config
from mucode_core.evaluation.metrics import Resampling
from mucode_core.evaluation.run_figures import evaluate_generators, generator_name
from mucode_core.evaluation.run_result import RunResult
from mucode_core.fingerprint import derive_seed
from mucode_core.types import ProblemOutcome

_SHARD = re.compile(r" (?:· )?shard (\d+)/(\d+)$")
_TURN = re.compile(r" turn (\d+)$")
_ROUND = re.compile(r"round (\d+)(?: · .*)?")


def is_old(data: Mapping[str, Any]) -> bool:
    """Whether a result has the old form."""
    return "kind" not in data


def upgrade(data: Mapping[str, Any]) -> dict[str, Any]:
    """The present form, with version 0.

    Raises:
        KeyError, TypeError: It is not a result.
    """
    form: dict[str, Any] = {"version": 0, "code_version": ""}
    if "variants" in data:
        return {**data, **form, "kind": "matrix"}
    form["lineage"] = upgrade_lineage(data["lineage"])
    if "figures" in data:
        return {**data, **form, "kind": "evaluate", **_upgrade_evaluation(data)}
    evaluations = [data["base"], *data["iterations"]] if data.get("base") else []
    return {
        **data,
        **form,
        "kind": "train",
        "synthetic": False,
        "score_kind": "",
        "resampling": {"num_resamples": 0, "seed": 0},
        "evaluations": [_upgrade_generator(one) for one in evaluations],
        "verifiers": [_upgrade_quality(one) for one in data["verifiers"]],
    }


def complete(result: RunResult, config: Config, outcomes: Sequence[ProblemOutcome]) -> RunResult:
    """A result of the old form with what its configuration and its outcomes add."""
    how = Resampling(config.evaluation.bootstrap_samples, derive_seed(config.run.seed, "bootstrap"))
    by_iteration: dict[int, list[ProblemOutcome]] = {}
    for iteration in range(len(result.evaluations)):
        name = generator_name(iteration, result.final_iteration)
        by_iteration[iteration] = [row for row in outcomes if row.generator == name]
    return replace(
        result,
        synthetic=config.plants_errors,
        score_kind=config.verifier.score,
        resampling=how,
        evaluations=evaluate_generators(by_iteration, how) if by_iteration and outcomes else result.evaluations,
    )


def upgrade_lineage(stages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Stages with the fields that their captions were derived from."""
    return [{**stage, **_read_caption(stage["label"])} for stage in stages]


def _read_caption(label: str) -> dict[str, Any]:
    shard = _SHARD.search(label)
    rest = label[: shard.start()] if shard else label
    turn = _TURN.search(rest)
    rest = rest[: turn.start()] if turn else rest
    group, _, step = rest.rpartition(" · ")
    in_round = _ROUND.fullmatch(group)
    return {
        "step": step,
        "group": group,
        "round_index": int(in_round[1]) - 1 if in_round else None,
        "turn_index": int(turn[1]) - 1 if turn else None,
        "shard_index": int(shard[1]) - 1 if shard else None,
        "num_shards": int(shard[2]) if shard else None,
    }


def _upgrade_generator(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": one["name"],
        "greedy": _bare_curve(one["greedy_by_turn"]),
        "best_of_n": {selection: _bare_curve(found["by_turn"]) for selection, found in one["best_of_n"].items()},
    }


def _bare_curve(values: Sequence[float]) -> list[dict[str, float | None]]:
    return [{"value": value, "low": None, "high": None} for value in values]


def _upgrade_quality(one: Mapping[str, Any]) -> dict[str, Any]:
    low, high = one["ci95"]
    return {
        **one,
        "pair_accuracy": {"value": one["heldout_pair_accuracy"], "low": low, "high": high},
        "calibration": {"bins": [], "expected_error": one["expected_calibration_error"]},
    }


def _upgrade_evaluation(data: Mapping[str, Any]) -> dict[str, Any]:
    quality = data["verifier_quality"]
    return {
        "resampling": {"num_resamples": data["bootstrap_samples"], "seed": 0},
        "figures": [{**one, "accuracy": _curve(one), "tokens": one["tokens_a_problem"]} for one in data["figures"]],
        "pass_curves": {k: _curve(one) for k, one in data["pass_at_k"].items()},
        "verifier_quality": _upgrade_quality(quality) if quality else None,
    }


def _curve(one: Mapping[str, Any]) -> list[dict[str, float]]:
    bounds = zip(one["by_turn"], one["ci95_by_turn"], strict=True)
    return [{"value": value, "low": low, "high": high} for value, (low, high) in bounds]
