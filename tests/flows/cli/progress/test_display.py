"""Progress of a run: by the fields of its stages, whatever their captions."""

import io

import pytest
from mucode_flows.cli.progress.display import Bar, RunDisplay, expected_evaluation, expected_stages, make_table
from rich.console import Console
from rich.progress import Progress

from mucode_core.config import make_config
from mucode_core.evaluation.run_record import SAMPLE, WARM_UP, StageGroup, StageName


def draw(expected):
    console = Console(file=io.StringIO(), force_terminal=False, width=120)
    return RunDisplay(expected, console), console


def test_every_expected_stage_has_a_name_that_flows_give():
    config = make_config({"run": {"iterations": 1}, "rollouts": {"num_turns": 2}, "evaluation": {"best_of_n": 4}})
    captions = [name.caption for name in expected_stages(config)]
    assert captions[:5] == [
        "bootstrap dialogues",
        "base model",
        "round 1 · sample turn 1",
        "round 1 · sample turn 2",
        "round 1 · fit verifier",
    ]
    assert "final · best of 4" in captions
    several = make_config({"evaluation": {"best_of_n": 5, "sweep": [1, 5, 10]}})
    assert {n.caption: w for n, w in expected_evaluation(several, False).items()} == {
        "test · greedy": 1.0,
        "test · best of 5, 10": 15.0,
    }


def test_a_small_stage_is_not_taken_for_free():
    tiny = {"problems": {"num_train": 6}, "generator": {"bootstrap": {"num_dialogues": 8}}}
    work = expected_stages(make_config(tiny)).values()
    assert max(work) < 10 * min(work)


def test_a_warm_up_with_several_turns_has_a_correction_for_each_problem():
    def work(num_problems, turns):
        settings = {"problems": {"num_warm_up": num_problems}, "rollouts": {"num_turns": turns}}
        return expected_stages(make_config(settings | {"generator": {"model": "a/model"}}))[StageName(WARM_UP)]

    assert work(400, 2) == work(400, 3) == work(800, 1) > work(400, 1)


def test_a_title_is_not_wrapped_to_the_width_of_a_narrow_table():
    console = Console(file=io.StringIO(), force_terminal=False, width=200)
    console.print(make_table([("", ""), ("a", "b")], "/a/run/directory"))
    assert "/a/run/directory" in console.file.getvalue()


def test_a_stage_is_done_when_all_its_shards_are():
    group = StageGroup.of_round(0)
    shards = [group.shard(SAMPLE, index, 2, turn_index=0) for index in range(2)]
    display, console = draw({shards[0].whole: 1.0, group.stage("fine-tune"): 1.0})
    for shard in shards:
        display.submitted(shard)
        display.started(shard.caption)
    display.finished(shards[0].caption)
    assert console.file.getvalue() == ""
    display.finished(shards[1].caption)
    assert "round 1 · sample turn 1: done; about" in console.file.getvalue()


@pytest.mark.parametrize("form", ["{0.group}/{0.step}", "stage {0.group} {0.step}!"])
def test_another_caption_changes_nothing_but_what_is_shown(monkeypatch, form):
    monkeypatch.setattr(StageName, "caption", property(form.format))
    name = StageGroup("final").stage("best of 5")
    display, console = draw({name: 1.0})
    display.submitted(name)
    display.started(name.caption)
    display.advanced(name.caption, 1, 4, "problems")
    display.finished(name.caption)
    assert f"{name.caption}: done; finishing" in console.file.getvalue()


def test_the_first_rate_of_a_unit_counts_from_the_end_of_the_one_before(monkeypatch):
    now = iter([0.0, 1.0, 2.0, 4.0, 8.0])
    monkeypatch.setattr("mucode_flows.cli.progress.display.time.monotonic", lambda: next(now))
    bars = Progress(console=Console(file=io.StringIO(), force_terminal=True), get_time=lambda: 0.0)
    bar = Bar(bars, "grading")
    rates = []
    for done, unit in ((1, "limits"), (2, "limits"), (10, "programs"), (30, "programs")):
        bar.report(done, 30, unit)
        rates.append(bars.tasks[0].fields["rate"])
    assert rates == ["1 limits/s", "1 limits/s", "5 programs/s", "5 programs/s"]


def test_a_single_problem_is_counted_in_the_singular(monkeypatch):
    now = iter([0.0, 40.0, 40.0, 40.0, 100.0, 100.0, 100.0])
    monkeypatch.setattr("mucode_flows.cli.progress.display.time.monotonic", lambda: next(now))
    printed = io.StringIO()
    bar = Bar(Progress(console=Console(file=printed, width=99), get_time=lambda: 0.0), "checking")
    bar.report(1, 0, "problems")
    bar.report(2, 0, "problems")
    assert printed.getvalue().splitlines() == ["1 problem, 0.03 problems/s", "2 problems, 0.02 problems/s"]
