"""Stages are distinguished by fields; captions are derived from them."""

import pytest

from mucode_core.evaluation.run_record import (
    SAMPLE,
    SCORE,
    StageGroup,
    StageName,
    best_of,
    find_rollouts,
    find_searches,
)
from tests.support.run_directories import make_stage

ROUND = StageGroup.of_round(1)


@pytest.mark.parametrize(
    ("name", "caption"),
    [
        (ROUND.shard(SAMPLE, 2, 4, turn_index=0), "round 2 · sample turn 1 · shard 3/4"),
        (ROUND.shard(SCORE, 0, 8), "round 2 · score shard 1/8"),
        (ROUND.on("held out").shard(SCORE, 0, 1), "round 2 · held out · score shard 1/1"),
        (ROUND.stage("fine-tune"), "round 2 · fine-tune"),
        (StageGroup.of_generator(0).stage("greedy"), "base · greedy"),
        (StageGroup.of_generator(1).on("validation").stage(best_of([5])), "iteration 1 · validation · best of 5"),
        (StageGroup("test").stage(best_of([5, 10])), "test · best of 5, 10"),
        (StageName("train", "problems"), "problems · train"),
        (StageName("base model"), "base model"),
        (StageName("base model", variant="rft"), "rft · base model"),
    ],
)
def test_the_caption_is_derived_from_the_fields(name, caption):
    assert name.caption == caption


def test_a_record_keeps_the_fields_of_its_name():
    name = ROUND.shard(SAMPLE, 2, 4, turn_index=0)
    assert make_stage(name, "samples").name == name
    assert name.whole == StageName(SAMPLE, "round 2", 1, 0)
    assert name.selector == "round 2 · sample"


def test_rollouts_are_those_of_the_last_turn_by_group():
    held_out = StageGroup("base").on("held out")
    names = [group.shard("execute", i, 2, turn_index=t) for group in (ROUND, held_out) for i in (0, 1) for t in (0, 1)]
    stages = [make_stage(name, "rollouts") for name in names]
    search = make_stage(StageGroup("final").stage("best of 5"), "search")
    found = find_rollouts([*stages, search])
    assert {group: [s.shard_index for s in of_group] for group, of_group in found.items()} == {
        "round 2": [0, 1],
        "base · held out": [0, 1],
    }
    assert all(stage.turn_index == 1 for of_group in found.values() for stage in of_group)
    assert find_searches([*stages, search]) == [search]
