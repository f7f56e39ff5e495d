"""The rollouts and searches of a run as compressed blocks, which the page inflates when a problem is opened."""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Protocol

from mucode_core.evaluation.run_record import GREEDY, find_rollouts, find_searches
from mucode_core.prompts import render_prompt
from mucode_core.reports.html.problem_counts import Ended, count_kinds
from mucode_core.runs.directory import RunFiles
from mucode_core.types import (
    CallTest,
    ExpertChoice,
    Problem,
    Rollout,
    SearchRow,
    SftExample,
    StdinTest,
    Test,
    Turn,
    VerifierScore,
)

_PROBLEMS_A_BLOCK = 16
_TITLE = 110
OUTCOMES = ("correct", "public only", "wrong", "no program")
"""Ends of a turn, by which the page colours it."""

_Place = tuple[str, int]
"""Rollout id and turn index."""


class Group(Protocol):
    """What the browser lists under one name, problem by problem."""

    name: str

    def problem_ids(self) -> Collection[str]: ...

    def courses(self, problem_id: str) -> list[list[Ended]]:
        """The turns of each of the problem's rollouts or searches."""
        ...

    def outcomes_by_turn(self) -> list[dict[str, int]]:
        """Turns taken by how they ended."""
        ...

    def show(self, problem_id: str) -> list[dict[str, Any]]:
        """The problem's rollouts or searches, as `page.js` reads them."""
        ...

    def show_choice(self, problem_id: str) -> dict[str, Any] | None:
        """The expert's choice, where there is one."""
        ...


@dataclass
class RolloutGroup:
    """The rollouts of one generator on one split, such as `round 1` or `base · held out`; a `Group`."""

    name: str
    scores: Mapping[_Place, float]
    rollouts: dict[str, list[Rollout]] = field(default_factory=dict[str, list[Rollout]])
    """By problem."""
    choices: dict[str, ExpertChoice] = field(default_factory=dict[str, ExpertChoice])
    relabelled: set[_Place] = field(default_factory=set[_Place])

    def problem_ids(self) -> Collection[str]:
        return self.rollouts.keys()

    def courses(self, problem_id: str) -> list[list[Ended]]:
        return [
            [Ended(outcome_of(turn), self.scores.get((rollout.rollout_id, turn.turn_index))) for turn in rollout.turns]
            for rollout in self.rollouts.get(problem_id, [])
            if rollout.turns
        ]

    def outcomes_by_turn(self) -> list[dict[str, int]]:
        turns = (turn for of_problem in self.rollouts.values() for rollout in of_problem for turn in rollout.turns)
        return _count_outcomes((turn.turn_index, outcome_of(turn)) for turn in turns)

    def show(self, problem_id: str) -> list[dict[str, Any]]:
        return [self._show_rollout(rollout) for rollout in self.rollouts[problem_id]]

    def _show_rollout(self, rollout: Rollout) -> dict[str, Any]:
        turns: list[dict[str, Any]] = []
        for turn in rollout.turns:
            shown = _turn(turn, self.scores.get((rollout.rollout_id, turn.turn_index)))
            if (rollout.rollout_id, turn.turn_index) in self.relabelled:
                shown["relabelled"] = True
            turns.append(shown)
        return {"id": rollout.rollout_id, "sample": rollout.sample_index, "stop": rollout.stop_reason, "turns": turns}

    def show_choice(self, problem_id: str) -> dict[str, Any] | None:
        choice = self.choices.get(problem_id)
        return _choice(choice) if choice is not None else None


