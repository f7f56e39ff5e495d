import pytest

from mucode_core.errors import ConfigError
from mucode_core.metrics import accuracy_by_turn
from mucode_core.prompts import make_completion
from mucode_core.sampling.base import SamplingParams
from mucode_core.search import search
from tests.conftest import make_problem, make_verdict

PROBLEMS = [make_problem(f"p{i}") for i in range(30)]
PARAMS = SamplingParams(0.7, 1.0, 32)
ALL = ("random", "lv", "pt", "pt+lv", "oracle")


class FakeSampler:
    """Writes `quality` as a program: a digit 0-9 from the seed; keeps what it was asked."""

    def __init__(self):
        self.requests = []

    def sample(self, requests, params):
        self.requests += requests
        return [make_completion(f"```python\nx = {r.seed % 10}\n```", "stop", 4) for r in requests]


def quality(code):
    return int(code[-1])


def grade(programs):
    """7 and up pass public tests, 8 and up private ones."""
    return [(make_verdict(quality(code) >= 7), make_verdict(quality(code) >= 8)) for _, code in programs]


def score(items):
    return [float(quality(code)) for _, code in items]


def run(selections=ALL, **changes):
    sampler = changes.pop("sampler", FakeSampler())
    settings = {"num_samples": 5, "num_turns": 3, "num_searches": 2, "params": PARAMS, "seed": 1} | changes
    return search(PROBLEMS, sampler, grade, settings.pop("score", score), selections=selections, **settings)


def accuracy(rows, selection, num_turns=3):
    chosen = [r for r in rows if r.selection == selection]
    return accuracy_by_turn(chosen, [p.problem_id for p in PROBLEMS], num_turns).mean(0)


def test_selections_rank_as_they_know_more():
    rows = run()
    last = {s: accuracy(rows, s)[-1] for s in ALL}
    assert last["random"] < last["pt"] < last["pt+lv"] <= last["oracle"]
    assert last["lv"] == last["pt+lv"], "this verifier is perfect"


def test_a_search_goes_on_from_the_selected_program_only_and_stops_on_a_public_pass():
    sampler = FakeSampler()
    rows = run(["pt"], sampler=sampler)
    chosen = {(r.problem_id, r.search_index, r.turn_index): r for r in rows}
    for row in rows:
        assert row.stopped == (row.public_passed or row.turn_index == 2)
        if row.turn_index:
            before = chosen[row.problem_id, row.search_index, row.turn_index - 1]
            assert not before.stopped
    later = [r for r in sampler.requests if r.turn_index == 1]
    allowed = {(r.problem_id, f"```python\n{r.program}\n```") for r in rows if r.turn_index == 0}
    assert later
    assert {(r.problem_id, r.messages[1].content) for r in later} <= allowed


def test_equal_states_of_different_selections_share_their_samples():
    together, sampler = FakeSampler(), FakeSampler()
    rows = run(sampler=together)
    for selection in ALL:
        alone = run([selection], sampler=sampler)
        assert alone == [r for r in rows if r.selection == selection], "sharing changes nothing"
    assert len(together.requests) < len(sampler.requests)
    keys = [(r.problem_id, r.turn_index, r.messages, r.seed) for r in together.requests]
    assert len(keys) == len(set(keys))


def test_a_turn_executes_and_scores_each_program_once():
    graded, scored = [], []

    def grade_once(programs):
        graded.append([(p.problem_id, code) for p, code in programs])
        return grade(programs)

    def score_once(items):
        scored.append(list(items))
        return score(items)

    search(
        PROBLEMS, FakeSampler(), grade_once, score_once, selections=ALL,
        num_samples=8, num_turns=2, num_searches=3, params=PARAMS, seed=1,
    )  # fmt: skip
    assert [len(turn) for turn in graded] == [len(set(turn)) for turn in graded]
    assert [len(turn) for turn in scored] == [len(set(turn)) for turn in scored]
    assert len(graded[0]) < 30 * 8 * 3, "some samples are equal"


def test_progress_never_says_done_early():
    heard = []
    run(progress=lambda done, total, unit: heard.append((done, total)))
    assert len(heard) == 3
    assert all(done < total for done, total in heard[:-1])
    assert heard[-1][0] == heard[-1][1]
    assert heard == sorted(heard, key=lambda pair: pair[0])


def test_nothing_is_asked_for_once_all_searches_ended():
    class Perfect(FakeSampler):
        def sample(self, requests, params):
            assert requests
            return [make_completion("```python\nx = 9\n```", "stop", 4) for _ in requests]

    assert len(run(["pt"], sampler=Perfect(), num_searches=1)) == len(PROBLEMS)


def test_the_same_seed_gives_the_same_rows_and_another_seed_others():
    assert run() == run()
    assert run() != run(seed=2)


def test_searches_and_samples_are_independent_draws():
    sampler = FakeSampler()
    run(["random"], sampler=sampler, num_turns=1)
    assert len({r.seed for r in sampler.requests}) == 30 * 5 * 2


def test_greedy_is_one_sample_and_needs_no_verifier():
    rows = run(["random"], num_samples=1, num_searches=1, score=None)
    assert {r.score for r in rows} == {None}
    assert [r.problem_id for r in rows if r.turn_index == 0] == [p.problem_id for p in PROBLEMS]


def test_a_selection_that_needs_a_verifier_is_refused_without_one():
    with pytest.raises(ConfigError, match="needs a verifier"):
        run(["pt+lv"], score=None)


def test_private_verdicts_move_the_oracle_only():
    def swapped(programs):
        return [(public, make_verdict(not private.passed)) for public, private in grade(programs)]

    sampler = FakeSampler()
    normal = run(["random", "lv", "pt", "pt+lv"])
    other = search(
        PROBLEMS, sampler, swapped, score, selections=["random", "lv", "pt", "pt+lv"],
        num_samples=5, num_turns=3, num_searches=2, params=PARAMS, seed=1,
    )  # fmt: skip
    assert [r.program for r in normal] == [r.program for r in other]


def test_a_rejected_program_can_be_excluded():
    class Stubborn(FakeSampler):
        def sample(self, requests, params):
            return [make_completion(f"```python\nx = {6 - r.seed % 3}\n```", "stop", 4) for r in requests]

    def programs(**settings):
        rows = run(["lv"], sampler=Stubborn(), num_samples=8, num_searches=1, **settings)
        return [[r.program for r in rows if r.problem_id == p.problem_id] for p in PROBLEMS]

    assert all(len(set(three)) == 1 for three in programs() if all(code == "x = 6" for code in three))
    assert any(len(set(three)) == 1 for three in programs())
    assert sum(len(set(three)) == 3 for three in programs(exclude_rejected=True)) > 25


def test_a_missing_program_is_never_preferred_by_score():
    class Mute(FakeSampler):
        def sample(self, requests, params):
            return [
                make_completion("no" if i % 2 else "```python\nx = 1\n```", "stop", 4) for i, _ in enumerate(requests)
            ]

    def grade_some(programs):
        return [(make_verdict(False), make_verdict(False)) for _ in programs]

    rows = search(
        PROBLEMS, Mute(), grade_some, score, selections=["lv"], num_samples=4, num_turns=1, num_searches=1,
        params=PARAMS, seed=0,
    )  # fmt: skip
    assert {r.program for r in rows} == {"x = 1"}
