"""The record of a run: the name of each stage, and what the stage produced.

Everything that reads a run (report, export, listing, pruning, time left) reads these fields. The caption is for people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

SAMPLE, EXECUTE, SCORE, OBSERVE = "sample", "execute", "score", "observe"
FIT_VERIFIER, FINE_TUNE = "fit verifier", "fine-tune"
GREEDY = "greedy"
DIALOGUES, BASE_MODEL = "bootstrap dialogues", "base model"
SOLUTIONS, WARM_UP = "reference solutions", "warm-up"
"""Steps that more than one module names."""


def name_fit(index: int, num_verifiers: int) -> str:
    """The step that fits a verifier, or one of several which a further stage joins."""
    return FIT_VERIFIER if num_verifiers == 1 else f"{FIT_VERIFIER} {index + 1} of {num_verifiers}"


def best_of(num_samples: Sequence[int]) -> str:
    """The step of a Best-of-N search, for one N or several."""
    return f"best of {', '.join(map(str, num_samples))}"


@dataclass(frozen=True)
class StageName:
    """Which stage of a run it is; a run has no two stages of one name."""

    step: str
    """What is done: `sample`, `fit verifier`, `best of 5`."""
    group: str = ""
    """The group: `round 1`, `base · held out`, `final`; its stages belong together."""
    round_index: int | None = None
    """Of the round that it is part of, from 0; None outside the rounds."""
    turn_index: int | None = None
    shard_index: int | None = None
    num_shards: int | None = None
    variant: str = ""
    """Of a matrix; empty in a single run."""

    @property
    def caption(self) -> str:
        """The name for people: `round 2 · sample turn 1 · shard 3/4`. Nothing reads it back."""
        shard = "" if self.shard_index is None else f"shard {self.shard_index + 1}/{self.num_shards}"
        if self.turn_index is None:
            parts = (self.variant, self.group, f"{self.step} {shard}".strip())
        else:
            parts = (self.variant, self.group, f"{self.step} turn {self.turn_index + 1}", shard)
        return " · ".join(part for part in parts if part)

    @property
    def whole(self) -> StageName:
        """The name without its shard: what all shards of a stage have in common."""
        return replace(self, shard_index=None, num_shards=None)

    @property
    def selector(self) -> str:
        """How a user picks the stage on the command line: its group and step."""
        return f"{self.group} · {self.step}" if self.group else self.step


@dataclass(frozen=True)
class StageGroup:
    """What several stages are part of."""

    name: str
    round_index: int | None = None

    @classmethod
    def of_round(cls, index: int) -> StageGroup:
        return cls(f"round {index + 1}", index)

    @classmethod
    def of_generator(cls, iteration: int) -> StageGroup:
        return cls("base" if iteration == 0 else f"iteration {iteration}")

    def on(self, problems: str) -> StageGroup:
        """The same on other problems: `base · held out`."""
        return StageGroup(f"{self.name} · {problems}", self.round_index)

    def stage(self, step: str) -> StageName:
        return StageName(step, self.name, self.round_index)

    def shard(self, step: str, index: int, num_shards: int, turn_index: int | None = None) -> StageName:
        """A stage that one shard of the group's rollouts passes through."""
        return StageName(step, self.name, self.round_index, turn_index, index, num_shards)


HELD_OUT = "held out"
"""Of rollouts: on problems that the verifier never sees."""


@dataclass(frozen=True)
class StageRun:
    """One stage of a run and its artifact; a row of `lineage` in `result.json`."""

    label: str
    """The caption that the run showed."""
    kind: str
    """Of the artifact."""
    step: str
    group: str
    round_index: int | None
    turn_index: int | None
    shard_index: int | None
    num_shards: int | None
    fingerprint: str
    content_digest: str
    num_rows: int
    started_at: float
    duration_s: float
    cached: bool
    """Taken from the store: made by an earlier run."""
    num_tokens: int
    """Sampled."""
    num_programs: int
    """Executed in rollouts."""

    @classmethod
    def of(cls, name: StageName, kind: str, **found: Any) -> StageRun:
        """The record of a named stage; `found` are the fields from `fingerprint` on."""
        return cls(
            name.caption,
            kind,
            name.step,
            name.group,
            name.round_index,
            name.turn_index,
            name.shard_index,
            name.num_shards,
            **found,
        )

    @property
    def name(self) -> StageName:
        return StageName(self.step, self.group, self.round_index, self.turn_index, self.shard_index, self.num_shards)


def find_searches(stages: Sequence[StageRun]) -> list[StageRun]:
    """The stages that searched, in the order of submission."""
    return [stage for stage in stages if stage.kind == "search"]


def find_rollouts(stages: Sequence[StageRun]) -> dict[str, list[StageRun]]:
    """By group, the stages that left whole rollouts: the last turn's hold the turns before, too."""
    executed = [stage for stage in stages if stage.kind == "rollouts" and stage.turn_index is not None]
    last: dict[str, int] = {}
    for stage in executed:
        last[stage.group] = max(last.get(stage.group, 0), stage.turn_index or 0)
    found: dict[str, list[StageRun]] = {}
    for stage in executed:
        if stage.turn_index == last[stage.group]:
            found.setdefault(stage.group, []).append(stage)
    return found
