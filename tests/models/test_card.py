"""Cards, read back as the hub reads them."""

import pytest
import yaml
from huggingface_hub import ModelCard

import mucode_core
from mucode_core.models.card import write_generator_card, write_verifier_card
from mucode_core.store.recipe import Recipe
from mucode_core.types import ArtifactRef

EXAMPLES = ArtifactRef("examples", "examples/x", "f" * 64, "c" * 64, 3, 1)
RECIPE = Recipe("generator", 3, {"examples": (EXAMPLES,)}, {"learning_rate": 1e-4, "epochs": 2})
NUMBERS = {"loss_before": 2.5, "loss_after": 0.5, "num_steps": 12}
METRICS = NUMBERS | {"note": "fine", "diverged": False, "ratio": float("nan")}


@pytest.fixture
def card(tmp_path):
    write_generator_card(tmp_path, RECIPE, METRICS, 2)
    return ModelCard.load(tmp_path / "README.md")


def test_the_hub_finds_what_kind_of_model_it_is(card):
    assert (card.data.library_name, card.data.pipeline_tag) == ("transformers", "text-generation")
    assert card.data.tags == ["mucode", "code-generation", "expert-iteration"]


def test_numbers_are_evaluation_results_of_the_hub(card):
    assert {r.metric_type: r.metric_value for r in card.data.eval_results} == NUMBERS
    assert card.data.model_name == "µCode generator, iteration 2"


def test_a_reader_finds_lineage_settings_and_every_metric(card):
    assert f"| examples | examples | `{'c' * 64}` |" in card.text
    assert f"`generator/{RECIPE.fingerprint}`" in card.text
    settings = card.text.split("```yaml\n")[1].split("```")[0]
    assert yaml.safe_load(settings) == RECIPE.settings
    rows = [
        line.strip("| ").split(" | ") for line in card.text.split("| figure | value |")[1].splitlines() if "|" in line
    ]
    assert dict(rows[1:]) == {name: str(value) for name, value in METRICS.items()}


def test_a_verifier_is_a_classifier_and_may_be_without_metrics(tmp_path):
    write_verifier_card(tmp_path, RECIPE, {})
    card = ModelCard.load(tmp_path / "README.md")
    assert card.data.pipeline_tag == "text-classification"
    assert card.data.eval_results is None


def test_the_bytes_do_not_change_with_the_version(tmp_path, monkeypatch):
    write_verifier_card(tmp_path, RECIPE, METRICS)
    before = (tmp_path / "README.md").read_bytes()
    monkeypatch.setattr(mucode_core, "__version__", "99.0")
    monkeypatch.setenv("MUCODE_REVISION", "other")
    write_verifier_card(tmp_path, RECIPE, METRICS)
    assert (tmp_path / "README.md").read_bytes() == before


def test_settings_do_not_contradict_the_iteration_of_the_title(tmp_path):
    recipe = Recipe("generator", 3, {}, {"iteration": 1, "epochs": 2})
    write_generator_card(tmp_path, recipe, {}, 2)
    card = ModelCard.load(tmp_path / "README.md")
    assert card.data.model_name == "µCode generator, iteration 2"
    assert yaml.safe_load(card.text.split("```yaml\n")[1].split("```")[0]) == {"epochs": 2}
