"""Checkpoints of a finished run, evaluated again: Best-of-N, pass@k, comparison."""

import json
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from mucode_core.evaluation.metrics import pass_at_k
from mucode_core.evaluation.run_record import StageGroup
from tests.conftest import REPO
from tests.flows.conftest import SMALL, environment
from tests.support.exports import export_and_grade

pytestmark = pytest.mark.slow


def mucode(out, *arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "mucode_flows.cli", *map(str, arguments)],
        env=environment(out), capture_output=True, text=True, timeout=1800, check=False, cwd=REPO,
    )  # fmt: skip
    assert done.returncode == code, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1]) if code == 0 else done.stderr


def evaluate(run_dir, out, *options, generator="final", code=0):
    """By the run's own configuration: the same problems, seed and lengths."""
    models = run_dir / "models"
    return mucode(
        out, "evaluate", run_dir / "config.yaml", "--generator", models / generator, "--out", out, "--json", *options,
        code=code,
    )  # fmt: skip


@pytest.fixture(scope="module")
def searched(undisturbed, tmp_path_factory):
    run_dir, result = undisturbed
    out = tmp_path_factory.mktemp("searched") / "out"
    return run_dir, result, out, evaluate(run_dir, out, "--verifier", run_dir / "models" / "verifier", "-n", "1,3,5")


def test_a_checkpoint_does_again_what_it_did_in_its_run(searched):
    _, run_result, out, result = searched
    found = {(f["decoding"], f["num_samples"]): f for f in result["figures"]}
    assert found["greedy", 1]["by_turn"] == run_result["final"]["greedy_by_turn"]
    for selection, figure in run_result["final"]["best_of_n"].items():
        assert found[selection, 5]["by_turn"] == figure["by_turn"], "N = 3 beside it changes nothing"
    assert {n for _, n in found} == {1, 3, 5}
    assert json.loads((out / "result.json").read_text()) == result
    assert (result["temperature"], result["figures"][1]["num_searches"]) == (0.7, 1)
    rows = pq.read_table(out / "outcomes.parquet").to_pylist()
    assert len({row["problem_id"] for row in rows}) == result["num_problems"] == SMALL["problems.num_test"]
    final = [r for r in rows if (r["decoding"], r["num_samples"], r["turn_index"]) == ("pt", 5, 2)]
    assert 100 * sum(r["num_correct"] for r in final) / 60 == pytest.approx(found["pt", 5]["by_turn"][-1], abs=0.01)


def test_the_same_command_takes_everything_from_its_store(searched):
    run_dir, _, out, result = searched
    again = evaluate(run_dir, out, "--verifier", run_dir / "models" / "verifier", "-n", "1,3,5")
    assert again["num_cached_stages"] == len(again["lineage"]) == len(result["lineage"])
    assert again["figures"] == result["figures"]


def test_two_generators_are_compared_on_the_same_problems(searched, tmp_path):
    run_dir, run_result, out, _ = searched
    evaluate(run_dir, tmp_path / "base", "-n", "1,5", "--select", "random,pt", generator="base")
    data = mucode(tmp_path / "base", "compare", tmp_path / "base", out, "--json")
    by_name = {one["decoding"]: one for one in data["figures"]}
    assert set(by_name) == {"greedy", "best of 5, random", "best of 5, pt"}
    greedy = by_name["greedy"]
    expected = run_result["differences"]["final - base, greedy"]["value"]
    assert greedy["difference"]["value"] == pytest.approx(expected)
    assert greedy["only_second"] - greedy["only_first"] == pytest.approx(0.6 * expected)
    assert 0 <= greedy["p_value"] <= 1


def test_another_split_is_searched_by_name(searched, tmp_path):
    run_dir, run_result, _, _ = searched
    models = run_dir / "models"
    options = ("--verifier", models / "verifier", "-n", "5", "--select", "pt+lv", "--split", "validation")
    result = evaluate(run_dir, tmp_path / "out", *options)
    assert (result["split"], result["num_problems"]) == ("validation", SMALL["problems.num_validation"])
    chosen = run_result["validation"][str(run_result["final_iteration"])]["value"]
    assert result["figures"][0]["by_turn"][-1] == pytest.approx(chosen, abs=0.01), "what the run chose it by"


