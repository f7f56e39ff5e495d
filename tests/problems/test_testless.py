"""Prompts without tests: the signature is the one that the tests call."""

import ast
import inspect
from dataclasses import replace

import pytest

from mucode_core.config import ProblemsConfig, make_config
from mucode_core.errors import ConfigError
from mucode_core.method.rollout import build_state
from mucode_core.problems import load_problems, load_split
from mucode_core.problems.testless import hide_tests, signature_of
from mucode_core.prompts import render_prompt
from mucode_core.types import CallTest, StdinTest
from mucode_core.verifier.pairs import label_programs, make_pairs
from tests.conftest import make_problem, make_rollout, real_data


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("def f(x, *, key=None): return x", "def f(x, *, key=None):"),
        ("import re\ndef g(a): return a\ndef f(x: int) -> int:\n    return g(x)", "def f(x: int) -> int:"),
        ("def f(a): pass\ndef f(b): return b", "def f(b):"),
        ("@cache\ndef f(n=10**9): return n", "def f(n=10 ** 9):"),
        ("f = lambda x: x", "def f(arg1):"),
        ("class A:\n    def f(self): pass", "def f(arg1):"),
        ("function f(x) { return x }", "def f(arg1):"),
        (None, "def f(arg1):"),
    ],
)  # fmt: skip
def test_the_signature_is_the_reference_s_or_else_the_calls(reference, expected):
    assert signature_of(make_problem(reference_solution=reference)) == expected


@pytest.mark.parametrize(
    ("tests", "expected"),
    [
        (["assert f(1, [2, 3]) == 4"], "def f(arg1, arg2):"),
        (["assert set(f(1)) == {1} and g(1, 2)"], "def f(arg1):"),
        (["assert f(1) == 2", "assert f(1, 2) == 3"], "def f(arg1, arg2=None):"),
        (["assert f() == 2"], "def f():"),
        (["assert f(1, key=2, other=f(3)) == 2"], "def f(arg1, *, key=None, other=None):"),
        (["assert f(*values) == 2"], "def f(*args):"),
        (["assert True"], None),
    ],
)
def test_the_number_of_arguments_is_inferred_from_calls(tests, expected):
    problem = make_problem(reference_solution=None, public_tests=tuple(tests), private_tests=())
    assert signature_of(problem) == expected


def test_a_program_of_standard_input_has_no_signature_and_no_example():
    problem = make_problem(kind="stdin", entry_point="", public_tests=(StdinTest("1 2\n", "3\n"),), private_tests=())
    hidden = hide_tests(problem)
    assert render_prompt(hidden.prompt, hidden.shown_tests) == problem.prompt
    assert hidden.public_tests == problem.public_tests, "they still give feedback"


def test_no_stage_shows_a_test():
    hidden = hide_tests(make_problem("a"))
    rollout = make_rollout("r", "a", ("x", False, False), ("y", True, True))
    prompt = "Write f for a.\nYour code should define this function:\ndef f(x):"
    (pair,) = make_pairs(label_programs([rollout]), {"a": hidden}, 1, 0)
    assert pair.prompt == build_state(hidden, rollout)[0].content == prompt


@pytest.mark.parametrize(
    ("dataset", "file", "with_reference"),
    [
        ("mbpp", "mbpp.jsonl", True),
        ("mbpp", "mbpp.jsonl", False),
        pytest.param("mbppplus", "mbppplus_originfmt.jsonl.gz", False, marks=pytest.mark.slow),
        ("humanevalpack", "humanevalpack_python.jsonl", True),
        ("humanevalpack", "humanevalpack_python.jsonl", False),
        pytest.param("humanevalplus", "humanevalplus_originfmt.jsonl.gz", True, marks=pytest.mark.slow),
    ],
)
# without references, the suites of HumanEval+ have no signature: they call `candidate`
def test_calls_of_the_real_tests_fit_their_signature(dataset, file, with_reference):
    problems = load_problems(dataset, real_data(file))
    problems = problems[:: 3 if "plus" in dataset else 1]  # whose tests are megabytes of literals
    num_calls = 0
    for problem in problems:
        signature = signature_of(problem if with_reference else replace(problem, reference_solution=None))
        assert signature is not None, problem.problem_id
        scope = {}
        exec(f"from __future__ import annotations\nfrom typing import *\n{signature}\n    pass", scope)
        parameters = inspect.signature(scope[problem.entry_point])
        for call in plain_calls(problem):
            parameters.bind(*call.args, **{k.arg: k.value for k in call.keywords})
            num_calls += 1
    assert num_calls >= len(problems) - 20


def plain_calls(problem):
    """Calls of the entry point by name, without unpacked arguments."""
    for test in (*problem.public_tests, *problem.private_tests):
        for node in ast.walk(ast.parse(test.strip())):
            named = isinstance(node, ast.Call) and getattr(node.func, "id", "") == problem.entry_point
            if named and not any(isinstance(arg, ast.Starred) for arg in node.args):
                yield node


def test_a_switch_hides_the_tests_of_a_real_data_set():
    data = real_data("mbpp.jsonl")
    shown, hidden = (
        load_split(ProblemsConfig(dataset="mbpp", show_tests=show), "test", data=data, keep=None, seed=0)
        for show in (True, False)
    )
    assert [p.problem_id for p in shown] == [p.problem_id for p in hidden]
    assert render_prompt(hidden[0].prompt, hidden[0].shown_tests) == (
        "You are an expert Python programmer, and here is your task: Write a python function to remove first and last "
        "occurrence of a given character from the string.\n"
        "Your code should define this function:\ndef remove_Occ(s, ch):"
    )
    for before, after in zip(shown, hidden, strict=True):
        text = render_prompt(after.prompt, after.shown_tests)
        assert "assert" not in text.replace("assertion", ""), after.problem_id
        assert all(str(test) not in text for test in (*after.public_tests, *after.private_tests))
        assert (after.public_tests, after.private_tests) == (before.public_tests, before.private_tests)


def test_the_teacher_cannot_teach_without_tests():
    with pytest.raises(ConfigError, match=r"problems\.show_tests: the teacher's dialogues show tests"):
        make_config({"problems": {"show_tests": False}})
    make_config({"problems": {"show_tests": False}, "generator": {"bootstrap": {"corpus": "solutions"}}})


def test_calls_show_the_signature_of_a_method():
    tests = (CallTest("[[2, 7], 9]", "[0, 1]"), CallTest("[[]]", "null"))
    method = "class Solution:\n    def two_sum(self, nums: list[int], target=0) -> list[int]:\n        return []\n"
    problem = replace(make_problem(), kind="call", entry_point="Solution.two_sum", public_tests=tests)
    known = replace(problem, reference_solution=method)
    assert signature_of(known) == "class Solution:\n    def two_sum(self, nums: list[int], target=0) -> list[int]:"
    unknown = replace(problem, reference_solution=None, private_tests=())
    assert signature_of(unknown) == "class Solution:\n    def two_sum(self, arg1, arg2=None):"
    assert signature_of(replace(unknown, entry_point="two_sum")) == "def two_sum(arg1, arg2=None):"
