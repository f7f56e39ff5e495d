"""Problems written as rows of another form and read again are the same problems."""

from __future__ import annotations

import gzip
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from mucode_flows.cli.main import app
from typer.testing import CliRunner

from mucode_core.errors import ConfigError, DataError
from mucode_core.problems import load_problems
from mucode_core.problems.convert import Conversion, Target, convert, to_row
from mucode_core.problems.forms.shared import PRELUDE
from mucode_core.problems.json_values import any_digits
from mucode_core.problems.selection import Selection
from mucode_core.types import CallTest, Comparison, Problem, StdinTest
from tests.conftest import make_problem

STDIN = make_problem(
    "own/1",
    kind="stdin",
    entry_point="",
    public_tests=(StdinTest("1 2\n", "3\n"),),
    private_tests=(StdinTest("", ""), StdinTest("é", "ü")),
    time_limit_s=2.5,
)
LONG = "9" * 5000
CALL = make_problem(
    "own/2",
    kind="call",
    prompt="Write f.",
    public_tests=(CallTest('[1, "x"]', '"5"'), CallTest(f"[[{LONG}], null]", LONG)),
    private_tests=(CallTest('["two\\nlines", {"a": [true]}]', "[1, 2]"), CallTest("[]", '"text"')),
    reference_solution=None,
)
METHOD = replace(CALL, problem_id="own/3", entry_point="Solution.f", prompt="Complete Solution with f.")
WRAPPED = replace(CALL, problem_id="own/4", public_tests=(CallTest("[1]", "2", ("[2]",)),), private_tests=())
ASSERT = make_problem("own/5")
SLOW = replace(STDIN, problem_id="own/6", time_limit_s=150.0)
FAST = replace(CALL, problem_id="own/7", time_limit_s=1e-5)
NAMED = replace(STDIN, problem_id="own/8", entry_point="main")
OWNED = replace(ASSERT, problem_id="own/9", entry_point="Solution.f", public_tests=("assert Solution().f(1) == 2",))
HALF = replace(STDIN, problem_id="own/10", reference_solution="print('\udfff')")
FENCED = replace(CALL, problem_id="own/11", reference_solution='def f(x):\n    """\n```\nf\n```\n"""\n    return x\n')
TEXTS = replace(
    CALL,
    problem_id="own/12",
    public_tests=(CallTest('["\\"a\\""]', '"100"'), CallTest("[1]", '"5"')),
    private_tests=(CallTest('["\\"\\""]', '["\\"b\\"", 2]'),),
)
PROBLEMS = {
    "texts that may be JSON": TEXTS,
    "stdin": STDIN,
    "slow": SLOW,
    "fast": FAST,
    "call": CALL,
    "method": METHOD,
    "wrapped": WRAPPED,
    "assert": ASSERT,
    "stdin with an entry point": NAMED,
    "asserts of a method": OWNED,
    "half a surrogate pair": HALF,
}
TARGETS: tuple[Target, ...] = ("custom", "verl", "prime")


def convert_one(tmp_path: Path, problem: Problem, target: Target) -> tuple[Conversion, list[Problem]]:
    """What converting a problem reports, and what reading the result gives."""
    path, out = write(tmp_path / "in.jsonl", problem, STDIN), tmp_path / "out.jsonl"
    done = convert("custom", path, target, out, Selection(), say=print)
    return done, [found for found in load_problems("auto", out) if not found.problem_id.endswith(STDIN.problem_id)]


def read_back(tmp_path: Path, problem: Problem, target: Target) -> Problem:
    done, found = convert_one(tmp_path, replace(problem, problem_id="own/0"), target)
    assert not done.left_out
    return replace(found[0], problem_id=found[0].problem_id.replace("own/0", problem.problem_id))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_is_the_same_after_the_round_trip(tmp_path: Path, name: str, target: Target) -> None:
    problem = PROBLEMS[name]
    if problem.kind == "assert" and target == "prime":
        pytest.skip("its rows have no asserts")
    found = read_back(tmp_path, problem, target)
    if target != "custom" and problem is METHOD:  # readers give imports to methods
        problem = replace(problem, setup=PRELUDE)
    number = problem.problem_id if target == "custom" else f"{target}/{problem.problem_id}"
    compare = problem.compare if target == "custom" else found.compare
    entry_point = "" if problem.kind == "stdin" and target != "custom" else problem.entry_point
    assert found == replace(problem, problem_id=number, dataset=target, compare=compare, entry_point=entry_point)


def test_own_rows_keep_all(tmp_path: Path) -> None:
    problem = replace(
        STDIN,
        checker="import sys\nsys.exit(0)\n",
        compare=Comparison("floats", 1e-9, 0.0),
        public_tests=(StdinTest("1", "2", ("3",)),),
    )
    assert read_back(tmp_path, problem, "custom") == replace(problem, dataset="custom")
    in_place = replace(CALL, in_place=True, private_tests=(CallTest("[[1]]", "[2]", ("[3]",)),))
    assert read_back(tmp_path, in_place, "custom") == replace(in_place, dataset="custom")
    hidden = replace(ASSERT, tests_shown=False, prelude="import math")
    assert read_back(tmp_path, hidden, "custom") == replace(hidden, dataset="custom")


