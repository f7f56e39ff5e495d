import numpy as np

from mucode_core.evaluation.behaviours import from_rows, to_rows
from mucode_core.evaluation.rollout_selection import select_among_rollouts
from mucode_core.sandbox.base import Output
from mucode_core.sandbox.observing import Behaviour
from mucode_core.types import VerifierScore
from tests.conftest import make_rollout

ROLLOUTS = [
    make_rollout("a", "p", ("a0", True, True)),
    make_rollout("b", "p", ("b0", False, False), ("b1", True, False)),
    make_rollout("c", "p", (None, False, False), ("c1", False, False)),
    make_rollout("d", "q", ("d0", False, False), ("d1", True, True)),
]
SCORES = {("a", 0): 0.5, ("b", 0): 2.0, ("b", 1): 1.0, ("c", 1): 3.0, ("d", 0): 0.0, ("d", 1): 0.0}


def test_one_of_the_rollouts_is_selected_after_each_turn():
    scores = [VerifierScore(rollout_id, turn, "v", score) for (rollout_id, turn), score in SCORES.items()]
    found = select_among_rollouts(ROLLOUTS, scores, 2)
    expected = {
        "random": [[100 / 3, 100 / 3], [0, 100]],
        "lv": [[0, 0], [0, 100]],
        "pt": [[100, 50], [0, 100]],
        "pt+lv": [[100, 0], [0, 100]],
        "oracle": [[100, 100], [0, 100]],
    }
    assert found.keys() == expected.keys()
    for selection, accuracy in expected.items():
        np.testing.assert_allclose(found[selection], accuracy, err_msg=selection)


def test_rollouts_vote_where_it_is_known_what_their_programs_give():
    one, two = Output("value", "1"), Output("value", "2")
    given = {("a", 0): one, ("b", 0): two, ("b", 1): two, ("c", 1): two, ("d", 0): Output("error"), ("d", 1): one}
    rows = [row for key, output in given.items() for row in to_rows(*key, Behaviour((output,)))]
    behaviours = from_rows(rows)
    assert behaviours == {key: Behaviour((output,)) for key, output in given.items()}
    scores = [VerifierScore(rollout_id, turn, "v", score) for (rollout_id, turn), score in SCORES.items()]
    found = select_among_rollouts(ROLLOUTS, scores, 2, behaviours)
    assert set(found) >= {"agree", "pt+agree", "pt+agree+lv"}
    np.testing.assert_allclose(found["agree"], [[50, 0], [0, 100]])  # after turn 1 c has no program
    np.testing.assert_allclose(found["pt+agree"], [[100, 50], [0, 100]])
    np.testing.assert_allclose(found["pt+agree+lv"], [[100, 0], [0, 100]])
