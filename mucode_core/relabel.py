"""Imitation examples: states with the completion to imitate there.

µCode gives each state the expert's completion (paper section 4.2, Algorithm 1 line 7); its baseline RFT leaves rollouts
as they are and keeps the good ones (paper section 5, multi-turn STaR).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mucode_core.config import RelabelConfig
from mucode_core.expert import ScoreTable
from mucode_core.rollout import build_state
from mucode_core.types import ExpertChoice, Problem, Rollout, SftExample


def relabel(
    rollouts: Sequence[Rollout],
    choices: Sequence[ExpertChoice],
    scores: ScoreTable,
    problems: Mapping[str, Problem],
    config: RelabelConfig,
) -> list[SftExample]:
    """D* = {(s_t, y*)}: a set, so an example that several rollouts share counts once.

    `paper`: every state of every rollout gets the expert's completion. `reference`, what the published code does:
    successful rollouts keep their own last completion, and at most `max_failed_rollouts` failed ones a problem,
    the highest scored first, get the expert's.

    Args:
        rollouts: All of D.
        choices: The expert's, a problem at most one; problems without one are left out.
        scores: Of each turn's program.
        problems: By id.
        config: Mode and limits.
    """
    by_problem = {choice.problem_id: choice for choice in choices}
    if config.mode == "paper":
        chosen = [(r, by_problem[r.problem_id].completion.text) for r in rollouts if r.problem_id in by_problem]
    else:
        chosen = _reference_targets(rollouts, by_problem, scores, config.max_failed_rollouts)
    return list(_distinct(_expand(chosen, problems)))


def imitate(
    rollouts: Sequence[Rollout], scores: ScoreTable, problems: Mapping[str, Problem], config: RelabelConfig
) -> list[SftExample]:
    """RFT: every state of the rollouts that are kept, with the rollout's own last completion.

    `rft_filter: oracle` keeps the correct rollouts. `verifier` (RFT_LV) keeps the `rft_top_k` of each problem whose
    last program the verifier scores highest, correct or not; of equal scores the earlier rollout.

    Args:
        rollouts: All of D.
        scores: Of each turn's program; `oracle` needs none.
        problems: By id.
        config: Filter and limit.
    """
    if config.rft_filter == "oracle":
        kept = [r for r in rollouts if r.label]
    else:
        kept = _best_scored(rollouts, scores, config.rft_top_k)
    return list(_distinct(_expand([(r, r.turns[-1].completion.text) for r in kept], problems)))


def _best_scored(rollouts: Sequence[Rollout], scores: ScoreTable, count: int) -> list[Rollout]:
    by_problem: dict[str, list[tuple[float, Rollout]]] = {}
    for rollout in rollouts:
        if rollout.turns[-1].completion.code is not None:
            score = scores[rollout.rollout_id, rollout.turns[-1].turn_index]
            by_problem.setdefault(rollout.problem_id, []).append((score, rollout))
    return [
        rollout for scored in by_problem.values() for _, rollout in sorted(scored, key=lambda pair: -pair[0])[:count]
    ]


def _reference_targets(
    rollouts: Sequence[Rollout], choices: Mapping[str, ExpertChoice], scores: ScoreTable, max_failed: int
) -> list[tuple[Rollout, str]]:
    targets = [(r, r.turns[-1].completion.text) for r in rollouts if r.label]
    failed: dict[str, list[Rollout]] = {}
    for rollout in rollouts:
        if not rollout.label and rollout.problem_id in choices:
            failed.setdefault(rollout.problem_id, []).append(rollout)
    for problem_id, group in failed.items():
        hardest = sorted(group, key=lambda r: -scores.get((r.rollout_id, len(r.turns) - 1), float("-inf")))
        targets += [(r, choices[problem_id].completion.text) for r in hardest[:max_failed]]
    return targets


def _expand(chosen: Iterable[tuple[Rollout, str]], problems: Mapping[str, Problem]) -> Iterator[SftExample]:
    for rollout, target in chosen:
        problem = problems[rollout.problem_id]
        for turn in rollout.turns:
            state = build_state(problem, rollout, turn.turn_index)
            yield SftExample(rollout.problem_id, rollout.rollout_id, turn.turn_index, state, target)


def _distinct(examples: Iterable[SftExample]) -> Iterator[SftExample]:
    seen: set[tuple[object, str]] = set()
    for example in examples:
        key = (example.messages, example.target)
        if key not in seen:
            seen.add(key)
            yield example
