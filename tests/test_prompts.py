import ast
import textwrap
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mucode_core.answers import Asked, extract_program
from mucode_core.prompts import build_messages, make_completion, render_code, render_prompt
from mucode_core.types import CallTest, Completion, PublicTurn, StdinTest
from tests.conftest import make_problem


@given(st.text(alphabet="abc =\n()", min_size=1).filter(lambda s: s.strip("\n") == s and s.strip()))
def test_a_rendered_program_is_found_again(code):
    """One that is no Python but for its indentation is found at the margin, where it is."""
    moved = textwrap.dedent(code)
    expected = moved if not is_python(code) and is_python(moved) else code
    assert extract_program(render_code(code)).code == expected.strip("\n")
    assert make_completion(render_code(code), "stop", 3).code == expected.strip("\n")


def is_python(code):
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def test_stdin_tests_are_shown_as_examples():
    text = render_prompt("Add.", [StdinTest("1 2\n", "3\n")])
    assert text == "Add.\nExample input:\n1 2\nExample output:\n3"


def test_messages_alternate_and_end_with_the_user():
    turns = [PublicTurn("one", "bad"), PublicTurn("two", "worse")]
    messages = build_messages("P", ["assert f() == 1"], turns)
    assert [m.role for m in messages] == ["user", "assistant", "user", "assistant", "user"]
    assert messages[-1].content == "Feedback: worse"


def test_a_completion_keeps_what_was_drawn():
    text = "```python\n\nXX = 1\n\n```"
    assert make_completion(text, "length", 7) == Completion(text, "XX = 1", "length", 7, "block")


def test_a_call_is_shown_as_an_expression():
    test = CallTest('[[2, true, null, "a\'b"], 1e3]', "-0.50")
    assert test.as_source("two_sum") == """two_sum([2, True, None, "a'b"], 1e3) == -0.50"""
    assert test.as_source("Solution.two_sum").startswith("Solution().two_sum([2, True")
    assert CallTest(f"[{'9' * 10_000}]", "1").as_source("f") == f"f({'9' * 10_000}) == 1"
    problem = replace(make_problem(), kind="call", entry_point="f", public_tests=(CallTest("[1]", "[2]"),))
    assert render_prompt("Add.", problem.shown_tests) == "Add.\nf(1) == [2]"


def test_a_completion_has_the_program_that_is_asked_for():
    text = "```python\ndef f(x): return g(x)\n```\nand to try it:\n```python\ndef g(x): return x\n```"
    assert "def f" not in (make_completion(text, "stop", 3, Asked("g")).code or "")
    assert "def f" in (make_completion(text, "stop", 3, Asked("f")).code or "")
