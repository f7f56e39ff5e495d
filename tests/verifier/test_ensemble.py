"""An ensemble's score is the mean of its members minus their spread; it is made of verifiers of one kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from mucode_core.config import BootstrapConfig, make_config
from mucode_core.errors import ConfigError, DataError
from mucode_core.models.checkpoint_kind import read_members, read_scoring
from mucode_core.types import Scoring
from mucode_core.verifier.ensemble import join_verifiers
from mucode_core.verifier.score import score_programs
from mucode_core.verifier.scorers import combine, score_distinct
from mucode_core.verifier.untrained import make_untrained
from tests.support.sayings import make_base

SIZE = BootstrapConfig(vocab_size=320, hidden_size=32, num_layers=1, num_heads=2, context_length=256)
ITEMS = [("say w1", "w1"), ("say w2", "w2"), ("say w1", "w1")]


@pytest.fixture(scope="module")
def judges(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two verifiers of one kind, of one model each, and one that asks something else."""
    torch.set_num_threads(1)
    place = tmp_path_factory.mktemp("judges")
    bases = [make_base(place / f"base{words}", SIZE, words) for words in (8, 6)]
    asked = [(bases[0], "Right?"), (bases[1], "Right?"), (bases[0], "Wrong?")]
    for index, (base, question) in enumerate(asked):
        make_untrained(base, place / str(index), Scoring("token", question, ("y", "n")))
    return [place / str(index) for index in range(len(asked))]


def call_here(calls: list[tuple[Any, ...]]) -> list[list[float]]:
    return [score_programs(*call) for call in calls]


def test_the_spread_is_subtracted_from_the_mean() -> None:
    assert combine([[1.0, 5.0], [3.0, 5.0], [5.0, 5.0]], 0.5) == pytest.approx([3 - 0.5 * (8 / 3) ** 0.5, 5.0])
    assert combine([[2.5]], 0.0) == [2.5]


def test_all_members_score_every_program(judges: list[Path], tmp_path: Path) -> None:
    join_verifiers(judges[:2], tmp_path / "both", 2.0)
    first, second = (score_programs(judge, ITEMS) for judge in judges[:2])
    assert first[0] != second[0]
    expected = [(a + b) / 2 - 2.0 * abs(a - b) / 2 for a, b in zip(first, second, strict=True)]
    assert score_distinct(ITEMS, tmp_path / "both", call_here) == pytest.approx(expected)
    assert score_distinct(ITEMS, judges[0], call_here) == first
    assert score_distinct([], tmp_path / "both", call_here) == []
    assert read_scoring(tmp_path / "both") == Scoring("token", "Right?", ("y", "n"))
    assert (tmp_path / "both" / "1" / "model.safetensors").samefile(judges[1] / "model.safetensors")


def test_verifiers_that_score_in_different_ways_are_refused(judges: list[Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ensemble\.json: mixes verifiers that score by 'token' and by 'token'"):
        join_verifiers([judges[0], judges[2]], tmp_path / "mixed", 0.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no list of verifiers"),
        ('{"members": []}', "is no list of verifiers"),
        ('{"members": [], "pessimism": 0}', "names no verifier"),
        ('{"members": ["0", "1", "0"], "pessimism": 0}', "names a verifier twice: 0, 1, 0"),
        ('{"members": ["0"], "pessimism": true}', "pessimism is True, not a number from 0 on"),
        ('{"members": ["0"], "pessimism": "1"}', "pessimism is '1', not a number from 0 on"),
        ('{"members": ["0"], "pessimism": -1}', "pessimism is -1, not a number from 0 on"),
        ('{"members": ["0"], "pessimism": NaN}', "pessimism is nan, not a number from 0 on"),
    ],
)
def test_a_damaged_list_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "ensemble.json").write_text(text)
    with pytest.raises(DataError, match=message):
        read_members(tmp_path)


def test_a_missing_member_is_named(tmp_path: Path) -> None:
    (tmp_path / "ensemble.json").write_text(json.dumps({"members": ["0"], "pessimism": 0}))
    with pytest.raises(DataError, match=r"/0: holds no model"):
        read_scoring(tmp_path)


@pytest.mark.parametrize(
    ("verifier", "message"),
    [
        ({"ensemble": 3, "fit": False, "score": "likelihood"}, "3 verifiers that are not fitted are the same"),
        ({"pessimism": 1.0}, "one verifier has no spread"),
    ],
)
def test_settings_without_a_sense_are_refused(verifier: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_config({"verifier": verifier})


def test_one_verifier_has_the_fingerprint_of_before() -> None:
    assert not {"ensemble", "pessimism"} & set(make_config({}).verifier.fingerprinted())
