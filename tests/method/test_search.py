import pytest

from mucode_core.errors import ConfigError, TrainingError
from mucode_core.evaluation.outcomes import count_searches, tabulate
from mucode_core.method.search import _KEYS, Candidate, SearchPlan, rank, search, usable_selections
from mucode_core.prompts import make_completion
from mucode_core.sandbox.base import Output
from mucode_core.sandbox.observing import Behaviour
from mucode_core.types import SamplingParams
from tests.conftest import make_problem, make_verdict

PROBLEMS = [make_problem(f"p{i}") for i in range(30)]
PARAMS = SamplingParams(0.7, 1.0, 32)
ALL = ("random", "lv", "pt", "pt+lv", "oracle")
AGREEMENT = ("agree", "pt+agree", "pt+agree+lv")


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
    others = {name: settings.pop(name) for name in ("progress", "observe") if name in settings}
    scores = settings.pop("score", score)
    return search(PROBLEMS, sampler, grade, scores, SearchPlan(tuple(selections), **settings), **others)


def accuracy(rows, selection, num_turns=3):
    chosen = [r for r in rows if r.selection == selection]
    counted = count_searches(chosen, [p.problem_id for p in PROBLEMS], num_turns, generator="g")
    (table,) = tabulate(counted).values()
    return table.accuracy.mean(0)


def test_accuracy_rises_with_the_information_of_the_selection_strategy():
    rows = run()
    last = {s: accuracy(rows, s)[-1] for s in ALL}
    assert last["random"] < last["pt"] < last["pt+lv"] <= last["oracle"]
    assert last["lv"] == last["pt+lv"], "this verifier is perfect"


def test_a_search_continues_from_the_selected_program_only_and_stops_on_a_public_pass():
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


def test_a_program_is_executed_and_scored_once():
    graded, scored = [], []

    def grade_once(programs):
        graded.extend((p.problem_id, code) for p, code in programs)
        return grade(programs)

    def score_once(items):
        scored.extend(items)
        return score(items)

    rows = search(
        PROBLEMS, FakeSampler(), grade_once, score_once,
        SearchPlan(ALL, (2, 8), num_turns=3, num_searches=3, params=PARAMS, seed=1),
    )  # fmt: skip
    assert len(graded) == len(set(graded))
    assert len(scored) == len(set(scored)) == len(graded)
    assert len(graded) < sum(r.num_drawn for r in rows if (r.selection, r.num_samples) == ("pt", 8))


def test_the_cost_of_a_search_is_counted_as_if_it_ran_alone():
    rows = run(["random", "pt"], num_samples=(2, 5))
    assert {(r.num_samples, r.num_drawn, r.num_tokens) for r in rows} == {(2, 2, 8), (5, 5, 20)}
    assert all(1 <= r.num_distinct <= r.num_drawn for r in rows)


def test_a_sweep_over_n_equals_separate_searches():
    together, alone = FakeSampler(), FakeSampler()
    rows = run(["random", "pt+lv"], sampler=together, num_samples=(1, 3, 8))
    for n in (1, 3, 8):
        assert run(["random", "pt+lv"], sampler=alone, num_samples=(n,)) == [r for r in rows if r.num_samples == n]
    first = [sum(r.turn_index == 0 for r in sampler.requests) for sampler in (together, alone)]
    assert first == [30 * 8 * 2, 30 * (1 + 3 + 8) * 2], "the first turn is drawn for the largest N only"


def test_a_longer_search_begins_like_a_shorter_one():
    short, long = run(num_turns=2), run(num_turns=4)

    def first_turns(rows):
        return [(r.selection, r.search_index, r.problem_id, r.turn_index, r.program) for r in rows if r.turn_index < 2]

    assert first_turns(short) == first_turns(long)
    assert {r.turn_index for r in long} == {0, 1, 2, 3}


def test_a_beam_continues_from_the_best_distinct_programs_until_one_passes():
    sampler = FakeSampler()
    rows = run(["lv"], sampler=sampler, beam_width=2, num_searches=1)
    drawn = {}
    for request in sampler.requests:
        drawn.setdefault((request.problem_id, request.turn_index), {}).setdefault(request.messages, []).append(request)
    for row in rows:
        states = drawn[row.problem_id, row.turn_index]
        assert row.num_drawn == sum(map(len, states.values()))
        if row.turn_index == 0:
            (only,) = states.values()
            best = sorted({r.seed % 10 for r in only}, reverse=True)[:2]
            assert row.program == f"x = {max(best)}", "lv takes the highest score"
        elif row.turn_index == 1:
            assert {m[1].content for m in states} == {f"```python\nx = {d}\n```" for d in best}
            assert len(states) == len(best)
    assert any(row.num_drawn == 10 for row in rows)


def test_the_answer_of_a_beam_is_a_selected_program_that_passes():
    def worst(items):
        return [-value for value in score(items)]

    def answers(width):
        rows = run(["lv"], score=worst, beam_width=width, num_samples=(5,), num_searches=1, num_turns=1)
        return [(r.public_passed, -r.score) for r in rows]

    assert sum(passed for passed, _ in answers(1)) < sum(passed for passed, _ in answers(4))
    for (alone, lowest), (passed, found) in zip(answers(1), answers(4), strict=True):
        assert passed >= alone
        assert found == lowest or (passed and found >= 7)


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), float("-inf")])
def test_a_nan_or_infinite_score_is_refused_with_its_problem(broken):
    def broken_once(items):
        return [broken if "for p7." in prompt else 1.0 for prompt, _ in items]

    with pytest.raises(TrainingError, match=r"p7: the verifier's score is (nan|-?inf)\n.*learning_rate"):
        run(["pt+lv"], score=broken_once)


