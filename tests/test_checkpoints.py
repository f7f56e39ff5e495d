import json

import pytest

from mucode_core.checkpoints import VERIFIER_MARK, read_score_kind, require_generator
from mucode_core.errors import DataError


@pytest.fixture
def model(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def test_a_model_is_a_generator_until_it_is_marked_as_a_verifier(model):
    require_generator(model)
    with pytest.raises(DataError, match="holds no verifier"):
        read_score_kind(model)
    (model / VERIFIER_MARK).write_text(json.dumps({"score": "head"}))
    assert read_score_kind(model) == "head"
    with pytest.raises(DataError, match="holds a verifier, no generator"):
        require_generator(model)


@pytest.mark.parametrize("check", [require_generator, read_score_kind])
def test_a_directory_without_a_model_is_refused_with_a_cure(tmp_path, check):
    with pytest.raises(DataError, match=r"there is no config.json\n.*RUN_DIR/models/"):
        check(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "[]", "{}", "\xff"])
def test_a_broken_mark_is_no_verifier(model, text):
    (model / VERIFIER_MARK).write_text(text, "latin-1")
    with pytest.raises(DataError, match="holds no verifier"):
        read_score_kind(model)


def test_an_unknown_kind_is_told(model):
    (model / VERIFIER_MARK).write_text('{"score": "median"}')
    with pytest.raises(DataError, match="scores by 'median'"):
        read_score_kind(model)
