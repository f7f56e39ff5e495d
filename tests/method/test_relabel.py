"""The baselines RFT and SSD; µCode's relabelling is tested in test_expert.py."""

import pytest

from mucode_core.config import RelabelConfig
from mucode_core.method.expert import score_table
from mucode_core.method.relabel import distil, imitate
from mucode_core.types import VerifierScore
from tests.conftest import make_problem, make_rollout

ROLLOUTS = [
    make_rollout("r0", "a", ("a0", False, False), ("a1", True, True)),
    make_rollout("r1", "a", ("a0", False, False), ("a2", True, False)),
    make_rollout("r2", "a", ("a3", True, True)),
    make_rollout("r3", "a", ("a4", False, False), (None, False, False)),
    make_rollout("r4", "b", ("b0", False, False), ("b1", False, False)),
]
SCORES = [
    VerifierScore(rollout_id, turn, "v", score)
    for rollout_id, turn, score in [
        *(("r0", 0, 9.0), ("r0", 1, 0.5), ("r1", 0, 9.0), ("r1", 1, 0.7)),
        *(("r2", 0, 0.5), ("r3", 0, 9.0), ("r4", 0, 9.0), ("r4", 1, -3.0)),
    ]
]
PROBLEMS = {pid: make_problem(pid) for pid in "ab"}


def imitated(rollouts=ROLLOUTS, scores=(), **settings):
    examples = imitate(rollouts, score_table(scores), PROBLEMS, RelabelConfig(**settings))
    return [(e.rollout_id, e.turn_index, e.target.split("\n")[1]) for e in examples]


def test_correct_rollouts_teach_their_own_last_program_in_every_state():
    assert imitated() == [("r0", 0, "a1"), ("r0", 1, "a1"), ("r2", 0, "a3")]


def test_an_example_that_two_rollouts_share_counts_once():
    twins = [make_rollout(f"t{i}", "a", ("a0", False, False), ("a1", True, True)) for i in range(2)]
    assert imitated(twins) == [("t0", 0, "a1"), ("t0", 1, "a1")]


def test_the_state_is_what_the_generator_saw():
    first, second, _ = imitate(ROLLOUTS, {}, PROBLEMS, RelabelConfig())
    assert [m.role for m in first.messages] == ["user"]
    assert [m.role for m in second.messages] == ["user", "assistant", "user"]
    assert second.messages[:1] == first.messages


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, {("r1", "a2"), ("r4", "b1")}), (2, {("r1", "a2"), ("r0", "a1"), ("r4", "b1")})],
)
def test_the_verifier_s_best_last_programs_are_kept_correct_or_not(count, expected):
    kept = imitated(scores=SCORES, rft_filter="verifier", rft_top_k=count)
    assert {(rollout_id, target) for rollout_id, _, target in kept} == expected


def test_a_rollout_that_ends_without_a_program_is_never_imitated():
    kept = imitated(scores=SCORES, rft_filter="verifier", rft_top_k=9)
    assert {rollout_id for rollout_id, *_ in kept} == {"r0", "r1", "r2", "r4"}


def test_self_distillation_keeps_every_sample_in_its_state():
    examples = list(distil(ROLLOUTS, PROBLEMS))
    sampled = [(r, turn) for r in ROLLOUTS for turn in r.turns]
    assert [(e.rollout_id, e.turn_index) for e in examples] == [(r.rollout_id, t.turn_index) for r, t in sampled]
    assert [e.target for e in examples] == [t.completion.text for _, t in sampled], "without a program too"
    assert sum(e.target == examples[0].target for e in examples) == 2, "as often as it was sampled"
    second = examples[1]
    assert [m.role for m in second.messages] == ["user", "assistant", "user"]
    assert second.messages[1].content == examples[0].target


def test_self_distillation_does_not_depend_on_verdicts():
    def exchanged(rollout):
        swapped = {True: False, False: True}
        turns = [(t.completion.code, t.public_verdict.passed, swapped[t.private_verdict.passed]) for t in rollout.turns]
        return make_rollout(rollout.rollout_id, rollout.problem_id, *turns)

    assert list(distil(map(exchanged, ROLLOUTS), PROBLEMS)) == list(distil(ROLLOUTS, PROBLEMS))