@dataclass
class SearchGroup:
    """The searches of one stage with one selection strategy and N, such as `final · best of 5, pt`; a `Group`."""

    name: str
    steps: dict[str, dict[int, list[SearchRow]]] = field(default_factory=dict[str, dict[int, list[SearchRow]]])
    """By problem and search, the program selected in each turn; the other samples are omitted."""

    def problem_ids(self) -> Collection[str]:
        return self.steps.keys()

    def courses(self, problem_id: str) -> list[list[Ended]]:
        searches = self.steps.get(problem_id, {}).values()
        return [[Ended(outcome_of_step(step), step.score) for step in steps] for steps in searches]

    def outcomes_by_turn(self) -> list[dict[str, int]]:
        steps = (step for searches in self.steps.values() for of_search in searches.values() for step in of_search)
        return _count_outcomes((step.turn_index, outcome_of_step(step)) for step in steps)

    def show(self, problem_id: str) -> list[dict[str, Any]]:
        return [
            {"id": f"search {index}", "search": index, "turns": [_step(step) for step in steps]}
            for index, steps in self.steps[problem_id].items()
        ]

    def show_choice(self, problem_id: str) -> dict[str, Any] | None:
        del problem_id  # the expert chooses among training rollouts
        return None


def _count_outcomes(ended: Iterable[tuple[int, str]]) -> list[dict[str, int]]:
    counts: dict[int, Counter[str]] = {}
    for turn_index, outcome in ended:
        counts.setdefault(turn_index, Counter())[outcome] += 1
    return [{name: counts[turn][name] for name in OUTCOMES} for turn in sorted(counts)]


@dataclass(frozen=True)
class Browser:
    """What the page holds of the rollouts."""

    groups: list[Group]
    index: str
    """One row per problem and group, compressed."""
    blocks: list[str]
    """Problems with their rollouts, compressed, several problems per block."""

    @property
    def num_problems(self) -> int:
        return len({problem_id for group in self.groups for problem_id in group.problem_ids()})

    @property
    def num_rollouts(self) -> int:
        """Searches included."""
        return sum(len(group.courses(problem_id)) for group in self.groups for problem_id in group.problem_ids())


def outcome_of(turn: Turn) -> str:
    """How a turn ended; one of `OUTCOMES`."""
    if turn.label:
        return "correct"
    if turn.completion.code is None:
        return "no program"
    return "public only" if turn.public_verdict.passed else "wrong"


def outcome_of_step(step: SearchRow) -> str:
    """How a turn of a search ended; one of `OUTCOMES`."""
    if step.label:
        return "correct"
    if step.program is None:
        return "no program"
    return "public only" if step.public_passed else "wrong"


def make_browser(run: RunFiles) -> Browser:
    """Reads every rollout and every search of a run.

    Raises:
        ArtifactError: An artifact is not in the store, or is corrupt.
    """
    problems = {p.problem_id: p for stage in run.stages if stage.kind == "problems" for p in run.read(stage, Problem)}
    groups: list[Group] = [*_read_rollouts(run), *_read_searches(run)]
    present = {problem_id for group in groups for problem_id in group.problem_ids()}
    shown = [problem for problem_id, problem in problems.items() if problem_id in present]
    preamble = _preamble(shown)
    rows: list[list[Any]] = []
    blocks: list[str] = []
    for start in range(0, len(shown), _PROBLEMS_A_BLOCK):
        chunk = shown[start : start + _PROBLEMS_A_BLOCK]
        rows += [_index_row(problem, preamble, groups, len(blocks)) for problem in chunk]
        blocks.append(pack([_problem(problem, groups) for problem in chunk]))
    return Browser(groups, pack(rows), blocks)


def pack(value: Any) -> str:
    """JSON, compressed as a browser's DecompressionStream('deflate') reads it, in base64."""
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return base64.b64encode(zlib.compress(data, 9)).decode()


