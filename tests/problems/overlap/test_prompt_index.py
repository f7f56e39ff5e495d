from mucode_core.problems.overlap.prompt_index import PromptIndex, sequences_of, words_of
from tests.conftest import make_problem

FIRST = "Return the sum of both numbers that are given as a list."
SECOND = "Return the sum of both numbers that are given as text."


def test_words_have_neither_case_nor_punctuation() -> None:
    assert words_of(" Add, TWO\nnumbers!") == ["add", "two", "numbers"]
    assert sequences_of("a b c", 2) == {("a", "b"), ("b", "c")}
    assert sequences_of("a", 2) == {("a",)}
    assert sequences_of("!", 2) == set()


def test_a_prompt_within_a_template_finds_its_problem() -> None:
    index = PromptIndex([make_problem("a", prompt=FIRST), make_problem("b", prompt=SECOND)])
    assert index.find(f"<|system|> Be brief. <|user|> {SECOND.upper()} <|assistant|>") == "b"


def test_what_several_problems_share_finds_none() -> None:
    index = PromptIndex([make_problem("a", prompt=FIRST), make_problem("b", prompt=SECOND)])
    assert index.find("Return the sum of both numbers that are given as") is None
    assert index.find(f"{FIRST} {SECOND}") is None
    assert PromptIndex([make_problem("a", prompt=FIRST), make_problem("b", prompt=FIRST)]).find(FIRST) is None
