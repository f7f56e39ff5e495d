"""The result of a training run: the type of its `result.json`, the source of report, tables and plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mucode_core.evaluation.metrics import Curve, Interval, Resampling, RolloutSummary
from mucode_core.evaluation.result_json import VERSION, dump, rounded
from mucode_core.evaluation.run_record import StageRun
from mucode_core.evaluation.verifier_quality import VerifierQuality
from mucode_core.store.code_version import code_version


@dataclass(frozen=True)
class Evaluation:
    """One generator on the test problems."""

    name: str
    greedy: Curve
    best_of_n: Mapping[str, Curve]
    """By selection strategy; empty where it was not searched."""
    gains: Mapping[str, Interval] = field(default_factory=dict[str, Interval])
    """Paired differences from the base after the last turn, points: `greedy`, and by selection strategy."""

    def summarise(self) -> dict[str, Any]:
        """As docs/demo.md has it: accuracies 0-100, `ci95` the half width after the last turn."""
        return {
            "name": self.name,
            "greedy_by_turn": [rounded(i.value) for i in self.greedy],
            "ci95": rounded(self.greedy[-1].half_width),
            "best_of_n": {
                selection: {"by_turn": [rounded(i.value) for i in curve], "ci95": rounded(curve[-1].half_width)}
                for selection, curve in self.best_of_n.items()
            },
        }


@dataclass(frozen=True)
class SearchSettings:
    """The settings of the Best-of-N searches."""

    num_samples: int
    """N."""
    num_searches: int
    """Independent searches averaged."""
    temperature: float


@dataclass(frozen=True)
class RoundSummary:
    """The rollouts and trainings of one iteration."""

    iteration: int
    rollouts: RolloutSummary
    num_pairs: int
    verifier: Mapping[str, Any]
    """Fields of `VerifierReport`."""
    choices: Mapping[str, Any]
    num_examples: int
    finetune: Mapping[str, Any]
    """Fields of `FinetuneReport`; empty for the final rollouts, which no generator follows."""


@dataclass(frozen=True)
class RunResult:
    """All of a run of expert iteration."""

    name: str
    seed: int
    synthetic: bool
    """The embedded problems and base: the report says how their errors were planted."""
    score_kind: str
    algorithm: str
    """`mucode`, or a baseline: `rft`, `ssd`."""
    best_of_n: SearchSettings
    num_test_problems: int
    resampling: Resampling
    evaluations: Sequence[Evaluation]
    """Index i is the generator after i iterations; empty where evaluation is off."""
    final_iteration: int
    """Chosen on validation problems."""
    validation: Mapping[int, Interval]
    """Accuracy in percent of each (generator, verifier) pair, by iteration."""
    differences: Mapping[str, Interval]
    """Paired differences in points, resampled by problem."""
    verifiers: Sequence[VerifierQuality]
    """The chosen verifier on the base's programs and on the final generator's, or on recorded ones."""
    rounds: Sequence[RoundSummary]
    lineage: Sequence[StageRun]
    models: Mapping[str, str]
    """Checkpoint directories by name: `base`, `iteration 1`, ..., `final`, `verifier`."""
    wall_s: float
    report: str
    """Path of the report."""
    kind: Literal["train"] = "train"
    version: int = VERSION
    code_version: str = field(default_factory=code_version)

    @property
    def num_programs(self) -> int:
        """Programs executed in rollouts, held-out ones included."""
        return sum(stage.num_programs for stage in self.lineage)

    @property
    def base(self) -> Evaluation | None:
        return self.evaluations[0] if self.evaluations else None

    @property
    def final(self) -> Evaluation | None:
        return self.evaluations[self.final_iteration] if self.evaluations else None

    def to_json(self) -> dict[str, Any]:
        """One JSON object: the fields, and what docs/demo.md promises beside them. What was not measured is null."""
        return dump(self) | {
            "base": self.base.summarise() if self.base else None,
            "final": self.final.summarise() if self.final else None,
            "iterations": [evaluation.summarise() for evaluation in self.evaluations[1:]],
            "verifier": self.verifiers[-1].to_json() if self.verifiers else None,
            "verifiers": [quality.to_json() for quality in self.verifiers],
            "num_programs": self.num_programs,
            "wall_s": rounded(self.wall_s),
            "stages": {stage.label: stage.duration_s for stage in self.lineage},
            "num_cached_stages": sum(stage.cached for stage in self.lineage),
        }
