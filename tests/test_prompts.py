import pytest
from hypothesis import given
from hypothesis import strategies as st

from mucode_core.prompts import build_messages, extract_code, make_completion, render_code, render_prompt
from mucode_core.types import PublicTurn, StdinTest


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```python\nx = 1\n```", "x = 1"),
        ("Sure!\n```python\nx = 1\n```\nIt works.", "x = 1"),
        ("```\nx = 1\n```", "x = 1"),
        ("```py\nx = 1\n```", "x = 1"),
        ("```bash\npip\n```\n```python\nx = 1\n```", "x = 1"),
        ("```python\nx = 1\n```\n```python\ny = 2\n```", "x = 1"),
        ("```python\nx = 1\ny =", "x = 1\ny ="),
        ("```python\r\nx = 1\r\n```", "x = 1\r"),
        ("def f():\n    return 1", "def f():\n    return 1"),
        ("print(input())", "print(input())"),
        ("I do not know.", None),
        ("hello", None),
        ("", None),
        ("```python\n```", None),
        ("```python\n   \n```", None),
    ],
)
def test_the_program_is_found(text, code):
    assert extract_code(text) == code


@given(st.text())
def test_any_text_is_taken(text):
    code = extract_code(text)
    assert code is None or code.strip()


@given(st.text(alphabet="abc =\n()", min_size=1).filter(lambda s: s.strip("\n") == s and s.strip()))
def test_a_rendered_program_is_found_again(code):
    assert extract_code(render_code(code)) == code
    assert make_completion(render_code(code), "stop", 3).code == code


def test_stdin_tests_are_shown_as_examples():
    text = render_prompt("Add.", [StdinTest("1 2\n", "3\n")])
    assert text == "Add.\nExample input:\n1 2\nExample output:\n3"


def test_messages_alternate_and_end_with_the_user():
    turns = [PublicTurn("one", "bad"), PublicTurn("two", "worse")]
    messages = build_messages("P", ["assert f() == 1"], turns)
    assert [m.role for m in messages] == ["user", "assistant", "user", "assistant", "user"]
    assert messages[-1].content == "Feedback: worse"
