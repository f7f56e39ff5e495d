"""`mucode grade` and `mucode problems check`, as a user runs them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from mucode_core.cli import app
from mucode_core.errors import DataError
from mucode_core.problems import load_problems
from mucode_core.samples import grade_samples, open_samples
from mucode_core.sandbox import Limits, ProcessSandbox
from mucode_core.schemas import from_table
from mucode_core.types import GradedSample
from tests.conftest import real_data

PROBLEM: dict[str, Any] = {
    "prompt": "Write add.",
    "entry_point": "add",
    "kind": "assert",
    "setup": "",
    "public_tests": ["assert add(1, 2) == 3"],
    "private_tests": ["assert add(0, 0) == 0", "assert add(1, 1) == 2"],
    "reference_solution": "def add(a, b): return a + b",
    "time_limit_s": None,
}
RIGHT, LUCKY, WRONG = "def add(a, b): return a + b", "def add(a, b): return 3", "def add(a, b): return a"


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write(tmp_path / "data.jsonl", *[PROBLEM | {"problem_id": f"own/{i}"} for i in range(3)])


def run(*words: Any) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=True)
    return (result.exit_code, result.stdout, result.stderr + (str(result.exception) if result.exception else ""))


def grade(data: Path, samples: Path, out: Path) -> tuple[int, str, str]:
    words = ["--dataset", "custom", "--data", data, "--samples", samples, "--out", out, "--sandbox", "process"]
    return run("grade", *words, "--workers", 1, "--json")


def test_samples_are_graded(data: Path, tmp_path: Path) -> None:
    rows = [
        {"task_id": "own/1", "solution": RIGHT},
        {"task_id": "1", "solution": LUCKY, "model": "other fields are ignored"},
        {"task_id": 2, "solution": WRONG},
        {"task_id": "OWN/2", "solution": RIGHT},
    ]
    samples = tmp_path / "samples.jsonl.gz"
    samples.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    status, printed, _ = grade(data, samples, tmp_path / "graded.parquet")
    assert status == 0
    counts = json.loads(printed.splitlines()[-1])
    assert counts.pop("programs_per_s") > 0
    by_status = {"failed": 2, "passed": 2}
    assert counts == {"num_samples": 4, "num_passed": 2, "num_public_passed": 3, "by_status": by_status}
    graded = from_table(pq.read_table(tmp_path / "graded.parquet"), GradedSample)
    assert [(row.problem_id, row.sample_index) for row in graded] == [
        ("own/1", 0),
        ("own/1", 1),
        ("own/2", 0),
        ("own/2", 1),
    ]
    assert [(row.public_passed, row.passed, row.num_passed, row.num_tests) for row in graded] == [
        (True, True, 3, 3),
        (True, False, 1, 3),
        (False, False, 1, 3),
        (True, True, 3, 3),
    ]
    assert graded[1].feedback.startswith("assert add(0, 0) == 0")
    assert graded[2].feedback.startswith("assert add(1, 2) == 3")


def test_completions_of_humaneval_start_at_the_prompt(tmp_path: Path) -> None:
    row = {"task_id": "HumanEval/5", "prompt": 'def add(a, b):\n    """Adds."""\n', "entry_point": "add"}
    suite = "def check(candidate):\n    assert candidate(1, 2) == 3\n"
    data = write(tmp_path / "plus.jsonl", row | {"canonical_solution": "    return a + b\n", "test": suite})
    samples = write(tmp_path / "samples.jsonl", {"task_id": "HumanEval/5", "completion": "    return a + b\n"})
    words = ["--dataset", "humanevalplus", "--data", data, "--samples", samples, "--out", tmp_path / "g.parquet"]
    status, printed, _ = run("grade", *words, "--sandbox", "process", "--workers", 1, "--json")
    assert status == 0
    assert json.loads(printed)["num_passed"] == 1


BROKEN: dict[str, tuple[list[Any], str, int]] = {
    "not JSON": ([{"task_id": 1, "code": RIGHT}, "{"], "not JSON", 2),
    "no program": ([{"task_id": 1}], "holds no program", 1),
    "two programs": ([{"task_id": 1, "code": RIGHT, "solution": RIGHT}], "holds solution and code", 1),
    "mixed": ([{"task_id": 1, "code": RIGHT}, {"task_id": 1, "solution": RIGHT}], "the rows before hold 'code'", 2),
    "no text": ([{"task_id": 1, "code": None}], "code: None is not a text", 1),
    "no id": ([{"code": RIGHT}], "task_id: None is no id", 1),
    "long": ([{"task_id": 1, "code": RIGHT}, {"task_id": 1, "code": "#" * 10_000_000}], "10,000,000 characters", 2),
    "unknown": ([{"task_id": 1, "code": RIGHT}, *({"task_id": f"b/{i}", "code": ""} for i in (8, 9))], "b/8, b/9", 2),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_sample_file_is_refused_with_its_line(data: Path, tmp_path: Path, name: str) -> None:
    rows, message, line = BROKEN[name]
    samples = write(tmp_path / "samples.jsonl", *rows)
    out = tmp_path / "graded.parquet"
    status, printed, said = grade(data, samples, out)
    assert status == 1
    assert f"{samples}:{line}: " in said
    assert message in said
    assert "cure: " in said
    assert not printed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.jsonl", "samples.jsonl"]


def test_unreadable_and_unwritable_files_are_named(data: Path, tmp_path: Path) -> None:
    good = write(tmp_path / "good.jsonl", {"task_id": 1, "code": RIGHT})
    (tmp_path / "latin.jsonl").write_bytes(b'{"task_id": 1, "code": "\xe9"}\n')
    (tmp_path / "empty.jsonl").write_text("\n")
    for name, message in (("absent", "No such file"), ("latin", "utf-8"), ("empty", "no samples")):
        status, _, said = grade(data, tmp_path / f"{name}.jsonl", tmp_path / "out.parquet")
        assert status == 1
        assert f"{name}.jsonl" in said
        assert message in said
    status, _, said = grade(data, good, tmp_path / "nowhere" / "out.parquet")
    assert (status, "nowhere: no such directory" in said) == (1, True)
    (tmp_path / "directory").mkdir()
    status, _, said = grade(data, good, tmp_path / "directory")
    assert status == 1
    assert "is a directory" in said
    assert not list(tmp_path.glob(".*partial"))


def test_a_failure_in_the_middle_leaves_no_file(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = write(tmp_path / "samples.jsonl", *[{"task_id": 1, "code": f"{RIGHT} # {i}"} for i in range(3000)])
    checked = open_samples(samples, load_problems("custom", data), {})

    def progress(done: int, total: int, unit: str) -> None:
        raise KeyboardInterrupt

    with ProcessSandbox(2) as sandbox, pytest.raises(KeyboardInterrupt):
        grade_samples(checked, sandbox, Limits(), tmp_path / "out.parquet", progress=progress)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.jsonl", "samples.jsonl"]


def test_ids_that_are_ambiguous_match_whole_only(tmp_path: Path) -> None:
    ids = ("a/1", "b/1", "b/2")
    problems = load_problems("custom", write(tmp_path / "d.jsonl", *[PROBLEM | {"problem_id": i} for i in ids]))
    file = write(tmp_path / "s.jsonl", {"task_id": "b/1", "code": ""}, {"task_id": "2", "code": ""})
    assert [p.problem_id for p, _ in open_samples(file, problems, {}).programs()] == ["b/1", "b/2"]
    with pytest.raises(DataError, match="1 unknown task ids: 1"):
        open_samples(write(tmp_path / "t.jsonl", {"task_id": "1", "code": ""}), problems, {})


def test_tests_that_do_not_compile_are_the_data_sets_fault(tmp_path: Path) -> None:
    suite = "def check(candidate):\n    return candidate(1\n"
    row = {"task_id": "HumanEval/5", "prompt": "def f(a):\n", "canonical_solution": "    return 1\n"}
    data = write(tmp_path / "plus.jsonl", row | {"entry_point": "f", "test": suite})
    status, _, said = run("problems", "check", "humanevalplus", "--data", data, "--sandbox", "process")
    assert status == 1
    assert f"{data}:1" in said
    assert "not Python" in said


def test_references_are_checked(tmp_path: Path) -> None:
    codes = {"own/a": RIGHT, "own/b": LUCKY, "own/c": None}
    rows = [PROBLEM | {"problem_id": name, "reference_solution": code} for name, code in codes.items()]
    data = write(tmp_path / "data.jsonl", *rows)
    status, printed, said = run(
        "problems", "check", "custom", "--data", data, "--sandbox", "process", "--workers", 1, "--json"
    )
    assert status == 1
    assert json.loads(printed) == {"num_problems": 3, "num_passed": 1, "failed": ["own/b", "own/c"]}
    assert "own/b: failed\n    assert add(0, 0) == 0" in said
    assert "own/c: no_code" in said


KNOWN_BAD = {"humanevalplus": {"humanevalplus/32"}}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("humanevalpack", "humanevalpack_python.jsonl"),
        ("humanevalplus", "humanevalplus_originfmt.jsonl.gz"),
        ("mbppplus", "mbppplus_originfmt.jsonl.gz"),
        ("code_contests", "codecontests_train300.jsonl"),
    ],
)
def test_every_reference_of_the_real_sets_passes(name: str, file: str) -> None:
    status, printed, _ = run("problems", "check", name, "--data", real_data(file), "--sandbox", "process", "--json")
    failed = set(json.loads(printed)["failed"])
    if name == "code_contests":
        rows = map(json.loads, real_data(file).read_text().splitlines())
        assert not failed & {f"code_contests/{row['id']}" for row in rows if row["solution_passes_all"]}
    else:
        assert failed == KNOWN_BAD.get(name, set())
    assert status == bool(failed)


@pytest.mark.slow
def test_every_buggy_solution_fails(tmp_path: Path) -> None:
    path = real_data("humanevalpack_python.jsonl")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    buggy = [{"task_id": r["task_id"], "solution": r["declaration"] + r["buggy_solution"]} for r in rows]
    out = tmp_path / "graded.parquet"
    words = ["--dataset", "humanevalpack", "--data", path, "--samples", write(tmp_path / "s.jsonl", *buggy)]
    status, printed, _ = run("grade", *words, "--out", out, "--sandbox", "process", "--json")
    assert status == 0
    counts = json.loads(printed)
    assert (counts["num_samples"], counts["num_passed"]) == (164, 0)
