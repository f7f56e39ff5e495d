"""Rows of APPS, TACO, DeepCoder, prime and verl in every form in which they are published."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mucode_core.errors import DataError, ExcludedError
from mucode_core.problems import load_problems, read_problems
from mucode_core.problems.forms.shared import PRELUDE
from mucode_core.problems.forms.statements import unfence
from mucode_core.problems.registry import recognise
from mucode_core.types import CallTest, Comparison, Problem, StdinTest

STATEMENT = "Print the sum of two numbers.\n\n-----Examples-----\nInput\n1 2\n\nOutput\n3\n"
ADD = "print(sum(map(int, input().split())))"
STDIN = {"inputs": ["7 7\n", "1 2\n", "0 0\n"], "outputs": ["14\n", "3\n", "0\n"]}
TESTS = (StdinTest("7 7\n", "14\n"), StdinTest("1 2\n", "3\n"), StdinTest("0 0\n", "0\n"))
CALL = {"fn_name": "add", "inputs": [[1, 2], [0, 0]], "outputs": [3, 0]}
CALLS = (CallTest("[1, 2]", "3"), CallTest("[0, 0]", "0"))
METHOD = "class Solution:\n    def add(self, a: int, b: int) -> int:\n"
APPS: dict[str, Any] = {
    "problem_id": 5,
    "question": STATEMENT,
    "solutions": json.dumps(["print 3", ADD]),
    "input_output": json.dumps(STDIN),
    "difficulty": "interview",
    "url": "",
    "starter_code": "",
}
TACO: dict[str, Any] = {
    "question": STATEMENT,
    "solutions": json.dumps([ADD]),
    "starter_code": "",
    "input_output": json.dumps(STDIN),
    "difficulty": "EASY",
    "raw_tags": "['math', 'sums']",
    "name": None,
    "source": "codeforces",
    "tags": "['Mathematics']",
    "skill_types": "[]",
    "url": None,
    "Expected Auxiliary Space": None,
    "time_limit": "2.0 seconds",
    "date": "2019-12-31",
    "picture_num": None,
    "memory_limit": None,
    "Expected Time Complexity": None,
}
DEEPCODER: dict[str, Any] = {"problem": STATEMENT, "solutions": [ADD], "tests": json.dumps(STDIN)}
PRIME: dict[str, Any] = {
    "problem_id": "vcp_1",
    "task_type": "verifiable_code",
    "prompt": STATEMENT,
    "gold_standard_solution": f"```python\n{ADD}\n```",
    "verification_info": json.dumps(
        {
            "language": "python",
            "test_cases": [
                {"type": "stdin_stdout", "input": given, "output": wanted}
                for given, wanted in zip(STDIN["inputs"], STDIN["outputs"], strict=True)
            ],
        }
    ),
    "metadata": json.dumps({"difficulty": "7", "time_limit": "500 ms", "memory_limit": None}),
}
VERL: dict[str, Any] = {
    "data_source": "taco",
    "prompt": [{"role": "system", "content": "Think."}, {"role": "user", "content": STATEMENT}],
    "ability": "code",
    "reward_model": {"style": "rule", "ground_truth": json.dumps(STDIN)},
    "extra_info": {"index": 0, "split": "dummy"},
}
ROWS = {"apps": APPS, "taco": TACO, "deepcoder": DEEPCODER, "prime": PRIME, "verl": VERL}


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def load(tmp_path: Path, name: str, row: dict[str, Any]) -> Problem:
    (problem,) = load_problems(name, write(tmp_path / "rows.jsonl", row))
    return problem


def with_tests(name: str, tests: Any, *, as_text: bool = True, **changes: Any) -> dict[str, Any]:
    """The row of a data set with other tests, as JSON text or as objects."""
    held = json.dumps(tests) if as_text else tests
    if name in {"apps", "taco"}:
        return ROWS[name] | {"input_output": held} | changes
    if name == "deepcoder":
        return DEEPCODER | {"tests": held} | changes
    if name == "verl":
        return VERL | {"reward_model": {"ground_truth": held}} | changes
    information = {"language": "python", "test_cases": tests}
    return PRIME | {"verification_info": json.dumps(information) if as_text else information} | changes


@pytest.mark.parametrize("name", ROWS)
def test_programs_have_the_example_of_the_statement_as_public_test(tmp_path: Path, name: str) -> None:
    problem = load(tmp_path, name, ROWS[name])
    assert (problem.kind, problem.entry_point, problem.dataset, problem.split) == ("stdin", "", name, "train")
    assert problem.public_tests == TESTS[1:2]
    assert problem.private_tests == (TESTS[0], TESTS[2])
    assert problem.reference_solution == (None if name == "verl" else ADD)
    assert STATEMENT.strip() in problem.prompt
    assert problem.time_limit_s == {"taco": 2.0, "prime": 0.5}.get(name)
    assert problem.compare == (Comparison("lines") if name == "prime" else Comparison("floats", 1e-5, 1e-8))


@pytest.mark.parametrize("name", ROWS)
def test_each_form_is_recognised(name: str) -> None:
    assert recognise(ROWS[name], "here")[0] == name


@pytest.mark.parametrize("name", ["apps", "taco", "deepcoder", "verl"])
def test_fields_may_be_objects_instead_of_text(tmp_path: Path, name: str) -> None:
    row = with_tests(name, STDIN, as_text=False, solutions=[ADD])
    assert load(tmp_path, name, row).private_tests == (TESTS[0], TESTS[2])


@pytest.mark.parametrize("name", ["apps", "taco", "deepcoder", "verl"])
def test_programs_with_lists_of_lines(tmp_path: Path, name: str) -> None:
    lines = {"inputs": [["1", "2"], "5"], "outputs": [["3", "4"], 6]}
    problem = load(tmp_path, name, with_tests(name, lines))
    assert (*problem.public_tests, *problem.private_tests) == (StdinTest("1\n2", "3\n4"), StdinTest("5", "6"))


@pytest.mark.parametrize("name", ["apps", "taco", "deepcoder", "verl"])
def test_calls_have_their_first_test_public(tmp_path: Path, name: str) -> None:
    problem = load(tmp_path, name, with_tests(name, CALL))
    assert (problem.kind, problem.entry_point) == ("call", "add")
    assert (problem.public_tests, problem.private_tests) == (CALLS[:1], CALLS[1:])
    assert problem.compare == Comparison()
    assert "function add" in problem.prompt


@pytest.mark.parametrize("name", ["apps", "taco", "deepcoder"])
def test_starter_code_may_ask_for_a_method(tmp_path: Path, name: str) -> None:
    solutions = ["def add(a, b): return a + b", METHOD + "        return a + b"]
    row = with_tests(name, CALL, starter_code=METHOD, solutions=json.dumps(solutions))
    problem = load(tmp_path, name, row)
    assert problem.entry_point == "Solution.add"
    assert METHOD.strip() in problem.prompt
    assert problem.prompt.endswith("Your code should pass this test:")


def test_values_wrapped_in_lists_are_right_with_and_without_it(tmp_path: Path) -> None:
    wrapped = CALL | {"outputs": [[3], [0]]}
    problem = load(tmp_path, "apps", with_tests("apps", wrapped))
    assert problem.public_tests == (CallTest("[1, 2]", "3", ("[3]",)),)
    lists = CALL | {"outputs": [[3], [0, 1]]}
    assert load(tmp_path, "apps", with_tests("apps", lists)).public_tests == (CallTest("[1, 2]", "[3]"),)


def test_arguments_of_verl_are_one_in_each_line(tmp_path: Path) -> None:
    tests = {"fn_name": "add", "inputs": ['[1, 2]\n"x"', '[3]\n""'], "outputs": ["[1, 2]", "null"]}
    problem = load(tmp_path, "verl", with_tests("verl", tests))
    assert (*problem.public_tests, *problem.private_tests) == (
        CallTest('[[1, 2], "x"]', "[1, 2]"),
        CallTest('[[3], ""]', "null"),
    )


@pytest.mark.parametrize("name", ["deepcoder", "prime", "verl"])
@pytest.mark.parametrize("as_text", [True, False])
def test_a_list_of_function_calls(tmp_path: Path, name: str, as_text: bool) -> None:
    cases = [
        {"type": "function_call", "fn_name": "add", "input": given, "output": wanted}
        for given, wanted in (([1, 2], 3), ("[0, 0]", "0"), ([5, 5], "ten"))
    ]
    problem = load(tmp_path, name, with_tests(name, cases, as_text=as_text))
    assert (*problem.public_tests, *problem.private_tests) == (*CALLS, CallTest("[5, 5]", '"ten"'))


def test_livecodebench_tests_in_deepcoder(tmp_path: Path) -> None:
    stdin = [{"input": "1 2", "output": "3", "testtype": "stdin", "metadata": {"func_name": None}}]
    assert load(tmp_path, "deepcoder", with_tests("deepcoder", stdin)).public_tests == (StdinTest("1 2", "3"),)
    functional = [{"input": "[1]\n2", "output": "[3]", "testtype": "functional", "metadata": {"func_name": "add"}}]
    row = with_tests("deepcoder", functional, starter_code=METHOD)
    problem = load(tmp_path, "deepcoder", row)
    assert problem.entry_point == "Solution.add"
    assert problem.public_tests == (CallTest("[[1], 2]", "3", ("[3]",)),)
    unnamed = [{"input": "1\n2", "output": "3", "testtype": "functional"}]
    row = with_tests("deepcoder", unnamed, metadata=json.dumps({"func_name": "add", "difficulty": "hard"}))
    assert load(tmp_path, "deepcoder", row).public_tests == CALLS[:1]


def test_verl_with_asserts(tmp_path: Path) -> None:
    truth = {"fn_name": "add", "assert_case": ["assert add(1, 2) == 3", "assert add(0, 0) == 0"]}
    problem = load(tmp_path, "verl", with_tests("verl", truth))
    assert (problem.kind, problem.entry_point) == ("assert", "add")
    assert problem.private_tests == ("assert add(0, 0) == 0",)


def test_prime_statements_without_an_instruction_get_one(tmp_path: Path) -> None:
    bare = {key: value for key, value in PRIME.items() if key != "prompt"} | {"problem_statement": STATEMENT}
    assert load(tmp_path, "prime", bare).prompt.startswith("You are an expert Python programmer.")
    assert load(tmp_path, "prime", PRIME).prompt == STATEMENT


def test_rows_of_other_tasks_are_passed_over(tmp_path: Path) -> None:
    mathematics = VERL | {"ability": "math", "reward_model": {"ground_truth": "42"}}
    unnamed = {key: value for key, value in mathematics.items() if key != "ability"}
    path = write(tmp_path / "verl.jsonl", mathematics, VERL, unnamed)
    found, counted = read_problems("verl", path)
    assert isinstance(found, Problem)
    assert isinstance(counted, ExcludedError)  # listed, but no reason to stop
    assert counted.problem == "2 rows of other tasks (ability math (1), data_source taco (1)) skipped"
    assert len(load_problems("verl", path)) == 1
    answer = PRIME | {"verification_info": json.dumps({"ground_truth": "42"}), "task_type": "verifiable_math"}
    _, counted = read_problems("prime", write(tmp_path / "prime.jsonl", answer, PRIME))
    assert isinstance(counted, ExcludedError)
    assert counted.problem == "1 row of other tasks (task_type verifiable_math) skipped"
    with pytest.raises(DataError, match=r"maths\.jsonl: nothing but 1 row of other tasks \(ability math\)"):
        list(read_problems("verl", write(tmp_path / "maths.jsonl", mathematics)))


@pytest.mark.parametrize("name", ROWS)
def test_methods_get_the_imports_of_their_form(tmp_path: Path, name: str) -> None:
    case = {"type": "function_call", "fn_name": "add", "input": [1, 2], "output": 3}
    other = case | {"fn_name": "Solution.add"}
    tests, named = ([case], [other]) if name == "prime" else (CALL, CALL | {"fn_name": "Solution.add"})
    method = load(tmp_path, name, with_tests(name, named))
    assert (method.entry_point, method.setup) == ("Solution.add", PRELUDE)
    assert load(tmp_path, name, with_tests(name, tests)).setup == ""
    assert load(tmp_path, name, ROWS[name]).setup == ""


FENCED = {
    "apps": APPS | {"solutions": ["```python\nprint(1)\n```"]},
    "deepcoder": ROWS["deepcoder"] | {"solutions": ["```python\nprint(1)\n```\n"]},
    "verl": VERL | {"extra_info": {"solution": " ```py\r\nprint(1)\r\n```"}},
    "prime": PRIME | {"gold_standard_solution": "```\nprint(1)\n```"},
}


@pytest.mark.parametrize("name", FENCED)
def test_a_reference_in_a_fenced_block_is_its_source(tmp_path: Path, name: str) -> None:
    assert load(tmp_path, name, FENCED[name]).reference_solution == "print(1)"


@pytest.mark.parametrize("text", ["print('```')", "```\na\n```\nor\n```\nb\n```", "Use\n```\na\n```", "```\na"])
def test_other_texts_with_fences_are_kept(text: str) -> None:
    assert unfence(text) == text


def test_ids_come_from_the_row_or_else_from_what_it_holds(tmp_path: Path) -> None:
    assert load(tmp_path, "apps", APPS).problem_id == "apps/5"
    both = [APPS | {"split": split} for split in ("train", "test")]
    problems = load_problems("apps", write(tmp_path / "both.jsonl", *both))
    assert [(p.problem_id, p.split) for p in problems] == [("apps/train/5", "train"), ("apps/test/5", "test")]
    assert load(tmp_path, "prime", PRIME).problem_id == "prime/vcp_1"
    first, other = (load(tmp_path, "taco", TACO | {"question": text}).problem_id for text in ("a", "b"))
    assert first != other
    assert first == load(tmp_path, "taco", TACO | {"question": "a", "name": "x"}).problem_id


def test_integers_of_any_length_are_kept(tmp_path: Path) -> None:
    limit = sys.get_int_max_str_digits()
    digits = "1" + "0" * 9998 + "7"
    text = f'{{"fn_name": "add", "inputs": [[{digits}]], "outputs": [{digits}]}}'
    problem = load(tmp_path, "apps", APPS | {"input_output": text})
    assert problem.public_tests == (CallTest(f"[{digits}]", digits),)
    inline = tmp_path / "inline.jsonl"
    inline.write_text(json.dumps(APPS | {"input_output": "@"}).replace('"@"', text) + "\n")
    assert load_problems("apps", inline)[0].public_tests == problem.public_tests
    assert sys.get_int_max_str_digits() == limit


@pytest.mark.parametrize("size", [1, 5000])
def test_sets_of_any_size(tmp_path: Path, size: int) -> None:
    tests = {"inputs": [f"{i} 100" for i in range(size)], "outputs": [str(i + 100) for i in range(size)]}
    problem = load(tmp_path, "apps", with_tests("apps", tests))
    assert (len(problem.public_tests), len(problem.private_tests)) == (1, size - 1)


BROKEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "no input_output": ("apps", {k: v for k, v in APPS.items() if k != "input_output"}, "input_output: no tests"),
    "null": ("apps", APPS | {"input_output": None}, "input_output: no tests"),
    "empty text": ("apps", APPS | {"input_output": ""}, "input_output: no tests"),
    "empty columns": ("taco", with_tests("taco", {"inputs": [], "outputs": []}), "input_output: no tests"),
    "empty list": ("deepcoder", with_tests("deepcoder", []), "tests: no tests"),
    "no cases": ("prime", with_tests("prime", []), "verification_info.test_cases: no tests"),
    "cut JSON": ("apps", APPS | {"input_output": '{"inputs": ["1'}, "input_output: not JSON"),
    "lengths": ("apps", with_tests("apps", STDIN | {"outputs": ["1"]}), "input_output: 3 inputs, but 1 output"),
    "no columns": ("verl", with_tests("verl", {"inputs": ["1"]}), "ground_truth: .* is not a mapping with the lists"),
    "mapping as input": ("apps", with_tests("apps", {"inputs": [{}], "outputs": [""]}), r"input_output\.0\.input: "),
    "null output": ("apps", with_tests("apps", {"inputs": ["1"], "outputs": [None]}), r"\.0\.output: null is not"),
    "NaN": ("apps", APPS | {"input_output": '{"fn_name": "f", "inputs": [[NaN]], "outputs": [1]}'}, "not a JSON value"),
    "bare argument": ("taco", with_tests("taco", CALL | {"inputs": [1, 2]}), r"\.0\.input: 1 is not a list of arg"),
    "function name": ("apps", with_tests("apps", CALL | {"fn_name": "a b"}), r"fn_name: 'a b' is not the name"),
    "value of verl": (
        "verl",
        with_tests("verl", CALL | {"inputs": ["1\n2", "0\n0"], "outputs": ["a", "b"]}),
        r"\.0\.output: not JSON",
    ),
    "mixed": (
        "prime",
        with_tests("prime", [{"type": "stdin_stdout", "input": "", "output": ""},
                             {"type": "function_call", "fn_name": "f", "input": [], "output": 1}]),
        "'a program, f' is not one function",
    ),
    "type": ("prime", with_tests("prime", [{"type": "x", "input": "", "output": ""}]), r"test_cases\.0\.type: 'x'"),
    "no name": ("prime", with_tests("prime", [{"type": "function_call", "input": [], "output": 1}]), "fn_name: null"),
    "no input": ("deepcoder", with_tests("deepcoder", [{"output": "1"}]), r"tests\.0: .* is not a mapping with input"),
    "language": ("prime", PRIME | {"verification_info": {"language": "cpp", "test_cases": []}}, "language: 'cpp'"),
    "no user": ("verl", VERL | {"prompt": [{"role": "system", "content": "x"}]}, "prompt: .*user message"),
    "huge id": ("apps", APPS | {"problem_id": 10**400}, "problem_id: an integer of more than 300 digits"),
    "huge id in extra_info": ("verl", VERL | {"extra_info": {"uid": 10**400}}, "uid: an integer of"),
    "no statement": ("apps", APPS | {"question": ""}, "question: "),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_row_is_named_with_its_field(tmp_path: Path, name: str) -> None:
    dataset, row, message = BROKEN[name]
    path = write(tmp_path / "rows.jsonl", row, ROWS[dataset])
    with pytest.raises(DataError, match=message) as caught:
        load_problems(dataset, path)
    assert caught.value.location == f"{path}:1"
    assert caught.value.hint
    found = list(read_problems(dataset, path))
    assert [type(one).__name__ for one in found] == ["DataError", "Problem"]