def test_without_a_verifier_strategies_that_need_one_are_skipped():
    assert usable_selections(ALL, True) == ALL
    assert usable_selections(ALL, False) == ("random", "pt", "oracle")
    assert usable_selections(AGREEMENT, False) == ("agree", "pt+agree")
    with pytest.raises(ConfigError, match=r"selection lv: needs a verifier\n.*--verifier"):
        usable_selections(["lv"], False)


def test_progress_never_reports_completion_early():
    heard = []
    run(progress=lambda done, total, unit: heard.append((done, total)))
    assert len(heard) == 3
    assert all(done < total for done, total in heard[:-1])
    assert heard[-1][0] == heard[-1][1]
    assert heard == sorted(heard, key=lambda pair: pair[0])


def test_nothing_is_sampled_after_all_searches_ended():
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


def test_private_verdicts_affect_only_the_oracle():
    def swapped(programs):
        return [(public, make_verdict(not private.passed)) for public, private in grade(programs)]

    sampler = FakeSampler()
    normal = run(["random", "lv", "pt", "pt+lv"])
    other = search(
        PROBLEMS, sampler, swapped, score,
        SearchPlan(("random", "lv", "pt", "pt+lv"), (5,), num_turns=3, num_searches=2, params=PARAMS, seed=1),
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
        PROBLEMS, Mute(), grade_some, score,
        SearchPlan(("lv",), (4,), num_turns=1, num_searches=1, params=PARAMS, seed=0),
    )  # fmt: skip
    assert {r.program for r in rows} == {"x = 1"}


def observe(programs):
    """Programs that end with the same remainder by 3 give the same; 9 fails."""
    outputs = {q: Output("error") if q == 9 else Output("value", str(q % 3)) for q in range(10)}
    return [Behaviour((outputs[quality(code)],)) for _, code in programs]


def first_choices(selection, **changes):
    """By problem and search: the digits drawn in the first turn, and the one selected."""
    sampler = FakeSampler()
    rows = run([selection], sampler=sampler, observe=observe, num_turns=1, **changes)
    drawn = {}
    for index, request in enumerate(sampler.requests):
        drawn.setdefault((index // (5 * len(PROBLEMS)), request.problem_id), []).append(request.seed % 10)
    return [(drawn[r.search_index, r.problem_id], quality(r.program)) for r in rows]


def groups_of(digits):
    sizes = {}
    for digit in digits:
        if digit != 9:
            sizes.setdefault(digit % 3, []).append(digit)
    return sizes


def test_agreement_selects_from_the_largest_group_and_never_a_failure():
    for digits, chosen in first_choices("agree"):
        groups = groups_of(digits)
        assert len(groups[chosen % 3]) == max(map(len, groups.values())), digits
        assert chosen != 9


def test_agreement_among_those_that_pass_most_public_tests():
    wins = 0
    for digits, chosen in first_choices("pt+agree"):
        passing = [digit for digit in digits if digit >= 7] or digits
        groups = groups_of(passing)
        if groups:
            assert len(groups[chosen % 3]) == max(map(len, groups.values())), digits
        assert chosen in passing
        wins += chosen == 9
    assert wins, "a failure is taken where only failures pass"


def test_the_score_decides_within_the_largest_groups():
    for digits, chosen in first_choices("pt+agree+lv"):
        groups = groups_of([digit for digit in digits if digit >= 7] or digits)
        largest = max(map(len, groups.values()), default=0)
        assert chosen == max((d for g in groups.values() if len(g) == largest for d in g), default=9), digits


def test_agreement_uses_no_private_verdict_and_no_score():
    def swapped(programs):
        return [(public, make_verdict(not private.passed)) for public, private in grade(programs)]

    plan = SearchPlan(("agree", "pt+agree"), (5,), num_turns=3, num_searches=2, params=PARAMS, seed=1)
    normal, other = (
        search(PROBLEMS, FakeSampler(), judged, scored, plan, observe=observe)
        for judged, scored in ((grade, None), (swapped, score))
    )
    assert [r.program for r in normal] == [r.program for r in other]


def test_what_programs_give_changes_no_label_and_no_other_strategy():
    alone = run()
    together = run([*ALL, *AGREEMENT], observe=observe)
    assert [r for r in together if r.selection in ALL] == alone
    labels = {(r.problem_id, r.program): r.label for r in together}
    assert all(label is (quality(program) >= 8) for (_, program), label in labels.items())


def test_each_program_is_observed_once_and_only_where_it_is_needed():
    asked = []

    def observe_once(programs):
        asked.extend((p.problem_id, code) for p, code in programs)
        return observe(programs)

    run(AGREEMENT, observe=observe_once)
    assert len(asked) == len(set(asked)) > 0
    with pytest.raises(ConfigError, match="selection agree: needs outputs of programs"):
        run(["agree"])


def test_agreement_repeats_with_its_seed():
    assert run(AGREEMENT, observe=observe) == run(AGREEMENT, observe=observe)
    assert run(AGREEMENT, observe=observe) != run(AGREEMENT, observe=observe, seed=2)


def test_a_strategy_costs_and_breaks_no_other(monkeypatch):
    monkeypatch.setitem(_KEYS, "agree", lambda candidate, votes: (1 / 0,))
    drawn = [Candidate(make_completion(f"x = {n}", "stop", 3), *grade([(0, f"x = {n}")])[0], None, 0.5) for n in (1, 8)]
    assert rank(drawn, "pt", 1) == [drawn[1]]