def test_pass_at_k_comes_from_independent_rollouts(undisturbed, tmp_path):
    run_dir, _ = undisturbed
    verifier = ("--verifier", run_dir / "models" / "verifier")
    result = evaluate(run_dir, tmp_path / "out", "--pass-at-k", "1,4", "-n", "6", *verifier)
    rows = pq.read_table(tmp_path / "out" / "outcomes.parquet").to_pylist()
    assert {row["num_searches"] for row in rows} == {6}
    for turn in range(3):
        counts = [r["num_correct"] for r in rows if r["turn_index"] == turn]
        expected = 100 * sum(pass_at_k(6, c, 4) for c in counts) / len(counts)
        assert result["pass_at_k"]["4"]["by_turn"][turn] == pytest.approx(expected, abs=0.006)
    assert result["pass_at_k"]["1"]["by_turn"][-1] < result["pass_at_k"]["4"]["by_turn"][-1]
    assert result["pass_at_k"]["1"]["by_turn"][-1] == result["figures"][0]["by_turn"][-1]
    assert result["verifier_quality"]["num_pairs"] > 0
    assert [one["k"] for one in result["best_k_of_n"]] == [1, 4]
    last = sum(row["num_correct"] for row in rows if row["turn_index"] == 2)
    graded = export_and_grade(tmp_path / "out", tmp_path, "synthetic", tmp_path / "out" / "config.yaml")
    assert (graded["num_samples"], graded["num_passed"]) == (6 * SMALL["problems.num_test"], last)


def test_a_checkpoint_that_is_none_ends_the_run_with_one_message(undisturbed, tmp_path):
    """The checks before a run find it: a command line that cannot work, with code 2."""
    run_dir, _ = undisturbed
    problems = {"verifier": "holds a verifier, not a generator", "nothing": "nothing: holds no model"}
    for name, problem in problems.items():
        message = evaluate(run_dir, tmp_path / name, "-n", "1", generator=name, code=2)
        assert problem in message
        assert message.count("error: ") == 1
        assert "Traceback" not in message


def test_variants_share_what_they_have_in_common(tmp_path):
    sets = SMALL | {"run.iterations": 1, "run.seed": 5, "generator.bootstrap.num_dialogues": 1500}
    sets |= {
        "problems.num_train": 40,
        "problems.num_validation": 20,
        "problems.num_test": 20,
        "evaluation.best_of_n": 2,
    }
    overrides = "\n".join(f"  {key}: {value}" for key, value in sets.items())
    matrix = tmp_path / "m.yaml"
    matrix.write_text(
        f"name: m\nbase: {REPO}/configs/demo.yaml\noverrides:\n{overrides}\nvariants:\n"
        "  mucode: {}\n  rft: {run.algorithm: rft}\n"
    )
    out = tmp_path / "out"
    result = mucode(out, "ablate", matrix, "--out", out, "--json")
    assert list(result["variants"]) == ["mucode", "rft"]
    runs = {name: json.loads((out / name / "result.json").read_text()) for name in ("mucode", "rft")}
    digests = {name: {s["label"]: s["content_digest"] for s in r["lineage"]} for name, r in runs.items()}
    shared = [s["label"] for s in runs["rft"]["lineage"] if s["cached"]]
    assert result["num_shared_stages"] == len(shared)
    assert {"base model", "round 1 · verifier pairs", "round 1 · fit verifier", "base · greedy"} <= set(shared)
    assert digests["mucode"]["base model"] == digests["rft"]["base model"]
    assert digests["mucode"]["round 1 · fine-tune"] != digests["rft"]["round 1 · fine-tune"]
    assert "round 1 · relabel" not in digests["rft"]
    (greedy,) = [one for one in result["comparisons"]["rft"] if one["decoding"] == "greedy"]
    levels = {name: result["variants"][name]["final"]["greedy_by_turn"][-1] for name in runs}
    assert greedy["difference"]["value"] == pytest.approx(levels["rft"] - levels["mucode"], abs=0.02)
    for name, run in runs.items():
        source = StageGroup.of_generator(run["final_iteration"]).stage("greedy").selector
        (tmp_path / name).mkdir()
        files = (out / name, tmp_path / name, "synthetic", out / name / "config.yaml")
        graded = export_and_grade(*files, "--from", source)
        assert 100 * graded["num_passed"] / graded["num_samples"] == pytest.approx(levels[name], abs=0.02)
    assert json.loads((out / "result.json").read_text()) == result
