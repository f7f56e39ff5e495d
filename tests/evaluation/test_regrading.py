"""`mucode grade` of other tools' files, with and without --regrade."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from mucode_flows.cli.main import app
from typer.testing import CliRunner

from mucode_core.evaluation.regrading import ChangedVerdict
from mucode_core.store.schemas import from_table
from tests.evaluation.test_grade_samples import PROBLEM, RIGHT, WRONG
from tests.support.result_rows import verifiers_row, verl_row, write_json, write_lines

STATEMENTS = ("Return the sum of both numbers that are given.", "Return the first of both numbers plus the second one.")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = [PROBLEM | {"problem_id": f"own/{i}", "prompt": text} for i, text in enumerate(STATEMENTS)]
    return write_lines(tmp_path / "data.jsonl", rows)


def grade(tmp_path: Path, data: Path, samples: Path, *words: str) -> tuple[int, str, str]:
    fixed = ["--dataset", "custom", "--data", data, "--samples", samples, "--out", tmp_path / "g.parquet"]
    options = ["--sandbox", "process", "--workers", 1, "--json", *words]
    done = CliRunner().invoke(app, [str(word) for word in ("grade", *fixed, *options)])
    return done.exit_code, done.stdout, done.stderr + str(done.exception or "")


def test_changed_verdicts_are_listed_with_their_reason(tmp_path: Path, data: Path) -> None:
    entries: list[dict[str, Any]] = [
        {"question_id": "own/0", "code_list": [RIGHT, WRONG], "graded_list": [False, False]},
        {"question_id": "own/1", "code_list": [WRONG, RIGHT], "graded_list": [True, True]},
    ]
    entries[0]["metadata"] = ['{"error": "Timeout"}', "{}"]
    status, printed, said = grade(tmp_path, data, write_json(tmp_path / "r.json", entries), "--regrade")
    assert status == 0
    assert "LiveCodeBench results" in said
    assert "2 of 4 verdicts change" in said
    changes = tmp_path / "g.changes.parquet"
    expected = {
        "num_compared": 4,
        "num_without_verdict": 0,
        "fail_to_pass": 1,
        "pass_to_fail": 1,
        "changes": str(changes),
    }
    assert json.loads(printed.splitlines()[-1])["regraded"] == expected
    first, second = from_table(pq.read_table(changes), ChangedVerdict)
    assert (first.problem_id, first.sample_index, first.passed_there, first.passed_here) == ("own/0", 0, False, True)
    assert first.reason == "Timeout"
    assert (second.problem_id, second.sample_index, second.status, second.num_passed) == ("own/1", 0, "failed", 1)
    assert second.reason.startswith("assert add(1, 2) == 3")
    assert second.location == f"{tmp_path / 'r.json'}: [1].code_list[0]"


def test_a_file_without_verdicts_cannot_be_compared(tmp_path: Path, data: Path) -> None:
    samples = write_lines(tmp_path / "s.jsonl", [{"task_id": 0, "solution": RIGHT}])
    status, _, said = grade(tmp_path, data, samples, "--regrade")
    assert status == 1
    assert "EvalPlus samples without verdicts" in said
    assert not list(tmp_path.glob("*.parquet"))


ANSWER = f"Let me think.\n```python\n{RIGHT}\n```"


@pytest.mark.parametrize(
    "rows",
    [
        [verl_row(f"<|user|>\n{text}\n<|assistant|>", ANSWER, 1.0) for text in STATEMENTS],
        [verifiers_row(i, text, ANSWER, 1.0) for i, text in enumerate(STATEMENTS)],
    ],
)
def test_rows_without_an_id_are_found_by_their_prompt(tmp_path: Path, data: Path, rows: list[dict[str, Any]]) -> None:
    status, printed, _ = grade(tmp_path, data, write_lines(tmp_path / "1.jsonl", rows), "--regrade")
    assert status == 0
    counts = json.loads(printed.splitlines()[-1])
    assert (counts["num_samples"], counts["num_passed"], counts["regraded"]["num_compared"]) == (2, 2, 2)


def test_a_prompt_of_no_problem_is_named(tmp_path: Path, data: Path) -> None:
    rows = [verl_row("Sort a list of words by how often they occur in it.", ANSWER, 1.0)]
    status, _, said = grade(tmp_path, data, write_lines(tmp_path / "1.jsonl", rows))
    assert status == 1
    assert "the prompt matches no problem of the data set: 'Sort a list of words by how often they occur" in said


def test_synthetic_problems_are_those_of_a_run(tmp_path: Path) -> None:
    from mucode_core.problems.generated import generate

    config = tmp_path / "config.yaml"
    config.write_text(
        "run: {name: r, seed: 7}\ngenerator: {model: bootstrap}\n"
        "problems: {dataset: synthetic, num_train: 3, num_validation: 2, num_test: 2}\n"
    )
    problems = generate(config)
    assert len(problems) == 7
    rows = [{"task_id": p.problem_id, "solution": p.reference_solution} for p in problems]
    samples = write_lines(tmp_path / "s.jsonl", rows)
    words = ["--dataset", "synthetic", "--data", config, "--samples", samples, "--out", tmp_path / "g.parquet"]
    done = CliRunner().invoke(
        app, [str(w) for w in ("grade", *words, "--sandbox", "process", "--workers", 1, "--json")]
    )
    assert done.exit_code == 0
    assert json.loads(done.stdout.splitlines()[-1])["num_passed"] == 7