def write(path: Path, *problems: Problem) -> Path:
    with any_digits():  # and escapes for half a surrogate pair
        path.write_text("".join(json.dumps(to_row(problem, "custom")) + "\n" for problem in problems))
    return path


# A value of each field that is not its default
OTHER: dict[str, Any] = {
    "split": "validation",
    "prompt": "Write it.",
    "entry_point": "g",
    "setup": "import math",
    "public_tests": (CallTest("[7]", "8"),),
    "private_tests": (CallTest("[9]", "10"),),
    "reference_solution": "f = abs",
    "time_limit_s": 0.125,
    "tests_shown": False,
    "compare": Comparison("unordered"),
    "in_place": True,
    "prelude": "import math",
}
IN_OTHER_TESTS = {"problem_id", "dataset", "kind", "checker"}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", [one.name for one in fields(Problem) if one.name not in IN_OTHER_TESTS])
def test_no_field_is_dropped_silently(tmp_path: Path, name: str, target: Target) -> None:
    problem = replace(CALL, problem_id="own/0", **{name: OTHER[name]})
    done, found = convert_one(tmp_path, problem, target)
    if found and getattr(found[0], name) == OTHER[name]:
        assert not done.left_out and not any(what.startswith(name) for what in done.changed)
    else:
        assert target != "custom"
        assert dict(done.left_out) == {"own/0": name} or any(what.startswith(f"{name}: ") for what in done.changed)


@pytest.mark.parametrize(
    ("problem", "target", "reason"),
    [
        (FENCED, "prime", "reference_solution"),
        (replace(FENCED, reference_solution=" "), "verl", "reference_solution"),
        (replace(ASSERT, entry_point=""), "verl", "entry_point of no name"),
        (replace(CALL, reference_solution="class Solution:\n    def f(self): pass"), "verl", "entry_point f"),
    ],
)
def test_what_would_be_read_otherwise_is_named(tmp_path: Path, problem: Problem, target: Target, reason: str) -> None:
    done, found = convert_one(tmp_path, problem, target)
    assert (dict(done.left_out), found) == ({problem.problem_id: reason}, [])


LIVE = {
    "question_content": "Add.", "question_id": "1", "metadata": '{"func_name": "add"}',
    "starter_code": "class Solution:\n    def add(self, a: List[int]) -> int:\n        ",
    "public_test_cases": [{"input": "[1,2]", "output": "3", "testtype": "functional"}], "private_test_cases": [],
}  # fmt: skip


@pytest.mark.parametrize("target", ["verl", "prime"])
def test_setup_of_a_reader_is_written_only_where_the_other_reader_adds_it_too(tmp_path: Path, target: Target) -> None:
    path, out, said = tmp_path / "in.jsonl", tmp_path / "out.jsonl", list[str]()
    path.write_text(json.dumps(LIVE) + "\n")
    done = convert("livecodebench", path, target, out, Selection(), say=said.append)
    assert (done.num_written, said, done.changed["setup"]) == (1, [], 0)
    (found,) = load_problems(target, out)
    assert (found.setup, found.public_tests) == (PRELUDE, (CallTest("[[1, 2]]", "3"),))
    function = LIVE | {"starter_code": "def add(a: List[int]) -> int:"}
    path.write_text(json.dumps(function) + "\n")
    with pytest.raises(DataError, match="no problem can be converted"):
        convert("livecodebench", path, target, out, Selection(), say=said.append)
    assert said == [f"livecodebench/1: cannot be written as {target}: setup that livecodebench puts before programs"]


@pytest.mark.parametrize("target", ["verl", "prime"])
def test_imports_that_a_reader_adds_to_a_method_are_remarked_on(tmp_path: Path, target: Target) -> None:
    done, (found,) = convert_one(tmp_path, METHOD, target)
    assert found.setup == PRELUDE
    assert done.changed[f"setup: imports of LeetCode's form are added when {target} rows are read"] == 1


