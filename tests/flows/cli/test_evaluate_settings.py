"""What the options of `mucode evaluate` make of a recipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mucode_flows.cli import evaluation

from mucode_core import preflight
from mucode_core.config import Config
from mucode_core.errors import ConfigError

JUDGE = ["verifier.score=token", "verifier.fit=false", "verifier.scorer=vllm"]


class Checked(Exception):
    """Ends the command where its run would start."""


@pytest.fixture
def settings_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Config]:
    """The settings with which `mucode evaluate` would run."""

    def read(recipe: str = "demo", **options: Any) -> Config:
        found: list[Config] = []

        def keep(config: Config) -> None:
            found.append(config)
            raise Checked

        monkeypatch.setattr(preflight, "require_evaluation", keep)
        with pytest.raises(Checked):
            evaluation.evaluate(recipe, generator="models/final", **options)
        return found[0]

    return read


def test_options_take_precedence_over_set_and_this_over_the_recipe(settings_of: Callable[..., Config]) -> None:
    sets = ["evaluation.temperature=0.3", "rollouts.num_turns=2", "run.output_dir=there", "run.store_dir=s3://bucket/x"]
    settings = settings_of(temperature=0.9, overrides=sets)
    assert settings.evaluation.temperature == 0.9
    assert settings.rollouts.num_turns == 2
    assert (settings.run.output_dir, settings.run.store_dir) == ("there", "s3://bucket/x")


def test_a_recipe_s_own_directories_are_not_written(settings_of: Callable[..., Config], tmp_path: Path) -> None:
    recipe = tmp_path / "config.yaml"
    recipe.write_text("run: {name: mine, output_dir: runs/mine, store_dir: elsewhere}\n")
    settings = settings_of(str(recipe))
    assert (settings.run.output_dir, settings.run.store_dir) == ("runs/mine-best-of-n", "")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 10),
        ({"num_samples": "7"}, 7),
        ({"overrides": ["evaluation.num_rollouts=9"]}, 9),
        ({"num_samples": "7", "overrides": ["evaluation.num_rollouts=9"]}, 7),
    ],
    ids=["twice the largest k", "-n", "--set", "both"],
)
def test_the_rollouts_of_pass_at_k(settings_of: Callable[..., Config], options: dict[str, Any], expected: int) -> None:
    assert settings_of(pass_at_k="1,5", **options).evaluation.num_rollouts == expected


@pytest.mark.parametrize("given", [None, True, False])
def test_a_recipe_s_switch_can_be_turned_either_way(settings_of: Callable[..., Config], given: bool | None) -> None:
    sets = ["evaluation.exclude_rejected=true"]
    settings = settings_of(exclude_rejected=given, overrides=sets)
    assert settings.evaluation.exclude_rejected is (given is not False)


@pytest.mark.parametrize(
    "given",
    [
        {"verifier": "models/verifier"},
        {"overrides": ["evaluation.verifier=models/verifier"]},
        {"overrides": [*JUDGE, "verifier.vllm.base_url=http://127.0.0.1:1/v1", "verifier.vllm.served_model=judge"]},
    ],
    ids=["option", "recipe", "endpoint"],
)
def test_a_strategy_uses_the_verifier_wherever_it_is_named(
    settings_of: Callable[..., Config], given: dict[str, Any]
) -> None:
    assert settings_of(select="lv,pt", **given).evaluation.selections == ("lv", "pt")


def test_a_named_strategy_without_its_verifier_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"--select lv: needs a verifier"):
        evaluation.evaluate("demo", generator="models/final", select="pt,lv")
