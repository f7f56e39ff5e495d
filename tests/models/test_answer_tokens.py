import pytest

from mucode_core.errors import ConfigError
from mucode_core.generator.bootstrap import build_tokenizer
from mucode_core.models.answer_tokens import find_answers


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer(["Yes\nYes\nYes"] * 20, 400)


def test_the_ids_are_those_of_the_answers(tokenizer):
    yes, no = find_answers(tokenizer, ("Yes", "n"))
    assert (tokenizer.decode([yes]), tokenizer.decode([no])) == ("Yes", "n")


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        (("Yes", "Impossible"), r"'Impossible' is \d+ tokens of .*, not one"),
        (("", "n"), "'' is 0 tokens"),
        (("y", "y"), "both are 'y'"),
    ],
)
def test_other_answers_are_refused_with_place_and_hint(tokenizer, answers, says):
    with pytest.raises(ConfigError, match=rf"verifier\.answers: {says}[^\n]*\n  hint: .*single tokens of this model"):
        find_answers(tokenizer, answers)
