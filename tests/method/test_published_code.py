from mucode_core.method.published_code import candidate_turns, choose_targets, criterion
from tests.conftest import make_rollout


def test_only_the_last_turn_is_a_candidate_and_its_label_outweighs_any_score():
    rollout = make_rollout("r", "p", ("x", False, False), ("y", True, True))
    assert candidate_turns(rollout) == rollout.turns[1:]
    assert criterion(label=True, score=-3.5) == 96.5
    assert criterion(label=False, score=4.0) == 4.0


def test_the_failed_rollouts_with_the_highest_scores_get_the_expert_s_completion():
    rollouts = [make_rollout(name, "p", ("x", False, False)) for name in ("low", "high", "middle")]
    rollouts.append(make_rollout("good", "p", ("y", True, True)))
    rollouts.append(make_rollout("other", "q", ("x", False, False)))
    scores = {("low", 0): -1.0, ("high", 0): 2.0, ("middle", 0): 1.0}
    chosen = [(rollout.rollout_id, text) for rollout, text in choose_targets(rollouts, {"p": "expert"}, scores, 2)]
    assert chosen[1:] == [("high", "expert"), ("middle", "expert")]
    assert chosen[0] == ("good", rollouts[3].turns[0].completion.text)
