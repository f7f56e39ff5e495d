import inspect
from dataclasses import replace

import pytest

from mucode_core import prompts
from mucode_core.answers import Asked
from mucode_core.fingerprint import derive_seed
from mucode_core.method import rollout
from mucode_core.types import Completion, Problem, Turn
from tests.conftest import make_problem, make_rollout, make_verdict

PROBLEMS = [make_problem("a"), make_problem("b")]


def begin(num_rollouts=2, iteration=0, seed=0):
    counts = {p.problem_id: num_rollouts for p in PROBLEMS}
    return rollout.start(PROBLEMS, counts, iteration=iteration, generator_id="g", seed=seed)


def answer(text="```python\nx = 1\n```"):
    return prompts.make_completion(text, "stop", 3)


def test_each_rollout_has_its_own_seed_independent_of_the_others():
    rollouts = begin()
    assert [r.rollout_id for r in rollouts] == ["0/a/0", "0/a/1", "0/b/0", "0/b/1"]
    assert len({r.seed for r in rollouts}) == 4
    assert [r.seed for r in begin(num_rollouts=1)] == [rollouts[0].seed, rollouts[2].seed]
    assert begin(iteration=1)[0].seed != rollouts[0].seed


def test_each_turn_has_its_own_seed():
    (first, *_) = begin()
    later = rollout.add_turn(first, answer(), make_verdict(False), make_verdict(False), num_turns=3)
    requests = [rollout.make_request(PROBLEMS[0], r) for r in (first, later)]
    assert requests[0].seed != requests[1].seed
    assert [r.turn_index for r in requests] == [0, 1]


def test_a_request_says_what_is_asked_for():
    (first, *_) = begin()
    request = rollout.make_request(replace(PROBLEMS[0], prompt="def g(x):", entry_point="g"), first)
    assert request.asked == Asked("g", "def g(x):")


@pytest.mark.parametrize(
    ("public", "private", "stop_reason"),
    [(True, True, "public_pass"), (True, False, "public_pass"), (False, True, None), (False, False, None)],
)
def test_only_public_tests_stop_a_rollout(public, private, stop_reason):
    (first, *_) = begin()
    added = rollout.add_turn(first, answer(), make_verdict(public), make_verdict(private), num_turns=3)
    assert added.stop_reason == stop_reason
    assert rollout.is_done(added) == (stop_reason is not None)
    assert added.label == (public and private)


def test_a_rollout_ends_after_its_last_turn():
    (current, *_) = begin()
    for _ in range(3):
        assert not rollout.is_done(current)
        current = rollout.add_turn(current, answer(), make_verdict(False), make_verdict(False), num_turns=3)
    assert current.stop_reason == "max_turns"
    assert [t.turn_index for t in current.turns] == [0, 1, 2]


def test_a_state_holds_the_texts_and_public_feedback_of_earlier_turns():
    problem = make_problem("a", private_tests=("assert f(424242) == 1",))
    secret = make_verdict(False, "SECRET of a private test")
    turn = Turn(0, Completion("my text", None, "stop", 1), make_verdict(False, "public says no"), secret)
    (first, *_) = begin()
    state = rollout.build_state(
        problem, type(first)(**{f: getattr(first, f) for f in first.__slots__} | {"turns": (turn,)})
    )
    assert [m.role for m in state] == ["user", "assistant", "user"]
    assert state[0].content == "Write f for a.\nassert f(1) == 2"
    assert state[1].content == "my text"
    assert state[2].content == "Feedback: public says no"
    assert "SECRET" not in str(state)
    assert "424242" not in str(state)


def test_prompts_cannot_reach_private_tests_or_verdicts():
    for function in vars(prompts).values():
        if inspect.isfunction(function):
            annotations = " ".join(str(a) for a in function.__annotations__.values()).replace("PublicTurn", "")
            assert not any(name in annotations for name in ("Problem", "Turn", "Verdict", "Rollout")), function
    source = inspect.getsource(prompts).replace("`Problem` or a `Turn`: private tests and private verdicts", "")
    assert "private" not in source
    assert not hasattr(prompts, "Problem") and Problem is not None


def test_earlier_states_are_prefixes():
    done = make_rollout("r", "a", ("x", False, False), ("y", False, False), ("z", True, True))
    states = [rollout.build_state(PROBLEMS[0], done, t) for t in range(3)]
    assert [len(s) for s in states] == [1, 3, 5]
    assert states[2][:3] == states[1]


def test_a_rollout_and_its_requests_know_where_they_belong():
    """The seeds are part of what a run reproduces: another derivation would be another run."""
    rollouts = begin(iteration=3, seed=7)
    last = rollouts[-1]
    assert (last.problem_id, last.iteration, last.generator_id, last.sample_index) == ("b", 3, "g", 1)
    assert last.seed == derive_seed(7, "rollout", 3, "b", 1)
    later = rollout.add_turn(last, answer(), make_verdict(False), make_verdict(False), num_turns=3)
    request = rollout.make_request(PROBLEMS[1], later)
    assert (request.problem_id, request.sample_index, request.turn_index) == ("b", 1, 1)
    assert request.messages == rollout.build_state(PROBLEMS[1], later)
    assert request.seed == derive_seed(last.seed, "turn", 1)
