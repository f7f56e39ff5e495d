"""Imitation examples: states with the completion to imitate there.

µCode gives each state the expert's completion (paper section 4.2, Algorithm 1 line 7); its baseline RFT leaves rollouts
as they are and keeps the good ones (paper section 5, multi-turn STaR). Rollouts are read once, one by one: a million of
them need not be in memory together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b

from mucode_core.config import RelabelConfig
from mucode_core.expert import ScoreTable
from mucode_core.prompts import build_messages, continue_messages
from mucode_core.types import ExpertChoice, Message, Problem, Rollout, SftExample


def relabel(
    rollouts: Iterable[Rollout],
    choices: Sequence[ExpertChoice],
    scores: ScoreTable,
    problems: Mapping[str, Problem],
    config: RelabelConfig,
) -> Iterator[SftExample]:
    """D* = {(s_t, y*)}: a set, so an example that several rollouts share counts once.

    `paper`: every state of every rollout gets the expert's completion. `reference`, what the published code does:
    successful rollouts keep their own last completion, and at most `max_failed_rollouts` failed ones a problem,
    the highest scored first, get the expert's.

    Args:
        rollouts: All of D.
        choices: The expert's, a problem at most one; problems without one are left out.
        scores: Of each turn's program; `paper` needs none.
        problems: By id.
        config: Mode and limits.
    """
    targets = {choice.problem_id: choice.completion.text for choice in choices}
    if config.mode == "paper":
        chosen = ((r, targets[r.problem_id]) for r in rollouts if r.problem_id in targets)
    else:
        chosen = _reference_targets(rollouts, targets, scores, config.max_failed_rollouts)
    return _expand(chosen, problems)


def imitate(
    rollouts: Iterable[Rollout], scores: ScoreTable, problems: Mapping[str, Problem], config: RelabelConfig
) -> Iterator[SftExample]:
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
        kept = (r for r in rollouts if r.label)
    else:
        kept = _best_scored(rollouts, scores, config.rft_top_k)
    return _expand(((r, r.turns[-1].completion.text) for r in kept), problems)


def _best_scored(rollouts: Iterable[Rollout], scores: ScoreTable, count: int) -> Iterator[Rollout]:
    best: dict[str, list[tuple[float, Rollout]]] = {}
    for rollout in rollouts:
        if rollout.turns[-1].completion.code is not None:
            group = best.setdefault(rollout.problem_id, [])
            group.append((scores[rollout.rollout_id, rollout.turns[-1].turn_index], rollout))
            group.sort(key=lambda scored: -scored[0])
            del group[count:]
    return (rollout for group in best.values() for _, rollout in group)


def _reference_targets(
    rollouts: Iterable[Rollout], targets: Mapping[str, str], scores: ScoreTable, max_failed: int
) -> Iterator[tuple[Rollout, str]]:
    failed: dict[str, list[Rollout]] = {}
    for rollout in rollouts:
        if rollout.label:
            yield rollout, rollout.turns[-1].completion.text
        elif rollout.problem_id in targets:
            failed.setdefault(rollout.problem_id, []).append(rollout)
    for problem_id, group in failed.items():
        hardest = sorted(group, key=lambda r: -scores.get((r.rollout_id, len(r.turns) - 1), float("-inf")))
        for rollout in hardest[:max_failed]:
            yield rollout, targets[problem_id]


def _expand(chosen: Iterable[tuple[Rollout, str]], problems: Mapping[str, Problem]) -> Iterator[SftExample]:
    """Every state of the rollouts with its target, each distinct example once.

    Examples are told apart by digests: a million of them would fill the memory with their texts.
    """
    starts: dict[str, tuple[tuple[Message, ...], bytes]] = {}
    seen: set[bytes] = set()
    for rollout, target in chosen:
        if rollout.problem_id not in starts:
            problem = problems[rollout.problem_id]
            messages = build_messages(problem.prompt, problem.shown_tests)
            starts[rollout.problem_id] = messages, _digest(b"", messages[0].content)
        state, identity = starts[rollout.problem_id]
        for turn in rollout.turns:
            example = _digest(identity, target)
            if example not in seen:
                seen.add(example)
                yield SftExample(rollout.problem_id, rollout.rollout_id, turn.turn_index, state, target)
            if turn is not rollout.turns[-1]:
                state = continue_messages(state, turn.public)
                identity = _digest(_digest(identity, turn.completion.text), turn.public_verdict.feedback)


def _digest(before: bytes, text: str) -> bytes:
    """Identity of a text that follows others."""
    return blake2b(before + text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
