"""Rows of BigCodeBench, with either prompt."""

from typing import Any

import pytest

from mucode_core.errors import DataError
from mucode_core.problems.readers.bigcodebench import DATASETS, make_bigcodebench, make_bigcodebench_complete
from mucode_core.problems.registry import recognise

ROW: dict[str, Any] = {
    "task_id": "BigCodeBench/7",
    "complete_prompt": 'import math\n\ndef task_func(x):\n    """The root of x."""\n',
    "instruct_prompt": "The root of x.\nYou should write code starting with:\n```\ndef task_func(x):\n```",
    "canonical_solution": "    return math.sqrt(x)\n",
    "code_prompt": "import math\ndef task_func(x):\n",
    "test": "import unittest\nclass TestCases(unittest.TestCase):\n    def test_case_1(self):\n"
    "        self.assertEqual(task_func(4), 2)\n"
    "    def test_case_2(self):\n        self.assertEqual(task_func(0), 0)\n",
    "entry_point": "task_func",
    "doc_struct": "{}",
    "libs": "['math', 'numpy', 'sklearn.cluster']",
}


def test_the_instruction_asks_and_each_method_is_a_test() -> None:
    problem = make_bigcodebench(ROW, "f:1")
    assert (problem.problem_id, problem.entry_point, problem.split) == ("bigcodebench/7", "task_func", "test")
    assert problem.prompt == ROW["instruct_prompt"]
    (public,), (private,) = problem.public_tests, problem.private_tests
    assert "test_case_1" in str(public) and "test_case_2" not in str(public)
    assert "test_case_2" in str(private) and "test_case_1" not in str(private)
    assert problem.reference_solution == "import math\ndef task_func(x):\n    return math.sqrt(x)\n"


def test_the_other_form_asks_for_a_completion() -> None:
    problem = make_bigcodebench_complete(ROW, "f:1")
    assert problem.problem_id == "bigcodebench_complete/7"
    assert ROW["complete_prompt"].strip() in problem.prompt
    declaration = DATASETS["bigcodebench_complete"].declaration
    assert declaration is not None and declaration(ROW) == ROW["complete_prompt"]


BAD = {
    "no test": ({"test": "import unittest\n"}, "test: no tests"),
    "no Python": ({"test": "class"}, "test: not Python"),
    "no entry point": ({"entry_point": None}, "entry_point"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_rows_are_refused_with_field_and_place(name: str) -> None:
    changes, message = BAD[name]
    with pytest.raises(DataError, match=rf"^f:1: {message}"):
        make_bigcodebench(ROW | changes, "f:1")


def test_the_form_is_recognised() -> None:
    assert recognise(ROW, "f:1")[0] == "bigcodebench"
