"""Problems in LeetCode's form."""

from typing import Any

import pytest

from mucode_core.errors import DataError
from mucode_core.problems.readers.leetcode import DATASETS, make_leetcode, make_leetcode_statements
from mucode_core.problems.registry import recognise
from mucode_core.types import CallTest

PRELUDE = (
    "from typing import *\n\nclass TreeNode:\n    def __init__(self, val=0, left=None, right=None):\n        pass\n"
)
STARTER = "class Solution:\n    def plus(self, nums: List[int], k: int) -> List[int]:\n        "
ROW: dict[str, Any] = {
    "task_id": "plus-k", "question_id": 1, "difficulty": "Easy", "tags": ["Array", "Math"],
    "estimated_date": "2024-08-09",
    "problem_description": 'Add k.\n\nExample 1:\n\nInput: nums = [1, 2], k = 3\nOutput: [4,5]\n\nConstraints: none',
    "starter_code": STARTER, "prompt": PRELUDE, "entry_point": "Solution().plus",
    "completion": f"{STARTER}return [x + k for x in nums]",
    "test": "def check(candidate):\n    assert candidate(nums = [7], k = 0) == [7]\n"
    "    assert candidate(nums = [1,2], k = 3) == [4,5]\n    assert candidate(k = 1, nums = []) == []\n",
    "input_output": [], "query": "", "response": "",
}  # fmt: skip
TREE = ROW | {
    "entry_point": "Solution().mirror",
    "completion": "class Solution:\n    def mirror(self, root: Optional[TreeNode]) -> Optional[TreeNode]:\n"
    "        return root",
    "test": "def check(candidate):\n"
    "    assert is_same_tree(candidate(root = tree_node([1,None,2])), tree_node([1,2]))\n"
    "    assert is_same_tree(candidate(root = None), None)\n",
}


def test_asserts_become_calls_and_those_of_the_statement_are_public() -> None:
    problem = make_leetcode(ROW, "f:1")
    assert (problem.kind, problem.entry_point, problem.problem_id) == ("call", "Solution.plus", "leetcode/plus-k")
    assert problem.public_tests == (CallTest("[[1, 2], 3]", "[4, 5]"),)
    assert problem.private_tests == (CallTest("[[7], 0]", "[7]"), CallTest("[[], 1]", "[]"))
    assert problem.setup == PRELUDE
    assert problem.reference_solution is not None and problem.reference_solution.startswith(PRELUDE.rstrip())
    assert STARTER.strip() in problem.prompt and "Add k." in problem.prompt


def test_trees_are_the_lists_they_are_built_from() -> None:
    problem = make_leetcode(TREE, "f:1")
    tests = problem.public_tests + problem.private_tests
    assert tests == (CallTest("[[1, null, 2]]", "[1, 2]"), CallTest("[null]", "null"))


@pytest.mark.parametrize(
    "test", ["abs(candidate(nums = [1], k = 2)[0] - 3) < 1e-5", "candidate(nums = {1}, k = 2) == [3]"]
)
def test_other_asserts_stay_asserts_on_the_class(test: str) -> None:
    problem = make_leetcode(ROW | {"test": f"def check(candidate):\n    assert {test}\n"}, "f:1")
    assert (problem.kind, problem.entry_point) == ("assert", "Solution")
    assert "Solution().plus(nums=" in str(problem.public_tests[0])


def test_the_first_versions_keep_statement_and_starter_code_in_meta() -> None:
    row = {name: value for name, value in ROW.items() if name not in ("problem_description", "starter_code")}
    meta = {"question_title": ROW["problem_description"], "lang_code": STARTER, "difficulty": "Easy", "split": "test"}
    problem = make_leetcode(row | {"meta": meta}, "f:1")
    assert problem.public_tests == make_leetcode(ROW, "f:1").public_tests
    assert problem.split == "test"


BAD = {
    "no method": ({"entry_point": "plus"}, "entry_point: 'plus' is not a method"),
    "no tests": ({"test": "def check(candidate):\n    pass"}, "test: check.candidate. asserts nothing"),
    "no Python": ({"test": "def check("}, "test: not Python"),
    "no such method": ({"entry_point": "Solution().minus"}, "completion: no method minus"),
    "no completion": ({"completion": None}, "completion"),
    "odd prelude": ({"prompt": "import"}, "prompt: "),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_rows_are_refused_with_field_and_place(name: str) -> None:
    changes, message = BAD[name]
    with pytest.raises(DataError, match=rf"^f:1: {message}"):
        make_leetcode(ROW | changes, "f:1")


def test_the_form_and_its_facts_are_recognised() -> None:
    assert recognise(ROW, "f:1")[0] == "leetcode"
    facts = DATASETS["leetcode"].facts(ROW)
    assert (facts.difficulty, facts.date, facts.tags) == ("Easy", "2024-08-09", ("Array", "Math"))


STATEMENT: dict[str, Any] = {
    "id": 1, "slug": "plus-k", "title": "Plus K", "difficulty": "Easy",
    "content": "Add `k`.\n\n**Example 1:**\n\n**Input:** nums = \\[1,2\\], k = 3\n**Output:** \\[4,5\\]\n\n"
    '**Example 2:**\n\n**Input:** nums = [], k = 1\n**Output:** []\n**Explanation:** none, true story.\n',
    "java": "", "c++": "", "javascript": "",
    "python": "```python\ndef plus(nums, k):\n    return [x + k for x in nums]\n```\n    \nThe algorithm adds.",
}  # fmt: skip


def test_examples_of_a_statement_are_its_tests() -> None:
    problem = make_leetcode_statements(STATEMENT, "f:1")
    assert (problem.kind, problem.entry_point) == ("call", "plus")
    assert problem.public_tests == (CallTest("[[1, 2], 3]", "[4, 5]"),)
    assert problem.private_tests == (CallTest("[[], 1]", "[]"),)
    assert not problem.tests_shown, "they stand in the statement"
    assert "def plus(nums, k):" in problem.prompt


def test_a_method_of_solution_is_called_as_one() -> None:
    python = "```python\nclass Solution:\n    def plus(self, nums, k):\n        return [x + k for x in nums]\n```"
    problem = make_leetcode_statements(STATEMENT | {"python": python}, "f:1")
    assert problem.entry_point == "Solution.plus"
    assert "class Solution:\n    def plus(self, nums, k):" in problem.prompt


def test_a_function_without_a_value_is_judged_by_what_it_leaves() -> None:
    assert not make_leetcode_statements(STATEMENT, "f:1").in_place
    python = "```python\ndef plus(nums, k):\n    nums[:] = [x + k for x in nums]\n    return\n```"
    assert make_leetcode_statements(STATEMENT | {"python": python}, "f:1").in_place


STATEMENT_BAD = {
    "no example": ({"content": "Add k."}, "content: no example"),
    "other arguments": ({"content": "**Input:** a = 1\n**Output:** 2"}, "content: no example"),
    "no Python": ({"python": "```python\ndef plus(:\n```"}, ""),
    "no function": ({"python": "```python\nx = 1\n```"}, "python: no function"),
}


@pytest.mark.parametrize("name", STATEMENT_BAD)
def test_statements_without_tests_or_solution_are_refused(name: str) -> None:
    changes, message = STATEMENT_BAD[name]
    with pytest.raises(DataError, match=rf"^f:1: {message}"):
        make_leetcode_statements(STATEMENT | changes, "f:1")


def test_statements_are_recognised() -> None:
    assert recognise(STATEMENT, "f:1")[0] == "leetcode_statements"
