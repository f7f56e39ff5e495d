"""The table of reference solutions: which files it is made of, and what it says."""

from __future__ import annotations

from pathlib import Path

from benchmarks.golden import BEGIN, END, describe, find_files, write_table
from mucode_core.errors import DataError
from mucode_core.evaluation.check_problems import FailedReference, ProblemsCheck
from mucode_core.problems.suite_checks import Finding


def test_files_are_found_under_the_data_sets_name_or_the_publishers(tmp_path: Path) -> None:
    (tmp_path / "taco").mkdir()
    for name in ("apps.jsonl.gz", "codecontests_train300.jsonl", "other.jsonl"):
        (tmp_path / name).touch()
    found = find_files(tmp_path)
    assert {name: path.name for name, path in found.items()} == {
        "apps": "apps.jsonl.gz",
        "code_contests": "codecontests_train300.jsonl",
        "taco": "taco",
    }


def test_a_line_counts_every_row_once_and_each_failure_has_a_reason() -> None:
    check = ProblemsCheck(
        num_checked=5,
        failures=[FailedReference("p/1", "failed", "assert f(`1`)\n  got 1\n"), FailedReference("p/2", "timeout", "")],
        without_reference=["p/3"],
        bad_rows=[DataError("no tests", location="a:1")],
        findings=[Finding("a:2", "excluded: interactive"), Finding("p/2", "the statement allows several answers")],
    )
    line, reasons = describe("apps", Path("x/apps.jsonl"), check)
    assert line == "| `apps` (apps.jsonl) | 8 | 1 | 1 | 1 | 5 | 3 |"
    assert reasons == ["- p/1: failed `got 1`", "- p/2: timeout; the statement allows several answers"]


def test_only_what_stands_between_the_marks_is_replaced(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(f"before\n{BEGIN}\nstale\n{END}\nafter\n")
    for _ in range(2):
        write_table(document, ["| a |"], ["- p: failed"])
    text = document.read_text()
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "stale" not in text
    assert text.count("| a |") == text.count("- p: failed") == 1
