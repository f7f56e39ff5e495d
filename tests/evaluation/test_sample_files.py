"""Sample files: the task ids they may use, and grades that are written as they come."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mucode_core.errors import DataError, SandboxError
from mucode_core.evaluation.result_files.forms import open_result_file
from mucode_core.evaluation.sample_files import SampleFile, grade_samples, open_samples
from mucode_core.problems.stored import StoredProblems
from mucode_core.sandbox.base import Job, Limits, Verdicts
from tests.conftest import make_problem
from tests.sandbox.test_grading import ScriptedSandbox


def open_ids(tmp_path: Path, dataset: str, problem_id: str, *task_ids: str | int) -> SampleFile:
    path = tmp_path / "s.jsonl"
    path.write_text("\n".join(json.dumps({"task_id": i, "code": "right"}) for i in task_ids))
    return open_samples(open_result_file(path), StoredProblems([make_problem(problem_id, dataset=dataset)]), {})


@pytest.mark.parametrize(
    ("dataset", "problem_id", "task_ids"),
    [
        ("humanevalplus", "humanevalplus/3", ["HumanEval/3", "humaneval/3", "HumanEvalPlus/3", "Python/3", "3", 3]),
        ("humanevalpack", "humanevalpack/3", ["Python/3", "HumanEval/3", 3]),
        ("mbpp", "mbpp/3", ["Mbpp/3", "MBPP/3", "mbpp/3", 3]),
        ("mbppplus", "mbppplus/3", ["Mbpp/3", "mbppplus/3", "3"]),
        ("custom", "a/b/3", ["a/b/3", "A/B/3", 3]),
        ("code_contests", "code_contests/1_a", ["code_contests/1_a", "1_a"]),
        ("codeforces", "codeforces/1500/A", ["codeforces/1500/A", "1500/A", "1500/a", "A"]),
    ],
)
def test_task_ids_match_in_the_forms_of_sample_files(
    tmp_path: Path, dataset: str, problem_id: str, task_ids: list[str | int]
) -> None:
    read = open_ids(tmp_path, dataset, problem_id, *task_ids)
    assert [problem.problem_id for problem, _ in read.programs()] == [problem_id] * len(task_ids)


@pytest.mark.parametrize("task_id", ["Mbpp/3", "HumanEval/5", "x/HumanEval/3", "HumanEval/03", -3, "", "/"])
def test_ids_of_other_sets_are_unknown(tmp_path: Path, task_id: str | int) -> None:
    """Else the samples of one set would be graded, wrong, against another's problems."""
    with pytest.raises(DataError, match="unknown task id"):
        open_ids(tmp_path, "humanevalplus", "humanevalplus/3", task_id)


def test_all_unknown_ids_are_counted_and_ten_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"15 unknown task ids: 200, 201, .*209, \.\.\.") as caught:
        open_ids(tmp_path, "mbpp", "mbpp/3", 3, *range(200, 215), 200)
    assert caught.value.location.endswith("s.jsonl:2")
    assert "'mbpp/3'" in caught.value.hint


def test_samples_may_be_one_array(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text(json.dumps([{"task_id": "mbpp/3", "code": "right"}, 5, {"task_id": 3, "code": "wrong"}], indent=1))
    source = open_result_file(path)
    problems = StoredProblems([make_problem("mbpp/3", dataset="mbpp")])
    found = open_samples(source, problems, {}, keep_going=True)
    assert (source.form, [code for _, code in found.programs()]) == ("EvalPlus samples", ["right", "wrong"])
    assert [error.location for error in found.bad_rows] == [f"{path}: [1]"]


def test_rows_without_ids_match_by_their_prompt(tmp_path: Path) -> None:
    prompts = {"a/1": "Add two numbers.", "b/1": "Sort.", "c/1": "sort", "d/2": "Sort the numbers and add two numbers."}
    problems = StoredProblems([make_problem(key, prompt=text) for key, text in prompts.items()])
    rows = [("add two numbers", "x"), (prompts["d/2"], "y"), ("Sort", "z"), ("Print nothing.", "")]
    path = tmp_path / "s.jsonl"
    path.write_text("\n".join(json.dumps({"prompt": prompt, "completion": code}) for prompt, code in rows))
    found = open_samples(open_result_file(path), problems, {}, keep_going=True)
    assert [(problem.problem_id, code) for problem, code in found.programs()] == [("a/1", "x"), ("d/2", "y")]
    ambiguous, unknown = found.bad_rows
    assert str(ambiguous).startswith(
        f"{path}:3: the prompt 'Sort' is ambiguous: it may be b/1, c/1\n  hint: write the whole"
    )
    assert "the prompt matches no problem" in str(unknown)


def test_rows_are_written_as_they_come(tmp_path: Path) -> None:
    out, done_at = tmp_path / "g.parquet", list[int]()
    samples = open_ids(tmp_path, "mbpp", "mbpp/3", *[3] * 2500)

    def progress(done: int, total: int, unit: str) -> None:
        done_at.append(done)
        assert not out.exists()

    grade_samples(samples, ScriptedSandbox(ahead=8), Limits(), out, progress=progress)
    assert done_at == [1000, 2000, 2500]
    assert pq.ParquetFile(out).metadata.num_row_groups == 3


class BreakingSandbox(ScriptedSandbox):
    def run(self, jobs: Iterable[Job]) -> Iterator[Verdicts]:
        for count, verdicts in enumerate(super().run(jobs)):
            if count == 1500:
                raise SandboxError("no judge", location="sandbox")
            yield verdicts


def test_a_failure_leaves_the_former_file_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "out" / "g.parquet"
    out.parent.mkdir()
    out.write_text("former")
    with pytest.raises(SandboxError):
        grade_samples(open_ids(tmp_path, "mbpp", "mbpp/3", *[3] * 2000), BreakingSandbox(), Limits(), out)
    assert [path.name for path in out.parent.iterdir()] == ["g.parquet"]
    assert out.read_text() == "former"
