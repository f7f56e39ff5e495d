"""`mucode compare` of result files: figures by hand, and by scipy."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mucode_flows.cli.main import app
from typer.testing import CliRunner

from mucode_core.errors import ConfigError
from mucode_core.evaluation.comparison import compare_all, restrict_to_common
from mucode_core.evaluation.metrics import Resampling, holm, problems_needed
from mucode_core.evaluation.outcomes import write_outcomes
from mucode_core.runs.compared_files import SAMPLES, name_sides, read_tables
from tests.evaluation.test_comparison import outcomes
from tests.support.result_rows import evalplus_results, lm_eval_row, verl_row, write_json, write_lines

HOW = Resampling(2000, 0)


def evalplus(path: Path, passed: list[int], prefix: str = "HumanEval") -> Path:
    status = {f"{prefix}/{i}": [("pass", "pass" if one else "fail")] for i, one in enumerate(passed)}
    return evalplus_results(path, status)


def run(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["compare", *map(str, words)])
    return done.exit_code, done.stdout, done.stderr + str(done.exception or "")


A, B, C = [1] * 6 + [0] * 6, [1] * 4 + [0] + [1] * 7, [0] * 11 + [1]


def test_two_files_have_the_figures_of_hand_computation_and_scipy(tmp_path: Path) -> None:
    stats = pytest.importorskip("scipy.stats")
    first, second = evalplus(tmp_path / "a.json", A), evalplus(tmp_path / "b.json", B)
    status, printed, said = run(first, second, "--json", "--points", 10)
    assert status == 0
    assert f"{first}: EvalPlus results" in said
    (figure,) = json.loads(printed)["figures"]
    assert (figure["first"], figure["second"], figure["num_problems"]) == (50, 91.67, 12)
    assert (figure["only_first"], figure["only_second"]) == (1, 6)
    assert figure["p_value"] == pytest.approx(stats.binomtest(1, 7).pvalue) == pytest.approx(16 / 128)
    assert figure["p_adjusted"] is None
    difference = np.array(B) - np.array(A)
    theirs = stats.bootstrap(
        (100 * difference,), np.mean, n_resamples=20000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    assert figure["difference"]["value"] == pytest.approx(500 / 12)
    assert figure["difference"]["low"] == pytest.approx(theirs.low, abs=100 / 12)  # one problem is the grid
    assert figure["difference"]["high"] == pytest.approx(theirs.high, abs=100 / 12)
    a, b = stats.norm.ppf(0.975), stats.norm.ppf(0.8)
    expected = ((a * (7 / 12) ** 0.5 + b * (7 / 12 - 0.01) ** 0.5) / 0.1) ** 2
    assert figure["num_needed"] == int(np.ceil(expected)) == 456


def test_more_than_two_are_corrected(tmp_path: Path) -> None:
    paths = [evalplus(tmp_path / f"{name}.json", passed) for name, passed in (("a", A), ("b", B), ("c", C))]
    status, printed, _ = run(*paths, "--json")
    assert status == 0
    figures = json.loads(printed)["figures"]
    assert [one["names"] for one in figures] == [["a.json", "b.json"], ["a.json", "c.json"], ["b.json", "c.json"]]
    values = [2 * 8 / 2**7, 2 * 8 / 2**7, 2 / 2**10]  # 1 and 6 problems, 6 and 1, 10 and 0
    assert [one["p_value"] for one in figures] == pytest.approx(values)
    assert [one["p_adjusted"] for one in figures] == pytest.approx([2 * values[0], 2 * values[0], 3 * values[2]])


def test_tools_that_spell_ids_differently_are_compared(tmp_path: Path) -> None:
    ours = [lm_eval_row(i, "x", passes=one) for i, one in enumerate(B)]
    sides = read_tables(
        {"a": evalplus(tmp_path / "a.json", A), "b": write_lines(tmp_path / "b.jsonl", ours)}, None, lambda _: None
    )
    (pair,) = compare_all(sides, HOW)
    assert (pair.comparison.only_first, pair.comparison.only_second) == (1, 6)


def test_problems_of_one_file_only_are_refused_or_omitted(tmp_path: Path) -> None:
    first, second = evalplus(tmp_path / "a.json", A), evalplus(tmp_path / "b.json", B[:8])
    status, _, said = run(first, second)
    assert status == 1
    assert "4 problems are in one run only, 'HumanEval/10' first" in said
    assert "--common" in said
    status, printed, _ = run(first, second, "--common", "--json")
    assert status == 0
    assert json.loads(printed)["figures"][0]["num_problems"] == 8
    status, _, said = run(first, evalplus(tmp_path / "c.json", A, "Mbpp/x"), "--common")
    assert status == 0  # the same numbers
    other = write_lines(tmp_path / "d.jsonl", [verl_row("Write f.", "x", 1.0)])
    assert f"{other}: its rows have no ids, but those of {first} have" in run(first, other, "--common")[2]
    another = write_lines(tmp_path / "e.jsonl", [verl_row("Write g.", "x", 1.0)])
    assert "no problems in common" in run(other, another, "--common")[2]


def test_rows_without_a_verdict_are_listed_and_the_others_compared(tmp_path: Path) -> None:
    first = write_lines(tmp_path / "a.jsonl", [lm_eval_row(i, "x", passes=one) for i, one in enumerate(A)])
    second = write_lines(tmp_path / "b.jsonl", [lm_eval_row(i, "x", passes=one) for i, one in enumerate(B)])
    second.write_text(second.read_text()[:-20])  # the last line is cut
    status, printed, said = run(first, second, "--common", "--json")
    shown = json.loads(printed)
    assert (status, shown["figures"][0]["num_problems"]) == (1, 11)
    assert [place for place, _ in shown["bad_rows"]] == [f"{second}:12"]
    assert f"{second}:12: not JSON" in said
    assert "1 row was not compared" in said
    assert "11 problems" in said and "last turn" not in said
    assert "--common" in run(first, second)[2]
    status, printed, said = run(first, second, "--common", "--stop")
    assert (status, printed, f"{second}:12: not JSON" in said) == (1, "", True)


def test_several_samples_are_averaged_and_have_no_mcnemar_test(tmp_path: Path) -> None:
    first = evalplus_results(tmp_path / "a.json", {"p/1": [("pass", None), ("fail", None)], "p/2": [("pass", None)]})
    second = evalplus_results(tmp_path / "b.json", {"p/1": [("pass", None)], "p/2": [("pass", None)]})
    sides = read_tables({"a": first, "b": second}, None, lambda _: None)
    (pair,) = compare_all(sides, HOW)
    assert (pair.comparison.first, pair.comparison.second, pair.comparison.p_value) == (75, 100, None)


def test_partial_scores_have_no_mcnemar_test(tmp_path: Path) -> None:
    rows = [[verl_row(f"p{i}", "x", score) for i, score in enumerate(scores)] for scores in ((0.5, 1), (1, 1))]
    paths = {str(i): write_lines(tmp_path / f"{i}.jsonl", one) for i, one in enumerate(rows)}
    (pair,) = compare_all(read_tables(paths, None, lambda _: None), HOW)
    assert (pair.comparison.first, pair.comparison.p_value) == (75, None)


def test_runs_are_compared_as_before(tmp_path: Path) -> None:
    for name, correct in (("a", [1, 0, 0]), ("b", [1, 1, 1])):
        (tmp_path / name).mkdir()
        write_outcomes(outcomes(correct), tmp_path / name)
    status, printed, _ = run(tmp_path / "a", tmp_path / "b", "--json")
    assert status == 0
    found = json.loads(printed)
    assert (found["first"], found["second"]) == (str(tmp_path / "a"), str(tmp_path / "b"))
    assert (found["figures"][0]["decoding"], found["figures"][0]["only_second"]) == ("greedy", 2)
    status, _, said = run(tmp_path / "a", evalplus(tmp_path / "c.json", A))
    assert "no decoding strategy in common (a: greedy | c.json: samples)" in said


def test_what_cannot_be_compared_is_named(tmp_path: Path) -> None:
    output = write_json(tmp_path / "o.json", [{"question_id": 1, "code_list": ["x"]}])
    results = evalplus(tmp_path / "a.json", A)
    assert "o.json: [0].code_list[0]: has no verdict" in run(output, results)[2]
    assert "no such file or directory" in run(tmp_path / "absent", results)[2]
    assert "is named twice" in run(results, results)[2]
    assert "names only one result" in run(results)[2]


def test_names_have_as_many_folders_as_tell_them_apart() -> None:
    assert name_sides([Path("/a/x/s.json"), Path("/b/x/s.json")]) == ["a/x/s.json", "b/x/s.json"]
    assert name_sides([Path("/a/x"), Path("/a/y")]) == ["x", "y"]
    with pytest.raises(ConfigError, match="is named twice"):
        name_sides([Path("/a/x"), Path("/a/../a/x")])


def test_common_problems_keep_their_rows(tmp_path: Path) -> None:
    sides = read_tables(
        {"a": evalplus(tmp_path / "a.json", [1, 0, 1]), "b": evalplus(tmp_path / "b.json", [0, 1])},
        None,
        lambda _: None,
    )
    table = restrict_to_common(sides)["a"][SAMPLES]
    assert table.problem_ids == ("HumanEval/0", "HumanEval/1")
    assert table.correct.ravel().tolist() == [1, 0]


def test_holm_is_a_step_down_procedure() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])  # 0.03 * 2 is above 0.04 * 1
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_number_of_problems_needed_follows_the_observed_spread() -> None:
    few, many = np.array([1, -1] + [0] * 18, float), np.array([1, -1] * 10, float)
    assert problems_needed(few, 0.05) == 312  # ((1.95996 * sqrt(0.1) + 0.84162 * sqrt(0.0975)) / 0.05)^2 = 311.6
    assert problems_needed(many, 0.05) == 3138
    assert problems_needed(np.zeros(5), 0.05) == problems_needed(few / 2 * 0, 0.05)  # at least d of the problems differ
    assert problems_needed(np.array([0.5, -0.5]), 0.05) == 783
