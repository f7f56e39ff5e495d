"""What two data sets have in common."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mucode_flows.cli.main import app
from typer.testing import CliRunner

from mucode_core.errors import ConfigError
from mucode_core.problems.overlap.matching import Match, Source, find_overlap, find_source
from tests.evaluation.test_grade_samples import PROBLEM
from tests.support.result_rows import write_lines

LONG = "Given a list of whole numbers return how many of its items are larger than the mean of all of them together"


def rows(**changes: dict[str, Any]) -> list[dict[str, Any]]:
    """By id, a problem that has nothing in common with others but for what is given."""
    return [
        PROBLEM
        | {
            "problem_id": name,
            "prompt": f"Only {name}.",
            "public_tests": [f"assert add('{name}', 1) == 0"],
            "private_tests": [f"assert add('{name}', 2) == 0"],
            "reference_solution": f"def add(a, b): return '{name}'",
        }
        | changed
        for name, changed in changes.items()
    ]


def compare(tmp_path: Path, first: list[dict[str, Any]], second: list[dict[str, Any]], **how: Any) -> list[Match]:
    paths = [write_lines(tmp_path / f"{i}.jsonl", each) for i, each in enumerate((first, second))]
    return find_overlap(Source("custom", paths[0]), Source("custom", paths[1]), **how).matches


def test_prompts_match_without_case_and_punctuation(tmp_path: Path) -> None:
    found = compare(tmp_path, rows(a={"prompt": "Add  TWO numbers!"}), rows(b={"prompt": "add two numbers"}, c={}))
    assert found == [Match("a", "b", "prompt", 1, 1.0)]


def test_prompts_match_by_their_13_grams(tmp_path: Path) -> None:
    words = LONG.split()  # 22 words: 10 sequences of 13
    first = rows(a={"prompt": f"You are a programmer. {LONG}. Use Python."})
    assert compare(tmp_path, first, rows(b={"prompt": LONG})) == [Match("a", "b", "13-grams", 10, 1.0)]
    half = f"{' '.join(words[:17])} but nothing else at all"  # 5 of its 10 sequences
    assert compare(tmp_path, first, rows(b={"prompt": half})) == [Match("a", "b", "13-grams", 5, 0.5)]
    assert compare(tmp_path, first, rows(b={"prompt": half}), min_share=0.6) == []


def test_sequences_of_many_problems_are_boilerplate(tmp_path: Path) -> None:
    many = rows(**{f"b{i}": {"prompt": f"{LONG} {i}"} for i in range(11)})
    assert compare(tmp_path, rows(a={"prompt": f"{LONG} x"}), many) == []


def test_solutions_match_whatever_their_names_and_comments(tmp_path: Path) -> None:
    one = "def add(first, second):\n    # adds\n    total = first + second\n    return total"
    other = "def plus(x: int, y: int) -> int:\n    '''Adds.'''\n    z = x + y\n    return z"
    different = "def plus(x, y):\n    z = x - y\n    return z"
    second = rows(b={"reference_solution": other}, c={"reference_solution": different})
    assert compare(tmp_path, rows(a={"reference_solution": one}), second) == [Match("a", "b", "solution", 1, 1.0)]


def test_tests_match_whatever_the_function_is_called(tmp_path: Path) -> None:
    second = rows(
        b={
            "entry_point": "plus",
            "reference_solution": None,
            "public_tests": ["assert plus( 1,2 )==3"],
            "private_tests": ["def check(candidate):\n  assert candidate(0, 0) == 0\n  assert candidate(9, 9) == 18"],
        }
    )
    first = rows(a={"public_tests": PROBLEM["public_tests"], "private_tests": PROBLEM["private_tests"]})
    (found,) = compare(tmp_path, first, second)
    assert found == Match("a", "b", "tests", 2, pytest.approx(2 / 3))


def test_a_data_set_against_itself(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", rows(a={}, b={}, c={"prompt": "Only a."}))
    source = Source("custom", path)
    assert find_overlap(source, source).matches == [Match("a", "c", "prompt", 1, 1.0)]


def test_a_data_set_without_repetitions_says_what_was_compared(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", rows(a={}, b={}))
    other = write_lines(tmp_path / "b.jsonl", rows(c={}))
    done = CliRunner().invoke(app, ["problems", "overlap", str(path), f"custom={path}"])
    assert done.stderr.endswith("none within one data set; a problem does not match itself\n")
    done = CliRunner().invoke(app, ["problems", "overlap", str(path), str(other)])
    assert done.stderr.endswith(f" are in {other}: none\n")


def test_the_command(tmp_path: Path) -> None:
    first = write_lines(tmp_path / "a.jsonl", rows(a={}, b={}))
    second = write_lines(tmp_path / "b.jsonl", [*rows(b={}), {"problem_id": "bad"}])
    words = ["problems", "overlap", f"custom={first}", f"custom={second}", "--json", "--cutoff", "2023-12-01"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1  # a row is no problem
    assert f"{second}:2" in done.stderr
    assert f"1 row is not a problem and was not compared: custom={second}" in done.stderr
    found = json.loads(done.stdout)
    assert found["num_matched"] == {"prompt": 1, "any": 1, "solution": 1, "tests": 1}
    assert (found["first"]["num_problems"], found["first"]["num_undated"]) == (2, 2)


def test_rows_that_have_no_programs_are_counted(tmp_path: Path) -> None:
    information = json.dumps({"test_cases": [{"type": "stdin_stdout", "input": "1", "output": "2"}]})
    code = {"problem_id": 1, "prompt": "Double it.", "verification_info": information}
    answer = {"prompt": "1 + 1?", "verification_info": '{"ground_truth": "2"}', "task_type": "verifiable_math"}
    path = write_lines(tmp_path / "prime.jsonl", [answer, code, answer])
    done = CliRunner().invoke(app, ["problems", "overlap", str(path), str(path), "--json"])
    said = "2 rows of other tasks (task_type verifiable_math) skipped"
    assert done.stderr.count(f"{path}: excluded: {said}") == 2  # of either data set
    found = json.loads(done.stdout)
    assert (done.exit_code, found["first"]["num_problems"], found["first"]["bad_rows"]) == (0, 1, [])


def test_rows_that_share_an_id_are_all_compared(tmp_path: Path) -> None:
    """Splits that both count from 0, in one file."""
    first = [*rows(a={}), *rows(a={"prompt": "Add  TWO numbers!"})]
    assert compare(tmp_path, first, rows(b={"prompt": "add two numbers"}, c={})) == [Match("a", "b", "prompt", 1, 1.0)]


def test_a_row_of_another_form_is_named(tmp_path: Path) -> None:
    odd = {"question": "Do.", "solutions": [], "input_output": {"inputs": ["1"], "outputs": ["2"]}}
    path = write_lines(tmp_path / "a.jsonl", [*rows(a={}), odd])
    (bad,) = find_overlap(find_source(str(path), tmp_path), Source("custom", path)).first.bad_rows
    assert "the row is of apps" in bad


def test_conditions_choose_rows_of_the_first(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"solutions": [], "input_output": {"inputs": ["1"], "outputs": ["2"]}}
    levels = ("easy", "hard", "hard")
    given = [{"problem_id": i, "question": f"Do {i}.", "difficulty": one} | fields for i, one in enumerate(levels)]
    first = write_lines(tmp_path / "a.jsonl", given)
    second = write_lines(tmp_path / "b.jsonl", given[:2])
    words = ["problems", "overlap", f"apps={first}", f"apps={second}", "--json"]
    done = CliRunner().invoke(app, [*words, "--where", "difficulty=hard"])
    found = json.loads(done.stdout)
    assert (done.exit_code, found["first"]["num_problems"], found["second"]["num_problems"]) == (0, 2, 2)
    assert found["num_matched"]["prompt"] == 1
    done = CliRunner().invoke(app, [*words, "--where", "difficulty=tough"])
    assert "values of difficulty are easy, hard" in f"{done.stderr} {done.exception}"


def test_problems_are_counted_by_date(tmp_path: Path) -> None:
    def row(number: int, date: str) -> dict[str, Any]:
        return {
            "question_title": "t",
            "question_content": f"Print {number}.",
            "platform": "atcoder",
            "question_id": f"q{number}",
            "contest_id": "c",
            "contest_date": f"{date}T00:00:00",
            "starter_code": "",
            "difficulty": "easy",
            "public_test_cases": json.dumps([{"input": "1", "output": f"{number}", "testtype": "stdin"}]),
            "private_test_cases": json.dumps([{"input": "2", "output": f"{number}", "testtype": "stdin"}]),
            "metadata": "{}",
        }

    pytest.importorskip("mucode_core.problems.readers.livecodebench")
    dates = ("2023-11-30", "2023-12-01", "2024-05-01")
    path = write_lines(tmp_path / "l.jsonl", [row(i, date) for i, date in enumerate(dates)])
    source = Source("livecodebench", path)
    side = find_overlap(source, source, cutoff="2023-12-01").first
    assert (side.num_before, side.num_after, side.num_undated) == (1, 2, 0)


def test_sources_are_files_or_names(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", rows(a={}))
    assert find_source(str(path), tmp_path) == Source("auto", path)
    assert find_source(f"mbpp={path}", tmp_path) == Source("mbpp", path)
    for text in ("nothing", "mbpp=absent.jsonl", f"nothing={path}"):
        with pytest.raises(ConfigError, match="is neither a file nor a data set"):
            find_source(text, tmp_path)


def test_a_date_that_is_none_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["problems", "overlap", "a", "b", "--cutoff", "2023-13-01"])
    assert "'2023-13-01' is not a date" in str(done.exception)
