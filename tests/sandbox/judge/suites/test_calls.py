"""Tests that are calls: what is right, what is wrong, and what a program reads of it."""

# ruff: noqa: E501 - programs are easier to read on one line

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mucode_core.sandbox import Limits, Sandbox
from mucode_core.types import CallTest, Comparison, StdinTest, Verdict
from tests.sandbox.attacks.forgery import RAW
from tests.sandbox.sandbox_jobs import make_job, run_jobs

JudgeOne = Callable[..., Verdict]


def call(arguments: list[Any], expected: Any, *alternatives: Any) -> CallTest:
    return CallTest(json.dumps(arguments), json.dumps(expected), tuple(map(json.dumps, alternatives)))


@pytest.mark.parametrize(
    ("code", "tests"),
    [
        ("def f(a, b): return a + b", [call([1, 2], 3), call([[1], [2]], [1, 2])]),
        ("def f(a): return a, (a, None)", [call([1], [1, [1, None]])]),
        ("def f(a): return {a: 'x'}", [call([1], {"1": "x"})]),
        ("def f(a): return a == 1", [call([1], True), call([2], 0)]),
        ("def f(a): return a * 2", [call([1], 3, 2)]),
        ("class Solution:\n def f(self, a): return a", [call([1], 1)]),
        ("from functools import cache\n@cache\ndef f(a): return a", [call(["x"], "x")]),
        ("import numpy as np\ndef f(a): return np.array(a) * 2", [call([[1, 2]], [2, 4])]),
        ("class L(list): pass\ndef f(a): return L(a)", [call([[1, 2]], [1, 2])]),
        ("def f(a): return a + 1", [call([10**4_000], 10**4_000 + 1)]),
    ],
)
def test_right_programs_pass(judge_one: JudgeOne, code: str, tests: list[CallTest]) -> None:
    verdict = judge_one(code, *tests, kind="call")
    assert (verdict.status, verdict.num_passed) == ("passed", len(tests)), verdict.feedback


@pytest.mark.parametrize(
    ("code", "test"),
    [
        ("def f(a): return [2, 1]", call([1], [1, 2])),
        ("def f(a): return {2, 1}", call([1], [1, 2])),
        ("def f(a): return '1'", call([1], 1)),
        ("def f(a): return 5e19", call([1], 50000000000000000001)),
        ("def f(a): return float('nan')", call([1], 0)),
        ("def f(a): return None", call([1], [])),
        ("def f(a): return a.sort()", call([[2, 1]], [1, 2])),
        ("def f(a): return iter(a)", call([[1]], [1])),
        ("class X:\n def __eq__(self, other): return True\ndef f(a): return X()", call([1], 1)),
        ("class X(int):\n def __eq__(self, other): return True\ndef f(a): return X(5)", call([1], 1)),
    ],
)  # fmt: skip
def test_wrong_values_fail(judge_one: JudgeOne, code: str, test: CallTest) -> None:
    verdict = judge_one(code, test, kind="call")
    assert (verdict.status, verdict.num_passed, verdict.num_delegated) == ("failed", 0, 0), verdict.feedback


def test_a_class_that_lies_about_itself_does_not_pass(judge_one: JudgeOne) -> None:
    code = "class X:\n __class__ = int\n def __int__(self): return 1\ndef f(a): return X()"
    assert judge_one(code, call([1], 1), kind="call").status in ("failed", "error")


def test_feedback_shows_call_and_values(judge_one: JudgeOne) -> None:
    wrong = judge_one(
        "class Solution:\n def f(self, a): return a", call([True], [0]), kind="call", entry_point="Solution.f"
    )
    assert wrong.feedback == "assert Solution().f(True) == [0]\nAssertionError: got True, expected [0]"
    raised = judge_one("def f(a): return a[0]", call([[]], 1), kind="call")
    assert raised.status == "error"
    assert raised.feedback.startswith("assert f([]) == 1\nTraceback")
    assert raised.feedback.endswith("IndexError: list index out of range")
    assert "name 'f' is not defined" in judge_one("x = 1", call([1], 1), kind="call").feedback
    endless = judge_one("def f(a):\n while True: pass", call([1], 1), kind="call")
    assert (endless.status, endless.feedback.splitlines()[0]) == ("timeout", "assert f(1) == 1")


def test_each_method_call_has_an_instance_of_its_own(judge_one: JudgeOne) -> None:
    code = (
        "class Solution:\n seen = None\n def f(self, a):\n  self.num = getattr(self, 'num', 0) + 1\n  return self.num"
    )
    assert judge_one(code, call([0], 1), call([0], 1), kind="call", entry_point="Solution.f").passed


