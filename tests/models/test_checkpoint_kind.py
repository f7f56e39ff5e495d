import json

import pytest

from mucode_core.errors import DataError
from mucode_core.models.checkpoint_kind import ENSEMBLE_MARK, VERIFIER_MARK, read_scoring, require_generator, write_mark
from mucode_core.types import Scoring


@pytest.fixture
def model(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def test_a_model_is_a_generator_until_it_is_marked_as_a_verifier(model):
    require_generator(model)
    with pytest.raises(DataError, match="holds no verifier"):
        read_scoring(model)
    (model / VERIFIER_MARK).write_text(json.dumps({"score": "head"}))
    assert read_scoring(model) == Scoring("head")
    with pytest.raises(DataError, match="holds a verifier, not a generator"):
        require_generator(model)


def test_an_ensemble_is_no_generator(tmp_path):
    (tmp_path / ENSEMBLE_MARK).write_text("{}")
    with pytest.raises(DataError, match="holds a verifier, not a generator"):
        require_generator(tmp_path)


@pytest.mark.parametrize("check", [require_generator, read_scoring])
def test_a_directory_without_a_model_is_refused_with_a_hint(tmp_path, check):
    with pytest.raises(DataError, match=r"there is no config.json\n.*RUN_DIR/models/"):
        check(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "[]", "{}", "\xff"])
def test_a_broken_marker_is_not_a_verifier(model, text):
    (model / VERIFIER_MARK).write_text(text, "latin-1")
    with pytest.raises(DataError, match="holds no verifier"):
        read_scoring(model)


def test_an_unknown_kind_is_refused(model):
    (model / VERIFIER_MARK).write_text('{"score": "median"}')
    with pytest.raises(DataError, match="scores by 'median'"):
        read_scoring(model)


def test_the_question_of_a_token_score_is_kept_with_the_checkpoint(model):
    scoring = Scoring("token", "Is it right?", ("y", "n"))
    write_mark(model, scoring)
    assert read_scoring(model) == scoring
    (model / VERIFIER_MARK).write_text('{"score": "token", "answers": ["y"]}')
    with pytest.raises(DataError, match="holds no verifier"):
        read_scoring(model)


@pytest.mark.parametrize(
    ("architecture", "kind"),
    [("LlamaForSequenceClassification", "likelihood"), ("LlamaForCausalLM", "head"), ("LlamaForCausalLM", "token")],
)
def test_a_model_of_another_kind_than_its_mark_is_refused(model, architecture, kind):
    (model / "config.json").write_text(json.dumps({"architectures": [architecture]}))
    write_mark(model, Scoring(kind))
    if (architecture, kind) == ("LlamaForCausalLM", "token"):
        assert read_scoring(model).kind == "token"
        return
    with pytest.raises(DataError, match=f"{architecture} cannot score by '{kind}'"):
        read_scoring(model)
