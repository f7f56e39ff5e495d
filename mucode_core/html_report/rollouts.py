"""The rollouts of a run as compressed blocks, which the page inflates when a problem is opened."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from mucode_core.prompts import render_prompt
from mucode_core.run_files import RunFiles
from mucode_core.types import ExpertChoice, Problem, Rollout, SftExample, StdinTest, Test, Turn, VerifierScore

_EXECUTED = re.compile(r"(?:(?P<group>.*) · )?execute turn (?P<turn>\d+) · shard \d+/\d+")
_PROBLEMS_A_BLOCK = 16
_TITLE = 110
OUTCOMES = ("correct", "public only", "wrong", "no program")
"""How a turn ends, as the page colours it."""

_Place = tuple[str, int]
"""Rollout id and turn index."""


@dataclass
class Group:
    """The rollouts of one generator on one split, such as `round 1` or `base · held out`."""

    name: str
    rollouts: dict[str, list[Rollout]] = field(default_factory=dict[str, list[Rollout]])
    """By problem."""
    choices: dict[str, ExpertChoice] = field(default_factory=dict[str, ExpertChoice])
    relabelled: set[_Place] = field(default_factory=set[_Place])

    def outcomes_by_turn(self) -> list[dict[str, int]]:
        """Turns taken by how they ended."""
        counts: dict[int, Counter[str]] = {}
        for rollout in (r for of_problem in self.rollouts.values() for r in of_problem):
            for turn in rollout.turns:
                counts.setdefault(turn.turn_index, Counter())[outcome_of(turn)] += 1
        return [{name: counts[turn][name] for name in OUTCOMES} for turn in sorted(counts)]


@dataclass(frozen=True)
class Browser:
    """What the page holds of the rollouts."""

    groups: list[Group]
    index: str
    """A row a problem and group, compressed."""
    blocks: list[str]
    """Problems with their rollouts, compressed, some problems a block."""

    @property
    def num_problems(self) -> int:
        return len({problem_id for group in self.groups for problem_id in group.rollouts})

    @property
    def num_rollouts(self) -> int:
        return sum(len(rollouts) for group in self.groups for rollouts in group.rollouts.values())


def outcome_of(turn: Turn) -> str:
    """How a turn ended; one of `OUTCOMES`."""
    if turn.label:
        return "correct"
    if turn.completion.code is None:
        return "no program"
    return "public only" if turn.public_verdict.passed else "wrong"


def make_browser(run: RunFiles) -> Browser:
    """Reads every rollout of a run.

    Raises:
        ArtifactError: An artifact is not in the store, or is corrupt.
    """
    problems = {
        p.problem_id: p for stage in run.stages if stage["kind"] == "problems" for p in run.read(stage, Problem)
    }
    groups = _read_groups(run)
    scores = _read_scores(run)
    shown = [problem for problem in problems.values() if any(problem.problem_id in g.rollouts for g in groups)]
    preamble = _preamble(shown)
    rows: list[list[Any]] = []
    blocks: list[str] = []
    for start in range(0, len(shown), _PROBLEMS_A_BLOCK):
        chunk = shown[start : start + _PROBLEMS_A_BLOCK]
        rows += [_index_row(problem, preamble, groups, len(blocks)) for problem in chunk]
        blocks.append(pack([_problem(problem, groups, scores) for problem in chunk]))
    return Browser(groups, pack(rows), blocks)


def pack(value: Any) -> str:
    """JSON, compressed as a browser's DecompressionStream('deflate') reads it, in base64."""
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return base64.b64encode(zlib.compress(data, 9)).decode()


def _read_groups(run: RunFiles) -> list[Group]:
    matches = [(match, stage) for stage in run.stages if (match := _EXECUTED.fullmatch(stage["label"]))]
    last = max((int(match["turn"]) for match, _ in matches), default=0)
    groups: dict[str, Group] = {}
    for match, stage in matches:
        if int(match["turn"]) == last:  # holds the turns before, too
            group = groups.setdefault(match["group"] or "rollouts", Group(match["group"] or "rollouts"))
            for rollout in run.read(stage, Rollout):
                group.rollouts.setdefault(rollout.problem_id, []).append(rollout)
    for stage in run.stages:
        group = groups.get(stage["label"].rpartition(" · ")[0])
        if group is not None and stage["kind"] == "expert_choices":
            group.choices = {choice.problem_id: choice for choice in run.read(stage, ExpertChoice)}
        if group is not None and stage["kind"] == "sft_examples":
            group.relabelled = {(e.rollout_id, e.turn_index) for e in run.read(stage, SftExample)}
    return list(groups.values())


