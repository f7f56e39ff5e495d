"""Rows of KodCode, and test files taken apart."""

import ast
import sys
from typing import Any

import pytest

from mucode_core.errors import DataError
from mucode_core.problems.forms.test_modules import split_tests
from mucode_core.problems.readers.kodcode import DATASETS, make_kodcode
from mucode_core.problems.registry import recognise
from mucode_core.sandbox.judge.suites.collected import RUN as RUN_NAME
from mucode_core.sandbox.judge.suites.collected import collect, run_collected
from mucode_core.sandbox.judge.suites.pytest_module import make_pytest

ROW: dict[str, Any] = {
    "version": "v1.0", "style": "instruct", "subset": "Prefill", "question_id": "Prefill_1_I", "question": "Add one.",
    "solution": "def plus(x):\n    return x + 1",
    "test": "import pytest\nfrom solution import plus\n\nSTEP = 1\n\n"
    "def test_one():\n    assert plus(1) == 1 + STEP\n\n"
    "def test_float():\n    assert plus(0.1) == pytest.approx(1.1)\n",
    "test_info": [{"docstring": "", "function_declaration": "def plus(x):", "function_name": "plus"}],
    "gpt_difficulty": "easy",
}  # fmt: skip


def test_each_test_function_is_a_test() -> None:
    problem = make_kodcode(ROW, "f:1")
    assert problem.public_tests == ("import pytest\nSTEP = 1\n\ndef test_one():\n    assert plus(1) == 1 + STEP",)
    assert problem.private_tests == (
        "import pytest\nSTEP = 1\n\ndef test_float():\n    assert plus(0.1) == pytest.approx(1.1)",
    )
    assert (problem.problem_id, problem.entry_point, problem.kind) == ("kodcode/Prefill_1_I", "plus", "assert")
    assert "def plus(x):" in problem.prompt
    assert problem.reference_solution == ROW["solution"]


@pytest.mark.parametrize(
    "changes",
    [
        {"test_info": []},
        {"test_info": None, "test_entry_point": "plus"},
        {"test_code": ROW["test"], "test": ROW["test"], "split": "incorrect"},
    ],
)
def test_other_columns_of_the_set_give_the_same_problem(changes: dict[str, Any]) -> None:
    problem, expected = make_kodcode(ROW | changes, "f:1"), make_kodcode(ROW, "f:1")
    assert (problem.entry_point, problem.private_tests, problem.split) == ("plus", expected.private_tests, "train")


def test_the_first_version_names_its_columns_otherwise() -> None:
    row = {name: value for name, value in ROW.items() if name not in ("test", "question_id", "test_info")}
    old = row | {"test_code": ROW["test"], "conversation_id": "c1", "test_entry_point": "plus"}
    assert make_kodcode(old, "f:1").problem_id == "kodcode/c1"
    assert recognise(old, "f:1")[0] == "kodcode"


BAD = {
    "no test": ({"test": "from solution import plus\n"}, "test: no tests"),
    "no Python": ({"test": "def test_x(:"}, "test: not Python"),
    "no solution": ({"solution": None}, "solution"),
    "odd info": ({"test_info": [{}]}, "test_info.0.function_name"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_rows_are_refused_with_field_and_place(name: str) -> None:
    changes, message = BAD[name]
    with pytest.raises(DataError, match=rf"^f:1: {message}"):
        make_kodcode(ROW | changes, "f:1")


def test_the_form_and_its_facts_are_recognised() -> None:
    assert recognise(ROW, "f:1")[0] == "kodcode"
    facts = DATASETS["kodcode"].facts(ROW)
    assert (facts.difficulty, facts.tags) == ("easy", ("Prefill", "instruct"))


def test_imports_of_the_program_become_its_names() -> None:
    imports = "import solution\nfrom solution import f as g, h\nimport math\n"
    source = f"{imports}def test_a():\n    assert g(1) == solution.h(2)\n"
    assert split_tests(source, "solution", "test", "f:1") == [
        "g = f\nimport math\n\ndef test_a():\n    assert g(1) == h(2)"
    ]


RUN = """
import unittest
import pytest
from solution import record

@pytest.fixture
def base():
    return 10

@pytest.fixture()
def bigger(base):
    yield base + 1

def test_plain():
    assert record("plain")

def test_fixtures(bigger, base):
    assert record((bigger, base))

@pytest.mark.parametrize("a, b", [(1, 2), (3, 4)])
@pytest.mark.parametrize("c", ["x"])
def test_values(a, b, c):
    assert record((a, b, c))

@pytest.mark.parametrize("pair", [(5, 6)])
def test_one_value(pair):
    assert record(pair)

@pytest.mark.parametrize(("a", "b"), [pytest.param(7, 8, id="seven")])
def test_params(a, b):
    assert record([a, b])

def test_output(capsys):
    print("printed")
    assert record(capsys.readouterr().out.strip())

class TestCases(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = "class"

    def setUp(self):
        self.own = "setup"

    def test_a(self):
        self.assertTrue(record((self.shared, self.own, "a")))

    def test_b(self):
        with self.assertRaises(ZeroDivisionError):
            record(1 / 0)
        self.assertTrue(record("b"))

class TestGroup:
    def setup_method(self):
        self.name = "own"

    def test_it(self):
        assert record(self.name)

if __name__ == "__main__":
    unittest.main()
"""


def test_the_judge_runs_each_source_as_its_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a program that records what it is called with."""
    monkeypatch.setitem(sys.modules, "pytest", make_pytest())
    recorded: list[list[object]] = []
    for source in split_tests(RUN, "solution", "test", "f:1"):
        seen: list[object] = []
        space = {
            "record": lambda value, seen=seen: seen.append(value) or True,
            "__name__": "tests",
            RUN_NAME: run_collected,
        }
        tree = ast.parse(source)
        collect(tree)
        exec(compile(tree, "tests", "exec"), space)
        recorded.append(seen)
    assert recorded == [
        ["plain"],
        [(11, 10)],
        [(1, 2, "x"), (3, 4, "x")],
        [(5, 6)],
        [[7, 8]],
        ["printed"],
        [("class", "setup", "a")],
        ["b"],
        ["own"],
    ]


def test_plain_asserts_are_one_test() -> None:
    assert split_tests("from solution import f\nassert f(1) == 2\nassert f(2) == 3", "solution", "test", "f:1") == [
        "assert f(1) == 2\nassert f(2) == 3"
    ]