def test_the_argument_is_judged_where_the_problem_says_so(judge_one: JudgeOne) -> None:
    code = "def f(a):\n a.sort()"
    assert judge_one(code, call([[2, 1]], [1, 2]), kind="call", in_place=True).passed
    assert (
        judge_one("def f(a): return sorted(a)", call([[2, 1]], [1, 2]), kind="call", in_place=True).status == "failed"
    )


_TREE = "class Solution:\n def f(self, root: Optional[TreeNode]) -> Optional[TreeNode]:\n  {}\n  return root"


@pytest.mark.parametrize(
    ("code", "arguments", "expected"),
    [
        (_TREE.format("if root: root.left, root.right = root.right, root.left"), [[4, 2, 7, 1, 3]], [4, 7, 2, None, None, 1, 3]),
        (_TREE.format("pass"), [[1, None, 2, 3]], [1, None, 2, 3]),
        (_TREE.format("pass"), [[]], []),
        ("def f(head: ListNode) -> ListNode:\n return head.next", [[1, 2, 3]], [2, 3]),
        ("def f(head: 'Optional[ListNode]') -> 'Optional[ListNode]':\n return None", [[1]], []),
        ("def f(lists: List[Optional[ListNode]]) -> int:\n return len([l for l in lists if l])", [[[1], [], [2, 3]]], 2),
        ("def f(a) -> List[Optional[ListNode]]:\n return [ListNode(1, ListNode(2)), None]", [0], [[1, 2], []]),
        ("def f(root: TreeNode, k: int) -> int:\n return root.right.val + k", [[1, None, 5], 2], 7),
        ("class ListNode:\n def __init__(self, x): self.val = x; self.next = None\ndef f(a: ListNode):\n return a", [[1, 2]], [1, 2]),
        ("def f(values: List[int]) -> List[int]:\n return values", [[1, 2]], [1, 2]),
    ],
)  # fmt: skip
def test_nodes_are_made_from_lists_and_shown_as_lists(
    judge_one: JudgeOne, code: str, arguments: list[Any], expected: Any
) -> None:
    name = "Solution.f" if "Solution" in code else "f"
    verdict = judge_one(code, call(arguments, expected), kind="call", entry_point=name)
    assert verdict.passed, verdict.feedback


def test_a_node_that_claims_to_be_another_is_judged_by_its_values(judge_one: JudgeOne) -> None:
    code = (
        "class ListNode:\n def __init__(self, v): self.val = v; self.next = None\n def __eq__(self, o): return True\n"
        "def f(a: ListNode) -> ListNode:\n return ListNode(9)"
    )
    assert judge_one(code, call([[1]], [1]), kind="call").status == "failed"


def test_the_setup_is_in_the_programs_scope(judge_one: JudgeOne) -> None:
    assert judge_one(
        "def f(a): return helper(a)", call([1], 2), kind="call", setup="def helper(x): return x + 1"
    ).passed


RULES: list[tuple[str, Comparison, Any, bool]] = [
    ("0.1 + 0.2", Comparison("tokens"), 0.3, False),
    ("0.1 + 0.2", Comparison("floats"), 0.3, True),
    ("[1.0000001]", Comparison("floats"), [1.0], True),
    ("1.0000001", Comparison("floats"), 1, False),
    ("10**400", Comparison("floats"), 0.5, False),
    ("float('inf')", Comparison("floats"), 0.5, False),
    ("[2, [3, 4], 1]", Comparison("unordered"), [1, 2, [3, 4]], True),
    ("[2, [4, 3], 1]", Comparison("unordered"), [1, 2, [3, 4]], False),
    ("[1, 1, 2]", Comparison("unordered"), [1, 2, 2], False),
    ("{1, 2}", Comparison("unordered"), [2, 1], True),
    ("[{'a': [1]}, {}]", Comparison("unordered"), [{}, {"a": [1]}], True),
]


@pytest.mark.parametrize(("value", "compare", "expected", "is_right"), RULES)
def test_values_are_compared_by_the_rule(
    judge_one: JudgeOne, value: str, compare: Comparison, expected: Any, is_right: bool
) -> None:
    verdict = judge_one(f"def f(): return {value}", call([], expected), kind="call", compare=compare)
    assert verdict.passed is is_right


