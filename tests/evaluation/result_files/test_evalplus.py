import re
from pathlib import Path

import pytest

from mucode_core.evaluation.result_files.evalplus import read_results
from mucode_core.evaluation.result_files.forms import open_result_file
from tests.support.result_rows import error_of, evalplus_results, samples_of, write_json


def test_a_pass_is_one_on_base_and_plus_tests(tmp_path: Path) -> None:
    statuses = [("pass", "pass"), ("pass", "fail"), ("fail", "fail"), ("pass", None), ("timeout", "timeout")]
    found = samples_of(read_results(evalplus_results(tmp_path / "r.json", {"HumanEval/0": statuses})))
    assert [row.passed for row in found] == [True, False, False, True, False]
    assert [row.remark for row in found][1:3] == ["base pass; plus fail", "base fail; plus fail; 1 base input fails"]
    assert found[1].location == f"{tmp_path / 'r.json'}: eval['HumanEval/0'][1]"


def test_what_the_release_cannot_judge_is_said(tmp_path: Path) -> None:
    found = samples_of(read_results(evalplus_results(tmp_path / "r.json", {"HumanEval/32": [("fail", "fail")]})))
    assert "its own reference included" in found[0].remark


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base_status": "succeeded"}, "base_status: 'succeeded' is not pass, fail or timeout"),
        ({"base_status": None}, "base_status: None is not str"),
        ({"solution": 5}, "solution: 5 is not str"),
    ],
)
def test_an_entry_of_another_shape_is_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    sample = {"task_id": "Mbpp/2", "solution": "x", "base_status": "pass", "plus_status": "pass"}
    path = write_json(tmp_path / "r.json", {"eval": {"Mbpp/2": [sample, sample | change]}})
    error = error_of(read_results(path))
    assert re.search(message, error.problem)
    assert error.location == f"{path}: eval['Mbpp/2'][1]"


def test_a_task_without_a_list_of_samples_is_named(tmp_path: Path) -> None:
    sample = {"task_id": "Mbpp/2", "solution": "x", "base_status": "pass"}
    path = write_json(tmp_path / "r.json", {"eval": {"Mbpp/2": [sample], "Mbpp/3": {"nfiles": 1}}})
    error = error_of(open_result_file(path).rows())
    assert error.location == f"{path}: eval['Mbpp/3'][0]"
