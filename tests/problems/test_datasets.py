"""Every data set: its rows, public and private tests, and errors of broken rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mucode_core.config import ProblemsConfig
from mucode_core.errors import ConfigError, DataError
from mucode_core.problems import DATASETS, find_data, load_problems, load_split, read_declarations
from mucode_core.problems.budgets import set_time_limits, time_limit
from mucode_core.problems.suites import compare_shapes, helpers_of, is_suite, leave_out, split_first_assert
from mucode_core.sandbox import Limits, ProcessSandbox
from mucode_core.types import Comparison, StdinTest
from tests.conftest import real_data

PACK: dict[str, Any] = {
    "task_id": "Python/7",
    "declaration": "import math\n\ndef helper(x):\n    return x\n\ndef add(a, b):\n",
    "canonical_solution": "    return a + b\n",
    "instruction": "Write add.",
    "example_test": "def check(add):\n    assert add(1, 2) == 3, 'no'\n    assert add(2, 2) == 4\ncheck(add)\n",
    "test": "def check(add):\n    assert add(0, 0) == 0\n",
    "entry_point": "add",
    "prompt": "def add(a, b):\n",
}
PLUS: dict[str, Any] = {
    "task_id": "HumanEval/7",
    "prompt": 'def add(a, b):\n    """Adds.\n    >>> add(1, 2)\n    3\n    """\n',
    "canonical_solution": "    return a + b\n",
    "test": "def check(candidate):\n    inputs = [[5, 6]]\n    results = [11]\n    for i, o in zip(inputs, results):\n"
    "        assert candidate(*i) == o\n",
    "entry_point": "add",
}
CONTEST: dict[str, Any] = {
    "id": "a_1",
    "name": "A. One",
    "description": "Print the sum.",
    "public_tests": [{"input": "1 2", "output": "3"}],
    "private_tests": [{"input": "2 2", "output": "4"}],
    "solution": "print(sum(map(int, input().split())))",
}
CUSTOM: dict[str, Any] = {
    "problem_id": "own/1",
    "prompt": "Write add.",
    "entry_point": "add",
    "kind": "assert",
    "setup": "",
    "public_tests": ["assert add(1, 2) == 3"],
    "private_tests": [],
    "reference_solution": None,
    "time_limit_s": None,
}


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def load_one(tmp_path: Path, name: str, row: dict[str, Any], tests: str = "paper") -> Any:
    (problem,) = load_problems(name, write(tmp_path / "rows.jsonl", row), tests=tests)
    return problem


def test_humanevalpack_shows_the_first_example_and_hides_the_rest(tmp_path: Path) -> None:
    problem = load_one(tmp_path, "humanevalpack", PACK)
    assert problem.problem_id == "humanevalpack/7"
    assert problem.public_tests == ("assert add(1, 2) == 3",)
    assert "add(2, 2)" in problem.private_tests[0]
    assert "add(1, 2)" not in problem.private_tests[0]
    assert problem.private_tests[1] == PACK["test"]
    assert problem.setup == "import math\ndef helper(x):\n    return x"
    assert problem.reference_solution.endswith("def add(a, b):\n    return a + b\n")


@pytest.mark.parametrize(
    "example", ["def check(add):\n    pass\n", "    def broken(:\n", "def check(add):\n    x = 1\n"]
)
def test_examples_that_assert_nothing_are_not_shown(tmp_path: Path, example: str) -> None:
    problem = load_one(tmp_path, "humanevalpack", PACK | {"example_test": example})
    assert problem.public_tests == ("assert add(0, 0) == 0",)
    assert problem.private_tests == (PACK["test"],)


def test_a_sole_example_leaves_no_empty_suite(tmp_path: Path) -> None:
    example = "def check(add):\n    assert add(1, 2) == 3\ncheck(add)\n"
    problem = load_one(tmp_path, "humanevalpack", PACK | {"example_test": example})
    assert problem.public_tests == ("assert add(1, 2) == 3",)
    assert problem.private_tests == (PACK["test"],)


def test_humanevalplus_shows_the_docstring_example_or_the_first_input(tmp_path: Path) -> None:
    assert load_one(tmp_path, "humanevalplus", PLUS).public_tests == ("assert add(1, 2) == 3",)
    bare = load_one(tmp_path, "humanevalplus", PLUS | {"prompt": "def add(a, b):\n    'Adds.'\n"})
    assert bare.public_tests == ("assert add(5, 6) == 11",)


def test_humaneval_completions_continue_the_prompt(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", PLUS)
    problems = load_problems("humanevalplus", path)
    assert read_declarations("humanevalplus", path, problems) == {"humanevalplus/7": PLUS["prompt"]}
    assert read_declarations("mbpp", tmp_path / "not-read.jsonl", []) == {}


def test_code_contests_in_both_forms(tmp_path: Path) -> None:
    local = load_one(tmp_path, "code_contests", CONTEST)
    columns = {
        "public_tests": {"input": ["1 2"], "output": ["3"]},
        "private_tests": {"input": ["2 2"], "output": ["4"]},
    }
    solutions = {"language": [2, 3], "solution": ["C++", "print(3)"]}
    limit = {"seconds": 2, "nanos": 500_000_000}
    hub = load_one(
        tmp_path,
        "code_contests",
        CONTEST | columns | {"solution": None, "solutions": solutions, "time_limit": limit, "split": "valid"},
    )
    assert local.kind == hub.kind == "stdin"
    assert local.public_tests == hub.public_tests == (StdinTest("1 2", "3"),)
    assert (local.split, hub.split) == ("train", "validation")
    assert hub.reference_solution == "print(3)"
    assert (local.time_limit_s, hub.time_limit_s) == (None, 2.5)
    assert local.compare == hub.compare == Comparison("floats")


def test_a_contest_without_public_tests_uses_a_private_one(tmp_path: Path) -> None:
    problem = load_one(tmp_path, "code_contests", CONTEST | {"public_tests": []})
    assert (problem.public_tests, problem.private_tests) == ((StdinTest("2 2", "4"),), ())


def test_custom_problems(tmp_path: Path) -> None:
    assert load_one(tmp_path, "custom", CUSTOM).split == "test"
    stdin = CUSTOM | {"kind": "stdin", "public_tests": [{"input": "1", "output": "1"}], "split": "train"}
    problem = load_one(tmp_path, "custom", stdin)
    assert (problem.split, problem.public_tests) == ("train", (StdinTest("1", "1"),))


BROKEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "missing": ("custom", {k: v for k, v in CUSTOM.items() if k != "setup"}, "setup: the field is missing"),
    "unknown": ("custom", CUSTOM | {"tests": []}, "tests: there is no such field"),
    "no tests": ("custom", CUSTOM | {"public_tests": []}, "public_tests: "),
    "other kind": ("custom", CUSTOM | {"kind": "stdin"}, "public_tests.0: a test of kind stdin"),
    "test not Python": ("custom", CUSTOM | {"private_tests": ["assert ("]}, "private_tests.0: .*is not Python"),
    "time": ("custom", CUSTOM | {"time_limit_s": 0}, "time_limit_s: .*0"),
    "contest without tests": ("code_contests", CONTEST | {"public_tests": [], "private_tests": []}, "no tests"),
    "contest test": ("code_contests", CONTEST | {"public_tests": [{"input": "1"}]}, r"public_tests.0.output"),
    "pack": ("humanevalpack", PACK | {"test": None}, "test: "),
    "plus": ("humanevalplus", PLUS | {"prompt": "def ("}, "prompt: not Python"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_row_is_refused_with_file_line_and_field(tmp_path: Path, name: str) -> None:
    dataset, row, message = BROKEN[name]
    path = write(tmp_path / "rows.jsonl", row)
    with pytest.raises(DataError, match=message) as caught:
        load_problems(dataset, path)
    assert caught.value.location.startswith(f"{path}:1")
    assert caught.value.hint


def test_parquet_files_are_read(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist([PLUS]), tmp_path / "rows.parquet")
    (problem,) = load_problems("humanevalplus", tmp_path / "rows.parquet")
    assert problem.problem_id == "humanevalplus/7"
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match=r"bad\.parquet: cannot be read"):
        load_problems("humanevalplus", tmp_path / "bad.parquet")


def test_the_hub_is_queried_once_and_its_splits_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    from huggingface_hub import constants

    asked: list[str] = []

    def load_dataset(name: str, config: str | None, *, split: str, **_: Any) -> list[dict[str, Any]]:
        asked.append(f"{name} {config} {split}")
        return [CONTEST | {"name": split, "id": split}]

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    for _ in range(2):
        path = find_data("code_contests", "", tmp_path)
    assert asked == [f"deepmind/code_contests None {split}" for split in ("train", "valid", "test")]
    assert [p.split for p in load_problems("code_contests", path)] == ["train", "validation", "test"]


def test_an_unreachable_hub_is_an_error_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    from huggingface_hub import constants

    def load_dataset(*_: Any, **__: Any) -> None:
        raise ConnectionError("offline")

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(
        DataError, match=r"bigcode/humanevalpack: cannot be downloaded from the hub: offline\n  hint: .*--data"
    ):
        find_data("humanevalpack", "", tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigError, match="custom is not on the hub"):
        find_data("custom", "", tmp_path)
    with pytest.raises(ConfigError, match=r"'mbp' is not a known data set\n  hint: .*humanevalpack"):
        load_problems("mbp", tmp_path)


def test_the_published_division_shows_all_of_the_test_list() -> None:
    paper = load_problems("mbpp", real_data("mbpp.jsonl"))
    published = load_problems("mbpp", real_data("mbpp.jsonl"), tests="reference")
    assert {len(p.public_tests) for p in paper} == {1}
    assert {len(p.public_tests) for p in published} == {3}
    for one, other in zip(paper, published, strict=True):
        assert one.public_tests + one.private_tests == other.public_tests + other.private_tests
    assert {p.split for p in load_problems("mbpp_train", real_data("mbpp.jsonl"))} == {"train", "validation"}


def test_a_set_for_evaluation_has_no_training_problems(tmp_path: Path) -> None:
    settings = ProblemsConfig(dataset="humanevalplus")
    path = write(tmp_path / "rows.jsonl", PLUS)
    assert len(load_split(settings, "test", data=path, keep=None, seed=0)) == 1
    with pytest.raises(ConfigError, match="humanevalplus has no train problems, only test"):
        load_split(settings, "train", data=path, keep=None, seed=0)


@pytest.mark.parametrize(
    ("suite", "expected"),
    [
        ("def check(c):\n    assert c(1) == 2\n", ("assert f(1) == 2", "")),
        ("def check(c):\n    x = 3\n    assert c(x) == 2\n    assert c(4)\n", ("assert f(4)", "c(x) == 2")),
        ("def check(c):\n    for i in range(3):\n        assert c(i)\n", None),
        ("def check(c):\n    assert True\n", None),
        ("assert f(1)\n", None),
    ],
)
def test_the_first_self_contained_assert(suite: str, expected: tuple[str, str] | None) -> None:
    found = split_first_assert(suite, "f", "here")
    if expected is None or found is None:
        assert found is expected
    else:
        assert found[0] == expected[0]
        assert expected[1] in found[1]
        assert bool(found[1]) is bool(expected[1])


def test_suites() -> None:
    assert not is_suite("def check(c):\n    c(1)\n")
    assert not is_suite("x = (")
    assert is_suite(" def check(c):\n     assert c(1)\n")
    assert helpers_of("def f(x):\n", "f", "prompt", "here") == ""
    assert "[[1], [3]]" in leave_out("inputs = [[1], [2], [3]]\nfor i in inputs: f(*i)", (1,), "here")


def test_shapes_are_compared_before_values() -> None:
    import numpy as np

    suite = compare_shapes("def assertion(out, exp, atol):\n    assert np.allclose(out, exp, rtol=1e-07, atol=atol)\n")
    space: dict[str, Any] = {"np": np}
    exec(suite, space)
    space["assertion"]([1.0], [1.0], 0)
    with pytest.raises(AssertionError):
        space["assertion"]([], [1.0], 0)


def test_time_limits_follow_the_reference_in_coarse_steps() -> None:
    assert [time_limit(s) for s in (0.0, 0.002, 0.02, 0.021, 0.09, 1.0, 3.0, 5.0)] == [1, 1, 1, 4, 16, 16, 16, 64]


def test_time_limits_are_set_where_a_reference_passes(tmp_path: Path) -> None:
    rows = [CUSTOM | {"problem_id": name, "reference_solution": code, "time_limit_s": limit} for name, code, limit in (
        ("passes", "def add(a, b): return a + b", None),
        ("fails", "def add(a, b): return 0", None),
        ("absent", None, None),
        ("has one", "def add(a, b): return a + b", 7.0),
    )]  # fmt: skip
    problems = load_problems("custom", write(tmp_path / "rows.jsonl", *rows))
    with ProcessSandbox(1) as sandbox:
        limited = list(set_time_limits(problems, sandbox, Limits()))
    assert [p.time_limit_s for p in limited] == [1.0, None, None, 7.0]


@pytest.mark.parametrize(
    ("name", "file", "count"),
    [
        ("mbpp", "mbpp.jsonl", 974),
        pytest.param("mbppplus", "mbppplus_originfmt.jsonl.gz", 378, marks=pytest.mark.slow),
        ("humanevalpack", "humanevalpack_python.jsonl", 164),
        pytest.param("humanevalplus", "humanevalplus_originfmt.jsonl.gz", 164, marks=pytest.mark.slow),
        ("code_contests", "codecontests_train300.jsonl", 298),  # two of the 300 are interactive
    ],
)
def test_every_row_of_the_real_sets_is_read(name: str, file: str, count: int) -> None:
    problems = load_problems(name, real_data(file))
    assert len(problems) == count
    assert name in DATASETS
    for problem in problems:
        assert problem.public_tests
        assert problem.prompt.strip()
        assert problem.reference_solution
        assert problem.kind == "stdin" or "assert" in str(problem.public_tests[0])
