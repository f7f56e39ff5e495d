"""Rows in shapes beside the usual ones: they are recognised, and their references pass their tests."""

from __future__ import annotations

import base64
import json
import pickle
import zlib
from pathlib import Path
from typing import Any

import pytest

from mucode_core.problems import load_problems
from mucode_core.problems.budgets import check_references
from mucode_core.sandbox import Limits, ProcessSandbox

ADD = "print(sum(map(int, input().split())))"
METHOD = "class Solution:\n    def add(self, a: int, b: int) -> int:\n        return a + b"
STDIN = {"inputs": ["7 7\n", "1 2\n"], "outputs": ["14\n", "3\n"]}
APPS: dict[str, Any] = {
    **{"problem_id": 5, "question": "Add.", "solutions": json.dumps([ADD]), "input_output": json.dumps(STDIN)},
    **{"difficulty": "interview", "url": "", "starter_code": ""},
}
TWICE = "class Solution:\n    def twice(self, s: str) -> str:\n        return s + s"
QUOTED = {"fn_name": "twice", "inputs": [['"ab"'], ['""']], "outputs": ['"abab"', '""']}
PLAIN = {"fn_name": "twice", "inputs": [["ab"], [""]], "outputs": ["abab", ""]}
NUMERALS = {"fn_name": "twice", "inputs": [["1"], ["23"]], "outputs": ["11", "2323"]}
LENGTHS = {"fn_name": "size", "inputs": [['"ab"'], ['"abc"']], "outputs": [2, 3]}
SIZE = "class Solution:\n    def size(self, s: str) -> int:\n        return len(s)"
TACO: dict[str, Any] = {
    **{"id": 7, "question": "Add.", "solutions": [ADD], "starter_code": None, "input_output": STDIN},
    **{"difficulty": "EASY", "tags": ["Math"], "skill_types": None, "raw_tags": None, "url": None, "name": None},
    **{"time_limit": None, "date": None, "source": "codeforces", "memory_limit": None, "picture_num": 0},
}
TEST = {"fn_name": None, "input": "7 7\n", "output": "14\n", "type": "stdin_stdout"}
PRIME: dict[str, Any] = {
    **{"source": "apps", "task_type": "verifiable_code", "in_source_id": "1", "problem_id": "vcp_0"},
    **{"problem": "Add.", "gold_standard_solution": f"```python\n{ADD}\n```", "metadata": {"difficulty": None}},
    **{"verification_info": {"language": "python", "test_cases": [TEST]}, "name": None},
}
CALL_TEST = {"fn_name": "add", "input": [1, 2], "output": 3, "type": "function_call"}
VERL: dict[str, Any] = {
    **{
        "data_source": "code_contests",
        "prompt": [{"role": "user", "content": "Add two numbers."}],
        "ability": "coding",
    },
    **{"reward_model": {"ground_truth": json.dumps(STDIN), "style": "rule"}, "extra_info": {"split": "train"}},
}
LIVE_TEST = {"input": "1\n2", "output": "3", "testtype": "functional"}
LIVE: dict[str, Any] = {
    **{"question_title": "Add", "question_content": "Add.", "platform": "leetcode", "question_id": 2777},
    **{"contest_id": 1, "contest_date": "2024-08-20T00:00:00", "starter_code": METHOD.rpartition("\n")[0]},
    **{"difficulty": "easy", "public_test_cases": json.dumps([LIVE_TEST]), "metadata": '{"func_name": "add"}'},
}
PACKED = base64.b64encode(zlib.compress(pickle.dumps(json.dumps([LIVE_TEST])))).decode()
LIVE_STDIN = [{"input": "1 2\n", "output": "3\n", "testtype": "stdin"}]
PYTEST = (
    "from solution import add\n\n\ndef test_one():\n    assert add(1, 2) == 3\n\n\n"
    "def test_two():\n    assert add(0, 0) == 0\n"
)
KODCODE: dict[str, Any] = {
    **{"version": "v1.0", "style": "instruct", "subset": "Leetcode", "question_id": "own_1", "question": "Add."},
    **{"solution": "def add(a, b):\n    return a + b", "test": PYTEST, "gpt_pass_sequence": None, "split": None},
    "test_info": [
        {"function_name": "add", "function_declaration": None, "parameter_list": "(a, b)", "docstring": None}
    ],
}
ACECODE: dict[str, Any] = {
    **{"id": "oss_1", "source": "oss", "question": "Write add(a, b).", "context_messages": None, "split": None},
    **{"test_cases": ["assert add(1, 2) == 3", "assert add(0, 0) == 0"]},
    "inferences": [{"model_name": "m", "completion_id": 0, "completion": KODCODE["solution"], "pass_rate": 1}],
}
UNITTEST = (
    "import unittest\n\nclass TestCases(unittest.TestCase):\n    def test_one(self):\n"
    "        self.assertEqual(task_func(1, 2), 3)\n    def test_two(self):\n"
    "        self.assertEqual(task_func(0, 0), 0)\n"
)
BIGCODE: dict[str, Any] = {
    **{
        "task_id": "BigCodeBench/0",
        "entry_point": "task_func",
        "libs": "['math']",
        "doc_struct": "{}",
        "test": UNITTEST,
    },
    **{"complete_prompt": "import math\ndef task_func(a, b):\n    '''Add.'''\n", "instruct_prompt": "Add.\n"},
    **{"code_prompt": None, "canonical_solution": "    return a + b\n"},
}
LEETCODE: dict[str, Any] = {
    **{"task_id": "add", "question_id": 1, "difficulty": "Easy", "tags": None, "estimated_date": None},
    **{"prompt": "from typing import *\n", "problem_description": "Add.", "starter_code": None, "query": None},
    **{"completion": METHOD, "entry_point": "Solution().add", "input_output": None, "response": None, "split": None},
    "test": "def check(candidate):\n    assert candidate(a = 1,b = 2) == 3\n    assert candidate(a = 0,b = 0) == 0\n",
}
MBPP: dict[str, Any] = {
    **{"source_file": "x.ipynb", "task_id": 602, "prompt": "Write a function add(a, b).", "code": KODCODE["solution"]},
    **{"test_imports": ["import math"], "test_list": ["assert add(1, 2) == 3", "assert add(0, 0) == 0"]},
}
CONTEST: dict[str, Any] = {
    **{"name": "1_A. Add", "description": "Add.", "source": 2, "difficulty": 7, "cf_tags": None, "time_limit": None},
    **{"public_tests": {"input": ["1 2\n"], "output": ["3\n"]}, "private_tests": None, "generated_tests": None},
    **{"solutions": {"language": [2, 3], "solution": ["int main() {}", ADD]}, "input_file": None},
}
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "apps, objects": ("apps", APPS | {"solutions": [ADD], "input_output": STDIN, "difficulty": 3}),
    "apps, nulls": ("apps", APPS | {"starter_code": None, "url": None, "split": None, "time_limit": None}),
    "apps, id as text": ("apps", APPS | {"problem_id": "0005"}),
    "apps, one solution": ("apps", APPS | {"solutions": ADD}),
    "apps, quoted texts": ("apps", APPS | {"solutions": json.dumps([TWICE]), "input_output": json.dumps(QUOTED)}),
    "apps, plain texts": ("apps", APPS | {"solutions": json.dumps([TWICE]), "input_output": json.dumps(PLAIN)}),
    "apps, texts of digits": ("apps", APPS | {"solutions": json.dumps([TWICE]), "input_output": json.dumps(NUMERALS)}),
    "apps, quoted arguments": ("apps", APPS | {"solutions": json.dumps([SIZE]), "input_output": json.dumps(LENGTHS)}),
    "apps, Python's text of tuples": (
        "apps",
        APPS | {"solutions": [SIZE], "input_output": "{'fn_name': 'size', 'inputs': [('ab',)], 'outputs': [2]}"},
    ),
    "taco, objects and nulls": ("taco", TACO),
    "taco, texts": (
        "taco",
        TACO | {"solutions": json.dumps([ADD]), "input_output": json.dumps(STDIN), "tags": "['a']"},
    ),
    "prime, object": ("prime", PRIME),
    "prime, text": ("prime", PRIME | {"verification_info": json.dumps(PRIME["verification_info"])}),
    "prime, Python's text": (
        "prime",
        PRIME | {"verification_info": repr(PRIME["verification_info"]), "metadata": "{}"},
    ),
    "prime, nulls": ("prime", PRIME | {"metadata": None, "split": None}),
    "prime, calls": (
        "prime",
        PRIME | {"gold_standard_solution": METHOD, "verification_info": {"language": None, "test_cases": [CALL_TEST]}},
    ),
    "prime, calls as text": (
        "prime",
        PRIME
        | {
            "gold_standard_solution": KODCODE["solution"],
            "verification_info": {
                "language": "python",
                "test_cases": [CALL_TEST | {"input": "[1, 2]", "output": "3"}],
            },
        },
    ),
    "verl": ("verl", VERL | {"extra_info": {"solution": ADD, "index": 3}}),
    "verl, object": ("verl", VERL | {"reward_model": {"ground_truth": STDIN}, "extra_info": {"solution": ADD}}),
    "verl, text prompt, no extras": ("verl", VERL | {"prompt": "Add.", "extra_info": None, "split": None}),
    "livecodebench, packed": ("livecodebench", LIVE | {"private_test_cases": PACKED}),
    "livecodebench, text": ("livecodebench", LIVE | {"private_test_cases": json.dumps([LIVE_TEST]), "split": None}),
    "livecodebench, nulls": (
        "livecodebench",
        LIVE
        | {
            **{"public_test_cases": LIVE_STDIN, "private_test_cases": json.dumps(LIVE_STDIN)},
            **{"starter_code": None, "metadata": None},
        },
    ),
    "kodcode": ("kodcode", KODCODE),
    "kodcode, no information": ("kodcode", KODCODE | {"test_info": None, "question_id": 5}),
    "acecode": ("acecode", ACECODE),
    "acecode, numbered": ("acecode", ACECODE | {"id": 3}),
    "bigcodebench": ("bigcodebench", BIGCODE),
    "leetcode": ("leetcode", LEETCODE),
    "leetcode, older": (
        "leetcode",
        {key: value for key, value in LEETCODE.items() if key != "problem_description"}
        | {"query": "Add.", "meta": {"lang_code": METHOD.rpartition("\n")[0], "question_title": None, "split": None}},
    ),
    "code_contests, nulls": ("code_contests", CONTEST),
    "code_contests, texts": (
        "code_contests",
        CONTEST
        | {
            **{"public_tests": json.dumps(CONTEST["public_tests"]), "time_limit": "2 seconds"},
            **{"private_tests": json.dumps([{"input": "2 2\n", "output": "4\n"}])},
            **{"solutions": json.dumps(CONTEST["solutions"])},
        },
    ),
    "code_contests, solutions without a language": ("code_contests", CONTEST | {"solutions": ["int main() {}", ADD]}),
    "mbpp, sanitized": ("mbpp", MBPP),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_recognised_and_read(name: str, tmp_path: Path) -> None:
    wanted, row = ROWS[name]
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row) + "\n")
    (problem,) = load_problems("auto", path)
    assert problem.dataset == wanted
    assert problem.public_tests


def test_their_references_pass(tmp_path: Path) -> None:
    problems = []
    for index, (_, row) in enumerate(ROWS.values()):
        path = tmp_path / f"{index}.jsonl"
        path.write_text(json.dumps(row) + "\n")
        problems += load_problems("auto", path)
    with ProcessSandbox(2) as sandbox:
        found = [
            (name, public.status, private.status, public.feedback)
            for name, (problem, public, private) in zip(
                ROWS, check_references(problems, sandbox, Limits()), strict=True
            )
            if problem.reference_solution is not None and not (public.passed and private.passed)
        ]
    assert found == []
    without = {p.dataset for p in problems if p.reference_solution is None}
    assert without == {"livecodebench", "verl"}