def test_faults_of_the_problem_are_not_the_programs(judge_one: JudgeOne) -> None:
    code = "def f(a): return a"
    for test in (CallTest("[1]", "{"), CallTest("[1", "1"), StdinTest("", ""), "assert f(1) == 1"):
        assert judge_one(code, test, kind="call").status == "not_judged"
    assert judge_one(code, call([1], 1), kind="call", entry_point="").status == "not_judged"
    for ending in ("import os\ndef f(a): os._exit(0)", "def f(a):\n while True: pass"):
        assert judge_one(ending, CallTest("[1]", "{"), kind="call", limits=Limits(cpu_s=0.2)).status == "not_judged"


_SEARCH = """
import gc, sys
def is_it(text): return len(text) == 6 and text.startswith("7393") and text.endswith("91")
def texts(roots, depth):
    for one in roots:
        if isinstance(one, (str, int)) and is_it(str(one)):
            yield one
        elif depth and isinstance(one, (list, tuple, dict)):
            yield from texts(gc.get_referents(one), depth - 1)
def f(a):
    frame, found = sys._getframe(1), []
    while frame:
        found += texts([dict(frame.f_locals), frame.f_globals], 4)
        frame = frame.f_back
    found += texts(gc.get_objects(), 2)
    return int(found[0]) if found else None
"""
_ATTACKS = {
    "search": _SEARCH,
    "early reply": "import os, struct\nbody = b'[\"value\", 1, null]'\nos.write(3, struct.pack('<I', len(body)) + body)\ndef f(a): return a",
    "reply in pieces": "import os, struct\ndef f(a):\n os.write(3, struct.pack('<I', 9) + b'[\"val')\n os._exit(0)",
    "nonsense": "import os\ndef f(a):\n os.write(3, b'\\xff' * 64)\n return a",
    "deep": "def f(a):\n x = []\n for _ in range(5000): x = [x]\n return x",
    "circle": "def f(a):\n x = []\n x.append(x)\n return x",
    "circle of nodes": "def f(a) -> ListNode:\n x = ListNode(1)\n x.next = x\n return x",
    "proxy of a node": "class TreeNode:\n val = 1\n def __getattr__(self, name): return self\ndef f(a) -> TreeNode:\n return TreeNode()",
    "patched": "import json\njson.loads = lambda *_, **__: [739390 + 1]\ndef f(a): return a - 1",
    "exit": "import os\ndef f(a): os._exit(0)",
    "equal to all": "class X(str):\n def __eq__(s, o): return True\n __hash__ = str.__hash__\ndef f(a): return [X('a')]",
    "hashes": "def f(a): return {str(i): i for i in range(10)} | {10 ** 30: 0}",
}


@pytest.mark.parametrize("name", _ATTACKS)
@pytest.mark.parametrize("rule", ["tokens", "unordered"])
def test_no_program_gets_a_pass_that_it_has_not_earned(lone_sandbox: Sandbox, name: str, rule: Any) -> None:
    limits = Limits(cpu_s=0.3, memory_mb=256, output_mb=2)
    expected = call([3], [739391]) if rule == "unordered" else call([3], 739391)
    attack = make_job(_ATTACKS[name], expected, kind="call", compare=Comparison(rule), limits=limits)
    verdict, honest = run_jobs(lone_sandbox, [attack, make_job("def f(a): return a", call([3], 3), kind="call")])
    assert not verdict.passed and verdict.num_passed == 0
    assert verdict.status != "not_judged", verdict.feedback
    assert honest.passed, honest.feedback


def test_public_and_private_calls_are_judged_apart(sandbox: Sandbox) -> None:
    private = tuple(call([number], number) for number in range(5_000))
    job = make_job("def f(a): return a if a != 7 else 8", call([1], 1), kind="call", private_tests=private)
    ((first, second),) = sandbox.run([job])
    assert (first.status, second.status, second.num_passed) == ("passed", "failed", 4_999)
    assert [one.status for one in run_jobs(sandbox, [make_job("def f(a): return a", kind="call")])] == ["error"]


@pytest.mark.parametrize("rule", ["exact", "unordered"])
def test_a_value_that_holds_itself_is_wrong(judge_one: JudgeOne, rule: Any) -> None:
    code = RAW + 'def f(a): send(b\'["value", ["list", [["ref", 1]], 1]]\')'
    assert judge_one(code, call([1], [1]), kind="call", compare=Comparison(rule)).status == "error"


def test_tuples_in_a_set_are_lists_in_any_order(judge_one: JudgeOne) -> None:
    code = "def f(a): return {(1, 2), (3, 4)}"
    verdict = judge_one(code, call([1], [[3, 4], [1, 2]]), kind="call", compare=Comparison("unordered"))
    assert verdict.passed, verdict.feedback