def test_values_that_json_lacks_are_findings(tmp_path: Path) -> None:
    path, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    infinite = LIVE | {"public_test_cases": [{"input": "[1]", "output": "1e999", "testtype": "functional"}]}
    path.write_text(f"{json.dumps(infinite)}\n{json.dumps(LIVE | {'question_id': 2})}\n")
    done = convert("livecodebench", path, "custom", out, Selection(), say=print)
    assert done.num_written == 1
    assert [reason.partition(":")[0] for _, reason in done.left_out] == ["not a JSON value"]


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_the_file_is_compressed_as_its_name_says(tmp_path: Path, ending: str) -> None:
    path, out = write(tmp_path / "in.jsonl", STDIN, ASSERT), tmp_path / f"out.jsonl{ending}"
    convert("custom", path, "custom", out, Selection(), say=print)
    first = out.read_bytes()
    assert first[:4] == {".gz": b"\x1f\x8b\x08\0", ".zst": b"\x28\xb5\x2f\xfd"}[ending]
    assert ending != ".gz" or gzip.decompress(first).count(b"\n") == 2
    assert load_problems("auto", out) == load_problems("auto", path)
    convert("custom", path, "custom", out, Selection(), say=print)
    assert out.read_bytes() == first
    out.unlink()
    with pytest.raises(DataError, match="no problem can be converted"):
        convert("custom", write(path, ASSERT), "prime", out, Selection(), say=print)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["out.parquet", "out.jsonl.bz2", "out.jsonl.xz", "out.PARQUET", "out.jsonl.GZ"])
def test_other_endings_are_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "in.jsonl", STDIN)
    with pytest.raises(ConfigError, match=f"--out: {name}: cannot write") as caught:
        convert("custom", path, "custom", tmp_path / name, Selection(), say=print)
    assert ".jsonl.zst" in caught.value.hint
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_expressed_is_named_and_left_out(tmp_path: Path) -> None:
    checked = replace(STDIN, problem_id="own/6", checker="pass")
    alternatives = replace(STDIN, problem_id="own/7", public_tests=(StdinTest("1", "2", ("3",)),))
    ones = replace(WRAPPED, problem_id="own/8", public_tests=(CallTest("[1]", "[2]"),))
    setup = replace(ASSERT, problem_id="own/9", setup="import math")
    other = replace(
        METHOD, problem_id="own/10", entry_point="Other.f", public_tests=(CallTest("[1]", "2"),), private_tests=()
    )
    path = write(tmp_path / "in.jsonl", STDIN, checked, alternatives, ones, setup, other, ASSERT)
    said: list[str] = []
    done = convert("custom", path, "prime", tmp_path / "out.jsonl", Selection(), say=said.append)
    assert dict(done.left_out) == {
        "own/6": "checker",
        "own/7": "alternatives",
        "own/8": "values that are lists of one item",
        "own/9": "setup, asserts",
        "own/10": "class Other",
        "own/5": "asserts",
    }
    assert len(said) == 6
    assert (done.num_written, dict(done.changed)) == (1, {"compare: tokens becomes the rule of prime": 1})


def run(*arguments: Any) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return done.exit_code, done.stdout, done.stderr


def test_the_command_recognises_the_form_and_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "in.jsonl", STDIN, ASSERT)
    with path.open("a") as file:
        file.write("{\n")
    out = tmp_path / "out.jsonl"
    status, printed, said = run("problems", "convert", path, "--to", "verl", "--out", out, "--json")
    found = json.loads(printed.splitlines()[-1])
    assert (status, found["num_written"], found["left_out"]) == (1, 2, [])
    assert found["bad_rows"][0][0] == f"{path}:3"
    assert said.count(f"{path}:3: not JSON") == 1
    assert "\n1 row is not a problem\n2 problems written, 1 omitted; " in said
    assert "1 problem: compare: tokens becomes the rule of verl\n" in said
    assert [problem.kind for problem in load_problems("verl", out)] == ["stdin", "assert"]
    assert run("problems", "convert", path, "--to", "verl", "--out", path)[0] != 0


def test_nothing_is_written_where_nothing_can_be(tmp_path: Path) -> None:
    path, out = write(tmp_path / "in.jsonl", ASSERT), tmp_path / "out.jsonl"
    status, _, _ = run("problems", "convert", path, "--dataset", "custom", "--to", "prime", "--out", out)
    assert status != 0
    assert sorted(tmp_path.iterdir()) == [path]
    path.write_text("{\n")
    with pytest.raises(DataError, match=f"{path}:1: not JSON"):
        convert("custom", path, "prime", out, Selection(), say=print)


def test_rows_of_other_tasks_are_remarked_on_and_no_fault(tmp_path: Path) -> None:
    path, out = tmp_path / "verl.jsonl", tmp_path / "out.jsonl"
    truth = json.dumps({"inputs": ["1\n"], "outputs": ["2\n"]})
    row = {"data_source": "taco", "prompt": [{"role": "user", "content": "Add 1."}], "ability": "code"}
    code = row | {"reward_model": {"style": "rule", "ground_truth": truth}, "extra_info": {"index": 0}}
    math = row | {"ability": "math", "reward_model": {"style": "rule", "ground_truth": "5"}, "extra_info": {"index": 1}}
    path.write_text("".join(json.dumps(one) + "\n" for one in (code, math)))
    status, _, errors = run("problems", "convert", path, "--dataset", "verl", "--to", "custom", "--out", out)
    assert status == 0, errors
    assert len(out.read_text().splitlines()) == 1 and "1 row of other tasks" in errors
