"""The steps of a rollout as pure functions from state to state (paper section 3, Algorithm 1 line 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mucode_core.answers import asked_by
from mucode_core.fingerprint import derive_seed
from mucode_core.prompts import build_messages
from mucode_core.sampling.base import SampleRequest
from mucode_core.types import Completion, Message, Problem, Rollout, Turn, Verdict


def start(
    problems: Sequence[Problem], num_rollouts: Mapping[str, int], *, iteration: int, generator_id: str, seed: int
) -> list[Rollout]:
    """Rollouts before their first turn, problem by problem; `num_rollouts` is keyed by problem id."""
    return [
        Rollout(
            rollout_id=f"{iteration}/{problem.problem_id}/{index}",
            problem_id=problem.problem_id,
            iteration=iteration,
            generator_id=generator_id,
            sample_index=index,
            seed=derive_seed(seed, "rollout", iteration, problem.problem_id, index),
            turns=(),
            stop_reason=None,
        )
        for problem in problems
        for index in range(num_rollouts[problem.problem_id])
    ]


def is_done(rollout: Rollout) -> bool:
    """Public tests passed, or the last turn was taken."""
    return rollout.stop_reason is not None


def build_state(problem: Problem, rollout: Rollout, num_turns: int | None = None) -> tuple[Message, ...]:
    """The messages s_t after a rollout's first `num_turns` turns (default: all)."""
    turns = rollout.turns[:num_turns]
    return build_messages(problem.prompt, problem.shown_tests, [turn.public for turn in turns])


def make_request(problem: Problem, rollout: Rollout) -> SampleRequest:
    """The sampling request for a rollout's next turn."""
    turn_index = len(rollout.turns)
    return SampleRequest(
        problem_id=rollout.problem_id,
        sample_index=rollout.sample_index,
        turn_index=turn_index,
        messages=build_state(problem, rollout),
        seed=derive_seed(rollout.seed, "turn", turn_index),
        asked=asked_by(problem.prompt, problem.entry_point),
    )


def add_turn(
    rollout: Rollout, completion: Completion, public_verdict: Verdict, private_verdict: Verdict, *, num_turns: int
) -> Rollout:
    """The rollout after one more turn; it stops on a **public** pass or after `num_turns`.

    Private verdicts never decide when to stop: continuing after public-pass/private-fail would leak them.
    """
    turn = Turn(len(rollout.turns), completion, public_verdict, private_verdict)
    turns = (*rollout.turns, turn)
    stop_reason = "public_pass" if public_verdict.passed else "max_turns" if len(turns) >= num_turns else None
    return replace(rollout, turns=turns, stop_reason=stop_reason)