def _read_rollouts(run: RunFiles) -> list[RolloutGroup]:
    scores = _read_scores(run)
    groups: dict[str, RolloutGroup] = {}
    for name, stages in find_rollouts(run.stages).items():
        groups[name] = group = RolloutGroup(name, scores)
        for rollout in (rollout for stage in stages for rollout in run.read(stage, Rollout)):
            group.rollouts.setdefault(rollout.problem_id, []).append(rollout)
    for stage in run.stages:
        if stage.kind == "expert_choices" and stage.group in groups:
            groups[stage.group].choices = {choice.problem_id: choice for choice in run.read(stage, ExpertChoice)}
        if stage.kind == "sft_examples" and stage.group in groups:
            groups[stage.group].relabelled = {(e.rollout_id, e.turn_index) for e in run.read(stage, SftExample)}
    return list(groups.values())


def _read_searches(run: RunFiles) -> list[SearchGroup]:
    groups: dict[str, SearchGroup] = {}
    for stage in find_searches(run.stages):
        for row in run.read(stage, SearchRow):
            decoding = GREEDY if stage.step == GREEDY else f"best of {row.num_samples}, {row.selection}"
            name = f"{stage.group} · {decoding}"
            searches = groups.setdefault(name, SearchGroup(name)).steps.setdefault(row.problem_id, {})
            searches.setdefault(row.search_index, []).append(row)
    for group in groups.values():
        for steps in (steps for searches in group.steps.values() for steps in searches.values()):
            steps.sort(key=lambda step: step.turn_index)
    return list(groups.values())


def _read_scores(run: RunFiles) -> dict[_Place, float]:
    """The score that each program was given first: in its own round, by the verifier that saw that round."""
    found: dict[_Place, float] = {}
    for stage in run.stages:
        if stage.kind == "scores":
            for score in run.read(stage, VerifierScore):
                found.setdefault((score.rollout_id, score.turn_index), score.score)
    return found


def _preamble(problems: Sequence[Problem]) -> str:
    """The words that every statement begins with, if they would fill the list: they distinguish no problem."""
    columns = zip(*(problem.prompt.split(" ") for problem in problems), strict=False)
    shared = "".join(f"{words[0]} " for words in takewhile(lambda words: len(set(words)) == 1, columns))
    return shared if len(shared) > _TITLE // 3 and len(problems) > 1 else ""


def _index_row(problem: Problem, preamble: str, groups: Sequence[Group], block: int) -> list[Any]:
    """Id, beginning of the statement, split, block; then what `count_kinds` counts, for each group."""
    title = " ".join(problem.prompt.removeprefix(preamble).split())
    counts = [count_kinds(group.courses(problem.problem_id)) for group in groups]
    shown = title if len(title) <= _TITLE else title[: _TITLE - 1] + "…"
    return [problem.problem_id, shown, problem.split, block, counts]


def _problem(problem: Problem, groups: Sequence[Group]) -> dict[str, Any]:
    return {
        "id": problem.problem_id,
        "prompt": render_prompt(problem.prompt, problem.shown_tests),
        "private": [_show(test, problem.entry_point) for test in problem.private_tests],
        "reference": problem.reference_solution,
        "groups": {
            number: group.show(problem.problem_id)
            for number, group in enumerate(groups)
            if problem.problem_id in group.problem_ids()
        },
        "choices": {
            number: choice
            for number, group in enumerate(groups)
            if (choice := group.show_choice(problem.problem_id)) is not None
        },
    }


def _show(test: Test, entry_point: str) -> str:
    if isinstance(test, CallTest):
        return test.as_source(entry_point)
    return f"input:\n{test.input}\noutput:\n{test.output}" if isinstance(test, StdinTest) else test


def _choice(choice: ExpertChoice) -> dict[str, Any]:
    return {
        "rollout": choice.rollout_id,
        "turn": choice.turn_index,
        "label": choice.label,
        "score": round(choice.score, 4),
        "criterion": round(choice.criterion, 4),
    }


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


def _step(step: SearchRow) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "outcome": outcome_of_step(step),
        "code": step.program,
        "text": "",
        "tokens": step.num_tokens,
        "drawn": step.num_drawn,
        "distinct": step.num_distinct,
    }
    if step.score is not None:
        shown["score"] = round(step.score, 4)
    return shown
