"""Imitation examples: states with their target completions.

µCode gives each state the expert's completion (paper section 4.2, Algorithm 1 line 7). Its baseline RFT keeps the good
rollouts and does not relabel (paper section 5, multi-turn STaR); the baseline SSD keeps all samples (self-distillation,
arXiv 2604.01193). Rollouts are streamed once: a million of them need not fit into memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b

from mucode_core.config import RelabelConfig
from mucode_core.method import published_code
from mucode_core.method.expert import ScoreTable
from mucode_core.prompts import build_messages, continue_messages, render_code
from mucode_core.types import ExpertChoice, Message, Problem, Rollout, SftExample


def relabel(
    rollouts: Iterable[Rollout],
    choices: Sequence[ExpertChoice],
    scores: ScoreTable,
    problems: Mapping[str, Problem],
    config: RelabelConfig,
) -> Iterator[SftExample]:
    """D* = {(s_t, y*)}: a set, so an example that several rollouts share counts once.

    Every state of every rollout gets the expert's completion, unless the mode is `reference`; see `published_code`.

    Args:
        rollouts: All of D.
        choices: The expert's, at most one per problem; problems without one are excluded.
        scores: Of each turn's program; mode `paper` needs none.
        problems: By id.
        config: Mode and limits.
    """
    targets = {choice.problem_id: choice.completion.text for choice in choices}
    if config.mode == "paper":
        chosen = ((r, targets[r.problem_id]) for r in rollouts if r.problem_id in targets)
    else:
        chosen = published_code.choose_targets(rollouts, targets, scores, config.max_failed_rollouts)
    return _expand(chosen, problems)


def imitate_solutions(problems: Iterable[Problem]) -> Iterator[SftExample]:
    """The warm-up of a base: each problem with its reference solution as the answer of the first turn."""
    for problem in problems:
        if problem.reference_solution is not None:
            messages = build_messages(problem.prompt, problem.shown_tests)
            yield SftExample(problem.problem_id, "reference", 0, messages, render_code(problem.reference_solution))


def imitate(
    rollouts: Iterable[Rollout], scores: ScoreTable, problems: Mapping[str, Problem], config: RelabelConfig
) -> Iterator[SftExample]:
    """RFT: every state of the selected rollouts, with the rollout's own last completion.

    `rft_filter: oracle` keeps the correct rollouts. `verifier` (RFT_LV) keeps the `rft_top_k` per problem whose
    last program has the highest verifier score, correct or not; ties go to the earlier rollout.

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


def distil(rollouts: Iterable[Rollout], problems: Mapping[str, Problem]) -> Iterator[SftExample]:
    """SSD: every state with the completion sampled there, whatever became of it: no test and no verifier is asked.

    A completion that was sampled several times counts each time, since it is the generator's own distribution that is
    imitated.

    Args:
        rollouts: All of D.
        problems: By id.
    """
    for rollout in rollouts:
        problem = problems[rollout.problem_id]
        state = build_messages(problem.prompt, problem.shown_tests)
        for turn in rollout.turns:
            target = turn.completion.text
            yield SftExample(rollout.problem_id, rollout.rollout_id, turn.turn_index, state, target)
            state = continue_messages(state, turn.public)


def _best_scored(rollouts: Iterable[Rollout], scores: ScoreTable, count: int) -> Iterator[Rollout]:
    best: dict[str, list[tuple[float, Rollout]]] = {}
    for rollout in rollouts:
        if rollout.turns[-1].completion.code is not None:
            group = best.setdefault(rollout.problem_id, [])
            group.append((scores[rollout.rollout_id, rollout.turns[-1].turn_index], rollout))
            group.sort(key=lambda scored: -scored[0])
            del group[count:]
    return (rollout for group in best.values() for _, rollout in group)


def _expand(chosen: Iterable[tuple[Rollout, str]], problems: Mapping[str, Problem]) -> Iterator[SftExample]:
    """Every state of the rollouts with its target, each distinct example once.

    Duplicates are detected by digest, since the texts of a million examples would fill the memory.
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
    """Chained digest: identity of a text and all texts before it."""
    return blake2b(before + text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
