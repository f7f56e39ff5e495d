from mucode_core.config import RelabelConfig
from mucode_core.method.expert import choose_experts, score_table
from mucode_core.method.relabel import relabel
from mucode_core.types import VerifierScore
from tests.conftest import make_problem, make_rollout

ROLLOUTS = [
    make_rollout("r0", "a", ("a0", False, False), ("a1", True, True)),
    make_rollout("r1", "a", ("a2", False, True), ("a3", False, False)),
    make_rollout("r2", "a", ("a4", True, True)),
    make_rollout("r3", "b", ("b0", False, False), ("b1", True, False)),
    make_rollout("r4", "c", (None, False, False)),
]
SCORES = {
    ("r0", 0): 3.0,
    ("r0", 1): 0.1,
    ("r1", 0): 0.5,
    ("r1", 1): 0.9,
    ("r2", 0): 0.2,
    ("r3", 0): 2.0,
    ("r3", 1): 1.0,
}
ROWS = [VerifierScore(r, t, "v", s) for (r, t), s in SCORES.items()]
PROBLEMS = {pid: make_problem(pid) for pid in "abc"}


def chosen(standardise=False, **settings):
    choices = choose_experts(ROLLOUTS, score_table(ROWS), RelabelConfig(**settings), standardise=standardise)
    return {c.problem_id: (c.completion.code, round(c.criterion, 3)) for c in choices}


def test_paper_expert_maximises_label_plus_weighted_score_over_every_turn():
    # by hand: a0 .3, a1 1.01, a2 .05 (public tests failed), a3 .09, a4 1.02; b0 .2, b1 .1
    assert chosen() == {"a": ("a4", 1.02), "b": ("b0", 0.2)}


def test_a_heavy_verifier_can_outweigh_the_label():
    assert chosen(verifier_weight=1.0)["a"] == ("a0", 3.0)


def test_weights_of_zero_are_the_ablations():
    assert chosen(verifier_weight=0.0)["a"] == ("a1", 1.0), "equal criteria: the earlier rollout"
    assert chosen(oracle_weight=0.0, verifier_weight=1.0)["a"] == ("a0", 3.0)


def test_unsolved_problems_can_be_skipped():
    assert set(chosen(unsolved="skip")) == {"a"}


def test_reference_expert_takes_final_turns_only():
    assert chosen(mode="reference") == {"a": ("a4", 100.2), "b": ("b1", 1.0)}


def test_standardised_scores_do_not_depend_on_the_scale_of_the_verifier():
    def choose(factor):
        rows = [VerifierScore(s.rollout_id, s.turn_index, "v", s.score * factor - 7) for s in ROWS]
        choices = choose_experts(ROLLOUTS, score_table(rows), RelabelConfig(), standardise=True)
        return [(c.completion.code, round(c.criterion, 6)) for c in choices]

    assert choose(1.0) == choose(50.0)
    assert choose(50.0)[0][0] == "a4"


def relabelled(**settings):
    config = RelabelConfig(**settings)
    choices = choose_experts(ROLLOUTS, score_table(ROWS), config, standardise=False)
    return list(relabel(iter(ROLLOUTS), choices, score_table(ROWS), PROBLEMS, config))


def test_paper_mode_relabels_every_state_once():
    examples = relabelled()
    states = {(e.problem_id, e.turn_index) for e in examples}
    assert states == {("a", 0), ("a", 1), ("b", 0), ("b", 1)}
    assert len(examples) == 5, "the first state of a is shared by three rollouts; two second states differ"
    assert {e.target for e in examples if e.problem_id == "a"} == {"```python\na4\n```"}
    assert all(e.messages[-1].role == "user" for e in examples)


def test_reference_mode_keeps_successes_and_relabels_some_failures():
    targets = {(e.rollout_id, e.target.split("\n")[1]) for e in relabelled(mode="reference", max_failed_rollouts=1)}
    # r0 and r2 keep their own; r1 failed and gets the best, a4; the state they share counts once a target
    assert targets == {("r0", "a1"), ("r2", "a4"), ("r1", "a4"), ("r3", "b1")}


def test_reference_mode_takes_the_highest_scored_failures_first():
    failed = [make_rollout(f"f{i}", "a", (f"x{i}", False, False)) for i in range(4)]
    rows = [VerifierScore(f"f{i}", 0, "v", s) for i, s in enumerate([0.1, 0.9, 0.5, 0.7])]
    rollouts = [*failed, make_rollout("ok", "a", ("y", False, False), ("z", True, True))]
    rows += [VerifierScore("ok", 0, "v", 0.0), VerifierScore("ok", 1, "v", 0.0)]
    config = RelabelConfig(mode="reference", max_failed_rollouts=2)
    choices = choose_experts(rollouts, score_table(rows), config, standardise=False)
    examples = list(relabel(rollouts, choices, score_table(rows), PROBLEMS, config))
    assert {e.rollout_id for e in examples} == {"ok"}, "failed first states equal the successful one's"
    assert len(examples) == 2


def test_a_choice_knows_where_it_comes_from():
    (a, b) = choose_experts(ROLLOUTS, score_table(ROWS), RelabelConfig(), standardise=False)
    assert (a.rollout_id, a.turn_index, a.label, a.score) == ("r2", 0, True, 0.2)
    assert (b.rollout_id, b.turn_index, b.label, b.score) == ("r3", 0, False, 2.0)


def test_equal_scores_are_standardised_to_their_distance_from_the_mean():
    scores = dict.fromkeys(SCORES, 5.0)
    choices = choose_experts(ROLLOUTS, scores, RelabelConfig(), standardise=True)
    assert [c.criterion for c in choices] == [1.0, 0.0], "the label alone"


def test_without_a_program_there_is_no_choice():
    assert choose_experts(ROLLOUTS[-1:], {}, RelabelConfig(), standardise=True) == []
