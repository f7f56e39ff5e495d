import pytest

from mucode_core.errors import ConfigError, TrainingError
from mucode_core.outcomes import count_searches, tabulate
from mucode_core.prompts import make_completion
from mucode_core.sampling.base import SamplingParams
from mucode_core.search import search, usable_selections
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
    settings = {"num_samples": (5,), "num_turns": 3, "num_searches": 2, "params": PARAMS, "seed": 1} | changes
    return search(PROBLEMS, sampler, grade, settings.pop("score", score), selections=selections, **settings)


def accuracy(rows, selection, num_turns=3):
    chosen = [r for r in rows if r.selection == selection]
    outcomes = count_searches(chosen, [p.problem_id for p in PROBLEMS], num_turns, generator="final")
    (table,) = tabulate(outcomes).values()
    return table.accuracy.mean(0)


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
        num_samples=(8,), num_turns=2, num_searches=3, params=PARAMS, seed=1,
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
    rows = run(["random"], num_samples=(1,), num_searches=1, score=None)
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
        num_samples=(5,), num_turns=3, num_searches=2, params=PARAMS, seed=1,
    )  # fmt: skip
    assert [r.program for r in normal] == [r.program for r in other]


def test_a_rejected_program_can_be_excluded():
    class Stubborn(FakeSampler):
        def sample(self, requests, params):
            return [make_completion(f"```python\nx = {6 - r.seed % 3}\n```", "stop", 4) for r in requests]

    def programs(**settings):
        rows = run(["lv"], sampler=Stubborn(), num_samples=(8,), num_searches=1, **settings)
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
        PROBLEMS, Mute(), grade_some, score, selections=["lv"], num_samples=(4,), num_turns=1, num_searches=1,
        params=PARAMS, seed=0,
    )  # fmt: skip
    assert {r.program for r in rows} == {"x = 1"}


def test_every_n_is_what_it_would_be_alone():
    together = run(num_samples=(1, 3, 8))
    for n in (1, 3, 8):
        assert [r for r in together if r.num_samples == n] == run(num_samples=(n,))


def test_every_number_of_turns_is_what_it_would_be_alone():
    long, short = run(num_turns=3), run(num_turns=2)
    cut = [r for r in long if r.turn_index < 2]
    assert [(r.problem_id, r.selection, r.turn_index, r.program, r.label) for r in cut] == [
        (r.problem_id, r.selection, r.turn_index, r.program, r.label) for r in short
    ]


def test_smaller_n_costs_no_sample_in_the_first_turn():
    one, many = FakeSampler(), FakeSampler()
    run(["pt"], sampler=one, num_samples=(8,), num_turns=1)
    run(["pt"], sampler=many, num_samples=(1, 3, 8), num_turns=1)
    assert one.requests == many.requests


def test_a_program_is_executed_and_scored_once_in_all_turns():
    graded, scored = [], []

    def grade_once(programs):
        graded.extend((p.problem_id, code) for p, code in programs)
        return grade(programs)

    def score_once(items):
        scored.extend(items)
        return score(items)

    search(
        PROBLEMS, FakeSampler(), grade_once, score_once, selections=ALL,
        num_samples=(2, 8), num_turns=3, num_searches=2, params=PARAMS, seed=1,
    )  # fmt: skip
    assert len(graded) == len(set(graded))
    assert len(scored) == len(graded), "each problem has its own prompt"


def test_a_beam_goes_on_from_the_best_programs():
    sampler = FakeSampler()
    rows = run(["lv"], sampler=sampler, num_searches=1, beam_width=2)
    first = {r.problem_id: r for r in rows if r.turn_index == 0}
    second = [r for r in sampler.requests if r.turn_index == 1]
    for problem_id, row in first.items():
        if row.stopped:
            continue
        drawn = {r.seed % 10 for r in sampler.requests if r.problem_id == problem_id and r.turn_index == 0}
        histories = {r.messages[1].content for r in second if r.problem_id == problem_id}
        assert histories == {f"```python\nx = {q}\n```" for q in sorted(drawn)[-2:]}
        assert row.program == f"x = {max(drawn)}"
    drawn_in_turn_2 = {r.num_drawn for r in rows if r.turn_index == 1}
    assert drawn_in_turn_2 <= {5, 10}
    assert 10 in drawn_in_turn_2


def test_a_beam_of_one_is_the_papers_search():
    assert run(beam_width=1) == run()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_refused(value):
    with pytest.raises(TrainingError, match="the verifier's score is"):
        run(["lv"], score=lambda items: [value for _ in items])


def test_costs_are_counted():
    rows = run(["pt"], num_searches=1)
    assert all((r.num_drawn, r.num_tokens) == (5, 20) and 1 <= r.num_distinct <= 5 for r in rows)


def test_without_a_verifier_selections_that_need_one_are_left_out():
    assert usable_selections(ALL, has_verifier=True) == ALL
    assert usable_selections(ALL, has_verifier=False) == ("random", "pt", "oracle")
    with pytest.raises(ConfigError, match="needs a verifier"):
        usable_selections(("lv", "pt+lv"), has_verifier=False)
