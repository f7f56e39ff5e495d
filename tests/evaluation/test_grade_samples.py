"""`mucode grade` and `mucode problems check`, as a user runs them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from mucode_flows.cli.main import app
from typer.testing import CliRunner

from mucode_core.errors import DataError
from mucode_core.evaluation.result_files.forms import open_result_file
from mucode_core.evaluation.sample_files import grade_samples, open_samples
from mucode_core.problems import load_problems
from mucode_core.problems.stored import StoredProblems
from mucode_core.sandbox import Limits, ProcessSandbox
from mucode_core.store.schemas import from_table
from mucode_core.types import GradedSample
from tests.conftest import real_data
from tests.support.result_rows import verl_row

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


def grade(data: Path, samples: Path, out: Path, *more: str) -> tuple[int, str, str]:
    words = ["--dataset", "custom", "--data", data, "--samples", samples, "--out", out, "--sandbox", "process"]
    return run("grade", *words, "--workers", 1, "--json", *more)


def test_whole_answers_without_extract_are_remarked_on(data: Path, tmp_path: Path) -> None:
    answer = {"task_id": "own/1", "solution": f"Here it is:\n```python\n{RIGHT}\n```"}
    samples = write(tmp_path / "answers.jsonl", answer)
    assert "need --extract" in grade(data, samples, tmp_path / "a.parquet")[2]
    own = {"task_id": "own/2", "solution": f'{RIGHT}\n"""\n```\n"""'}  # a docstring may have a block
    mixed = write(tmp_path / "mixed.jsonl", answer, own, own | {"solution": "import nothing"})
    said = grade(data, mixed, tmp_path / "a.parquet")[2]
    assert "1 program is not Python and has a fenced block: samples that are whole answers of a model need" in said
    status, printed, said = grade(data, samples, tmp_path / "b.parquet", "--extract")
    assert status == 0 and "--extract" not in said
    assert json.loads(printed.splitlines()[-1])["num_passed"] == 1


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
    assert counts == {
        "num_samples": 4,
        "num_passed": 2,
        "num_public_passed": 3,
        "num_delegated": 0,
        "by_status": by_status,
        "bad_problems": [],
        "missing": ["own/0"],
        "num_repeated": 0,
        "bad_problem_rows": [],
        "bad_rows": [],
    }
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


def test_problems_whose_samples_the_limit_cuts_are_not_missing(data: Path, tmp_path: Path) -> None:
    samples = write(tmp_path / "s.jsonl", *({"task_id": f"own/{i}", "solution": RIGHT} for i in range(2)))
    for limit, missing in ((1, []), (2, ["own/2"]), (3, ["own/2"])):
        _, printed, said = grade(data, samples, tmp_path / "g.parquet", "--limit", str(limit))
        assert json.loads(printed.splitlines()[-1])["missing"] == missing
        assert ("no sample" in said) == bool(missing)


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
    "no text": ([{"task_id": 1, "code": None}], "code: None is not text", 1),
    "no id": ([{"code": RIGHT}], "has no field task_id", 1),
    "long": ([{"task_id": 1, "code": RIGHT}, {"task_id": 1, "code": "#" * 10_000_000}], "10,000,000 characters", 2),
    "unknown": ([{"task_id": 1, "code": RIGHT}, *({"task_id": f"b/{i}", "code": ""} for i in (8, 9))], "b/8, b/9", 2),
}


@pytest.mark.parametrize("name", BROKEN)
def test_with_stop_a_broken_sample_file_is_refused_with_its_line(data: Path, tmp_path: Path, name: str) -> None:
    rows, message, line = BROKEN[name]
    samples = write(tmp_path / "samples.jsonl", *rows)
    out = tmp_path / "graded.parquet"
    status, printed, said = grade(data, samples, out, "--stop")
    assert status == 1
    assert f"{samples}:{line}: " in said
    assert message in said
    assert "hint: " in said
    assert not printed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.jsonl", "samples.jsonl"]


def test_a_prompt_of_no_problem_is_shown(data: Path, tmp_path: Path) -> None:
    rollouts = [verl_row(f"{i} Sort the list. {'x' * 99}", RIGHT, 1.0) for i in range(2)]
    samples = write(tmp_path / "samples.jsonl", *rollouts)
    status, _, said = grade(data, samples, tmp_path / "graded.parquet")
    shown = f"2 prompts match no problem of the data set; the first is '0 Sort the list. {'x' * 63}'\n  hint: name"
    assert (status, shown in said) == (1, True)
    status, _, said = grade(data, write(samples, rollouts[0]), tmp_path / "graded.parquet")
    assert "the prompt matches no problem of the data set: '0 Sort the list. xxx" in said


def test_conditions_choose_the_problems_whose_samples_are_graded(tmp_path: Path) -> None:
    rows = [
        {"problem_id": i, "question": f"Double {i}.", "input_output": {"inputs": ["1"], "outputs": ["2"]},
         "solutions": [], "difficulty": level, "starter_code": ""}
        for i, level in enumerate(("easy", "hard", "hard"))
    ]  # fmt: skip
    data, out = write(tmp_path / "data.jsonl", *rows), tmp_path / "graded.parquet"
    samples = write(tmp_path / "samples.jsonl", *({"task_id": f"apps/{i}", "solution": "print(2)"} for i in (0, 1)))
    words = ("grade", "--dataset", "apps", "--data", data, "--samples", samples, "--out", out, "--sandbox", "process")
    status, printed, _ = run(*words, "--json", "--where", "difficulty=hard")
    counts = json.loads(printed)
    assert (status, counts["num_samples"], counts["missing"], counts["bad_rows"]) == (0, 1, ["apps/2"], [])
    assert [row["problem_id"] for row in pq.read_table(out).to_pylist()] == ["apps/1"]
    status, _, said = run(*words, "--where", "difficulty=medium,tough")
    assert (status, "no row meets the conditions\n  hint: values of difficulty are easy, hard" in said) == (1, True)
    write(samples, {"task_id": "apps/0", "solution": "print(2)"})
    status, _, said = run(*words, "--where", "difficulty=hard")
    assert (status, "no samples of problems that meet the conditions" in said) == (1, True)


def test_bad_rows_of_both_files_are_listed_and_all_others_are_graded(data: Path, tmp_path: Path) -> None:
    """A byte order mark is no part of a program, and numbers are ids."""
    with data.open("a") as file:
        file.write('{"problem_id": "own/1"}\n' + json.dumps(PROBLEM | {"problem_id": "own/2", "setup": "x"}) + "\n{\n")
    good = [{"task_id": 1, "code": f"\ufeff{RIGHT}"}, {"task_id": 2.0, "code": WRONG}, {"task_id": "2", "code": WRONG}]
    bad = [{"task_id": 0, "code": "#" * 1_000_001}, {"task_id": "b/7", "code": RIGHT}, {"task_id": [1], "code": RIGHT}]
    samples = write(tmp_path / "samples.jsonl", good[0], "7", *bad, *good[1:], '{"task_id": 1, "co')
    out = tmp_path / "graded.parquet"
    status, printed, said = grade(data, samples, out)
    counts = json.loads(printed)
    assert (status, counts["num_samples"], counts["num_passed"]) == (1, 3, 1)
    rows = [(row["problem_id"], row["sample_index"], row["passed"]) for row in pq.read_table(out).to_pylist()]
    assert rows == [("own/1", 0, True), ("own/2", 0, False), ("own/2", 1, False)]
    assert (counts["missing"], counts["num_repeated"]) == (["own/0"], 1)
    assert [place.rpartition(":")[2] for place, _ in counts["bad_rows"]] == ["2", "3", "4", "5", "8"]
    reasons = ("a row is a mapping", "1,000,001 characters", "unknown task id: b/7", "task_id: [1] is not", "not JSON")
    assert all(reason in text for reason, (_, text) in zip(reasons, counts["bad_rows"], strict=True))
    assert [place.rpartition(":")[2] for place, _ in counts["bad_problem_rows"]] == ["4", "5", "6"]
    assert "'own/2' is on line 3 too, with other tests" in counts["bad_problem_rows"][1][1]
    assert "5 rows of the samples were not graded" in said
    assert f"{samples}:3: program: 1,000,001 characters" in said


def test_a_file_whose_rows_are_all_bad_is_refused(data: Path, tmp_path: Path) -> None:
    samples = write(tmp_path / "samples.jsonl", {"task_id": 1}, "{")
    status, printed, said = grade(data, samples, tmp_path / "graded.parquet")
    assert (status, printed, f"{samples}:1: holds no program" in said) == (1, "", True)


def test_unreadable_and_unwritable_files_are_named(data: Path, tmp_path: Path) -> None:
    good = write(tmp_path / "good.jsonl", {"task_id": 1, "code": RIGHT})
    (tmp_path / "latin.jsonl").write_bytes(b'{"task_id": 1, "code": "\xe9"}\n')
    (tmp_path / "empty.jsonl").write_text("\n")
    for name, message in (("absent", "no such file"), ("latin", "utf-8"), ("empty", "no samples")):
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
    checked = open_samples(open_result_file(samples), StoredProblems(load_problems("custom", data)), {})

    def progress(done: int, total: int, unit: str) -> None:
        raise KeyboardInterrupt

    with ProcessSandbox(2) as sandbox, pytest.raises(KeyboardInterrupt):
        grade_samples(checked, sandbox, Limits(), tmp_path / "out.parquet", progress=progress)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.jsonl", "samples.jsonl"]


def test_a_sample_of_a_row_that_is_no_problem_is_explained(tmp_path: Path) -> None:
    rows = write(tmp_path / "d.jsonl", PROBLEM | {"problem_id": "a/1"}, {"problem_id": "a/2"})
    samples = write(tmp_path / "s.jsonl", {"task_id": "a/1", "code": RIGHT}, {"task_id": "a/2", "code": RIGHT})
    status, _, said = grade(rows, samples, tmp_path / "graded.parquet")
    assert status == 1
    assert "ids of this one look like 'a/1'; rows of it that are excluded, or no problems, have no samples" in said


def test_ids_that_are_ambiguous_match_whole_only(tmp_path: Path) -> None:
    ids = ("a/1", "b/1", "b/2")
    rows = write(tmp_path / "d.jsonl", *[PROBLEM | {"problem_id": i} for i in ids])
    problems = StoredProblems(load_problems("custom", rows))
    file = write(tmp_path / "s.jsonl", {"task_id": "b/1", "code": ""}, {"task_id": "2", "code": ""})
    assert [p.problem_id for p, _ in open_samples(open_result_file(file), problems, {}).programs()] == ["b/1", "b/2"]
    with pytest.raises(DataError, match="task id '1' is ambiguous: it may be a/1, b/1"):
        open_samples(open_result_file(write(tmp_path / "t.jsonl", {"task_id": "1", "code": ""})), problems, {})


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
    assert json.loads(printed) == {
        "num_problems": 3,
        "num_passed": 1,
        "failed": ["own/b"],
        "without_reference": ["own/c"],
        "bad_problems": [],
        "bad_rows": [],
        "findings": [],
    }
    assert "own/b: failed\n    assert add(0, 0) == 0" in said
    assert "own/c" in said
    assert "reference_solution" in said


def test_bad_rows_are_listed_with_hints_as_by_grade(tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", PROBLEM | {"problem_id": "own/1", "reference_solution": RIGHT}, "{")
    status, printed, said = run("problems", "check", "custom", "--data", data, "--sandbox", "process", "--json")
    (bad,) = json.loads(printed)["bad_rows"]
    assert (status, bad[0]) == (1, f"{data}:2")
    assert f"{bad[0]}: {bad[1]}\n  hint: write one JSON object per line\n1 row is not a problem" in said
    assert said.count(bad[0]) == 1


KNOWN_BAD = {
    "humanevalplus": {"humanevalplus/32"},
    "code_contests": {  # four read another form of input, one a line which the input lacks, four print other answers
        "code_contests/1056_d_decorate_apple_tree_1782",
        "code_contests/1118_f1_tree_cutting_easy_version_12195",
        "code_contests/1133_f1_spanning_tree_with_maximum_degree_10945",
        "code_contests/1176_e_cover_it_10635",
        "code_contests/1183_h_subsequences_hard_version_3870",
        "code_contests/1264_c_beautiful_mirrors_with_queries_6684",
        "code_contests/1324_f_maximum_white_subtree_3668",
        "code_contests/1337_e_kaavi_and_magic_spell_10539",
        "code_contests/1540_b_tree_array_3053",
    },
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "file", "limit"),
    [
        ("humanevalpack", "humanevalpack_python.jsonl", 164),
        ("humanevalplus", "humanevalplus_originfmt.jsonl.gz", 60),
        ("mbppplus", "mbppplus_originfmt.jsonl.gz", 120),
        ("code_contests", "codecontests_train300.jsonl", 45),
    ],
)
def test_references_of_the_real_sets_pass(name: str, file: str, limit: int) -> None:
    """A sample of each; `make golden` checks all."""
    words = ("--data", real_data(file), "--limit", limit, "--seed", 1, "--sandbox", "process", "--json")
    status, printed, _ = run("problems", "check", name, *words)
    found = json.loads(printed)
    assert found["num_problems"] == limit
    assert set(found["failed"]) <= KNOWN_BAD.get(name, set())
    assert status == bool(found["failed"])


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


def test_passes_by_the_word_of_a_programs_own_objects_are_counted(data: Path, tmp_path: Path) -> None:
    own = (
        "class A:\n    def __init__(self, v):\n        self.v = v\n"
        "    def __eq__(self, other):\n        return self.v == other\n"
        "def add(a, b):\n    return A(a + b)"
    )
    samples = write(tmp_path / "samples.jsonl", {"task_id": "own/1", "solution": own})
    status, printed, said = grade(data, samples, tmp_path / "graded.parquet")
    counts = json.loads(printed.splitlines()[-1])
    assert (status, counts["num_passed"], counts["num_delegated"]) == (0, 1, 1), counts
    assert "1 of these relies on comparisons by the program's own objects" in said


def test_programs_are_taken_from_whole_answers(data: Path, tmp_path: Path) -> None:
    draft, program = "def add(a, b): return 0", "def add(a, b):\n    return a + b"
    fenced = f"<think>\n```python\n{draft}\n```\n</think>\nHere it is:\n\n```python\n{program}\n```\nDone."
    answers = [{"task_id": "own/1", "solution": text} for text in (fenced, "I do not know.")]
    samples, out = write(tmp_path / "samples.jsonl", *answers), tmp_path / "graded.parquet"
    status, _, _ = run(
        "grade", "--dataset", "custom", "--data", data, "--samples", samples, "--out", out,
        "--sandbox", "process", "--extract",
    )  # fmt: skip
    rows = pq.read_table(out).to_pylist()
    assert (status, [row["status"] for row in rows]) == (0, ["passed", "no_code"])
    assert [row["rule"] for row in rows] == ["block", "none"]
