"""Inputs that a generator writes: what is taken of its text, and what never is."""

import json

import pytest

from mucode_core.method.inputs import GeneratedInput, ask_for_inputs, read_inputs
from mucode_core.prompts import make_completion
from mucode_core.types import CallTest, SamplingParams, StdinTest
from tests.conftest import make_problem

PARAMS = SamplingParams(0.7, 1.0, 32)
CALLED = make_problem("c", kind="call", public_tests=(CallTest("[1]", "2"),))
READ = make_problem("s", kind="stdin", entry_point="", public_tests=(StdinTest("1\n", "2\n"),))


def read(text, **changes):
    return list(read_inputs(make_problem("p", **changes), text))


def test_calls_are_taken_from_what_models_write():
    text = """Here are some inputs:
1. `f(3)`
- f([1, 2], key='a')
```python
assert f(-4) == 7
print(f({1: (2, None)}))
```
f(f(5))
nothing here
g(1)
"""
    assert read(text) == ["f(3)", "f([1, 2], key='a')", "f(-4)", "f({1: (2, None)})"]


@pytest.mark.parametrize(
    "text",
    [
        "f(__import__('os').system('true'))", "f(x)", "f(open('a'))", "f([].append)", "f(*[1])", "f(**{'a': 1})",
        "f(lambda: 1)", "f(f'{1}')", "f(10 ** 10 ** 10)", "f((yield))", "f(", "f" * 20_000, "(" * 9_000 + "f(1)",
        "f('" + "a" * 20_000 + "')", "f(1)\x00", "x = [f for f in (1,)]",
    ],
)  # fmt: skip
def test_only_literal_arguments_are_taken(text):
    assert read(text) == []


def test_a_method_is_called_on_an_instance_of_its_class():
    assert read("Solution().add(1, 2)\nadd(3, 4)", entry_point="Solution.add") == [
        "Solution().add(1, 2)", "Solution().add(3, 4)",
    ]  # fmt: skip


def test_arguments_of_calls_are_json():
    text = "f([1, (2, 'x')], None)\nf({1, 2})\nf(a=1)\nf(b'x')\nf(1e999)"
    (found,) = read_inputs(CALLED, text)
    assert json.loads(found) == [[1, [2, "x"]], None]


def test_standard_input_is_taken_from_code_blocks():
    text = "Inputs:\n```\n3\n1 2 3\n```\nand\n```text\n0\n\n```\n"
    assert list(read_inputs(READ, text)) == ["3\n1 2 3\n", "0\n\n"]


class Writer:
    """Writes the same answer to every request; keeps the requests."""

    def __init__(self, text):
        self.text, self.requests = text, []

    def sample(self, requests, params):
        self.requests += requests
        return [make_completion(self.text, "stop", 3) for _ in requests]


def test_inputs_are_distinct_bounded_and_none_is_a_public_test_s():
    writer = Writer("f(1)\nf(2)\nf( 2 )\nf(3)\nf(4)\n")
    problem = make_problem("p")
    found = list(ask_for_inputs([problem, CALLED], writer, 2, PARAMS, seed=1))
    assert found == [
        GeneratedInput("p", "f(2)"), GeneratedInput("p", "f(3)"),
        GeneratedInput("c", "[2]"), GeneratedInput("c", "[3]"),
    ]  # fmt: skip
    assert [one.as_test(problem) for one in found[:2]] == ["assert f(2)", "assert f(3)"]
    assert found[2].as_test(CALLED) == CallTest("[2]", "null")


def test_a_problem_is_asked_once_and_shows_only_public_tests():
    writer = Writer("")
    problem = make_problem("p")
    assert list(ask_for_inputs([problem, READ, make_problem("q", entry_point="")], writer, 3, PARAMS, 1)) == []
    assert [r.problem_id for r in writer.requests] == ["p", "s"]
    (message,) = writer.requests[0].messages
    assert problem.prompt in message.content
    assert not any(test in message.content for test in problem.private_tests)
    assert len({r.seed for r in writer.requests}) == 2