def _read_scores(run: RunFiles) -> dict[_Place, float]:
    """The score that each program was given first: in its own round, by the verifier that saw that round."""
    found: dict[_Place, float] = {}
    for stage in run.stages:
        if stage["kind"] == "scores":
            for score in run.read(stage, VerifierScore):
                found.setdefault((score.rollout_id, score.turn_index), score.score)
    return found


def _preamble(problems: Sequence[Problem]) -> str:
    """The words that every statement begins with, where they would fill the list: they tell no problem from another."""
    columns = zip(*(problem.prompt.split(" ") for problem in problems), strict=False)
    shared = "".join(f"{words[0]} " for words in takewhile(lambda words: len(set(words)) == 1, columns))
    return shared if len(shared) > _TITLE // 3 and len(problems) > 1 else ""


def _index_row(problem: Problem, preamble: str, groups: Sequence[Group], block: int) -> list[Any]:
    """Id, beginning of the statement, split, block; then for each group: rollouts, correct ones, public-only ones."""
    title = " ".join(problem.prompt.removeprefix(preamble).split())
    counts = [
        [
            len(rollouts),
            sum(rollout.label for rollout in rollouts),
            sum(outcome_of(rollout.turns[-1]) == "public only" for rollout in rollouts if rollout.turns),
        ]
        for rollouts in (group.rollouts.get(problem.problem_id, []) for group in groups)
    ]
    shown = title if len(title) <= _TITLE else title[: _TITLE - 1] + "…"
    return [problem.problem_id, shown, problem.split, block, counts]


def _problem(problem: Problem, groups: Sequence[Group], scores: Mapping[_Place, float]) -> dict[str, Any]:
    return {
        "id": problem.problem_id,
        "prompt": render_prompt(problem.prompt, problem.shown_tests),
        "private": [_show(test) for test in problem.private_tests],
        "reference": problem.reference_solution,
        "groups": {
            number: list(_rollouts(group, problem.problem_id, scores))
            for number, group in enumerate(groups)
            if problem.problem_id in group.rollouts
        },
        "choices": {
            number: _choice(choice)
            for number, group in enumerate(groups)
            if (choice := group.choices.get(problem.problem_id)) is not None
        },
    }


def _show(test: Test) -> str:
    return f"input:\n{test.input}\noutput:\n{test.output}" if isinstance(test, StdinTest) else test


def _choice(choice: ExpertChoice) -> dict[str, Any]:
    return {
        "rollout": choice.rollout_id,
        "turn": choice.turn_index,
        "label": choice.label,
        "score": round(choice.score, 4),
        "criterion": round(choice.criterion, 4),
    }


def _rollouts(group: Group, problem_id: str, scores: Mapping[_Place, float]) -> Iterator[dict[str, Any]]:
    for rollout in group.rollouts[problem_id]:
        turns = [_turn(turn, scores.get((rollout.rollout_id, turn.turn_index))) for turn in rollout.turns]
        for turn, shown in zip(rollout.turns, turns, strict=True):
            if (rollout.rollout_id, turn.turn_index) in group.relabelled:
                shown["relabelled"] = True
        yield {"id": rollout.rollout_id, "sample": rollout.sample_index, "stop": rollout.stop_reason, "turns": turns}


def _turn(turn: Turn, score: float | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "outcome": outcome_of(turn),
        "code": turn.completion.code,
        "public": [turn.public_verdict.status, turn.public_verdict.num_passed, turn.public_verdict.num_tests],
        "private": [turn.private_verdict.status, turn.private_verdict.num_passed, turn.private_verdict.num_tests],
        "feedback": turn.public_verdict.feedback,
        "tokens": turn.completion.num_tokens,
        "finish": turn.completion.finish_reason,
    }
    if turn.completion.code is None:
        shown["text"] = turn.completion.text
    if score is not None:
        shown["score"] = round(score, 4)
    return shown
