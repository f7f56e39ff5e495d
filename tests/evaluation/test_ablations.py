import dataclasses
import json

import pytest

from mucode_core.errors import ConfigError
from mucode_core.evaluation.ablations import AblationsResult, load_matrix
from mucode_core.evaluation.comparison import Comparison
from mucode_core.evaluation.metrics import Interval, Resampling
from mucode_core.evaluation.run_result import Evaluation, RunResult, SearchSettings
from mucode_core.reports.tables import ablation_rows
from mucode_core.runs.directory import read_result
from tests.conftest import REPO

MATRICES = sorted((REPO / "configs" / "ablations").glob("*.yaml"))


@pytest.mark.parametrize("path", MATRICES, ids=lambda p: p.stem)
def test_every_matrix_loads_and_its_variants_differ_in_what_they_do(path):
    matrix = load_matrix(path)
    assert matrix.name == path.stem
    what = [config.model_dump_json(exclude={"run": {"name", "output_dir"}}) for config in matrix.variants.values()]
    assert len(set(what)) == len(what)


def test_the_paper_s_relabelling_ablation_is_there():
    variants = load_matrix(REPO / "configs" / "ablations" / "relabelling.yaml").variants
    found = {
        name: (c.run.algorithm, c.relabel.rft_filter, c.relabel.oracle_weight > 0, c.relabel.verifier_weight > 0)
        for name, c in variants.items()
    }
    assert found == {
        "rft": ("rft", "oracle", True, True),
        "rft-lv": ("rft", "verifier", True, True),
        "mucode-ov": ("mucode", "oracle", True, False),
        "mucode-lv": ("mucode", "oracle", False, True),
        "mucode": ("mucode", "oracle", True, True),
    }


def test_algorithms_are_compared_at_equal_samples_and_gradient_steps():
    variants = load_matrix(REPO / "configs" / "ablations" / "algorithms.yaml").variants
    assert [c.run.algorithm for c in variants.values()] == ["mucode", "rft", "ssd"]
    assert {c.finetune.steps for c in variants.values()} == {(180, 660)}
    assert len({c.rollouts for c in variants.values()}) == 1


def test_variants_share_a_store_and_write_apart(tmp_path):
    matrix = load_matrix(MATRICES[0], ["run.seed=7"], tmp_path / "m")
    assert {c.run.store_dir for c in matrix.variants.values()} == {str(tmp_path / "m" / "store")}
    assert {n: c.run.output_dir for n, c in matrix.variants.items()} == {
        n: str(tmp_path / "m" / n) for n in matrix.variants
    }
    assert {c.run.seed for c in matrix.variants.values()} == {7}


@pytest.fixture
def write(tmp_path):
    base = (REPO / "configs" / "demo.yaml").as_posix()

    def written(text):
        path = tmp_path / "m.yaml"
        path.write_text(text.replace("BASE", base))
        return path

    return written


def test_a_variant_wins_over_what_all_share_and_options_over_both(write):
    path = write(
        "{name: m, base: BASE, overrides: {rollouts.num_turns: 2, run.iterations: 1},"
        " variants: {a: {}, b: {rollouts.num_turns: 4}}}"
    )
    variants = load_matrix(path).variants
    assert [c.rollouts.num_turns for c in variants.values()] == [2, 4]
    assert {c.run.iterations for c in variants.values()} == {1}
    assert {c.rollouts.num_turns for c in load_matrix(path, ["rollouts.num_turns=3"]).variants.values()} == {3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{name: m, base: BASE, variants: {a: {}}}", r"variants: \{'a': \{\}\} has fewer than 2 entries"),
        ("{name: m, base: BASE, variant: {}}", "variant: unknown key"),
        ("- 1", "file: "),
        ("a: [", "cannot be read as YAML"),
        ("{name: m, base: BASE, variants: {a: {}, ../b: {}}}", "'../b' is not a valid name"),
        ("{name: m, base: BASE, variants: {a: {}, store: {}}}", "'store' is not a valid name"),
        ("{name: m, base: no.yaml, variants: {a: {}, b: {}}}", r"variant a, .*no\.yaml: no such file"),
        ("{name: m, base: BASE, variants: {a: {}, b: {run.sed: 1}}}", r"variant b, .*run\.sed: unknown key"),
        ("{name: m, base: BASE, variants: {a: {}, b: {evaluation.enabled: false}}}", "variant b: there is nothing"),
        (
            "{name: m, base: BASE, variants: {a: {}, b: {run.seed: 1}}}",
            "variant b: seed 1 has other problems than seed 0 of a",
        ),
    ],
)
def test_a_broken_matrix_is_refused_with_its_place(write, text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load_matrix(write(text))
    assert caught.value.hint


def test_a_matrix_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        load_matrix(tmp_path / "none.yaml")


def run(name, level):
    curve = (Interval(level, level - 1, level + 1),)
    evaluation = Evaluation(name, curve, {"pt": curve, "pt+lv": curve})
    return RunResult(
        name=name, seed=0, synthetic=True, score_kind="head", algorithm="mucode", best_of_n=SearchSettings(5, 1, 0.7),
        num_test_problems=40, resampling=Resampling(100, 0), evaluations=[evaluation, evaluation],
        final_iteration=1, validation={}, differences={}, verifiers=[], rounds=[], lineage=[], models={}, wall_s=1.0,
        report="r",
    )  # fmt: skip


@pytest.fixture
def result():
    difference = Interval(10, 5, 15)
    compared = [
        Comparison(name, 40, 30.0, 40.0, difference, 1, 5, 0.2)
        for name in ("greedy", "best of 5, pt", "best of 5, pt+lv")
    ]
    return AblationsResult("m", "out", {"rft": run("rft", 30), "both": run("both", 40)}, {"both": compared}, 9, 2.0)


def test_the_table_shows_levels_and_differences_from_the_first(result):
    header, first, second = ablation_rows(result)
    assert header[1:] == [
        "greedy, %", "best of 5, pt+lv, %", "greedy, difference", "best of 5, pt+lv, difference", "pairs, %"
    ]  # fmt: skip
    assert first == ["rft", "30.0 [29.0, 31.0]", "30.0 [29.0, 31.0]", "-", "-", "-"]
    assert second == ["both", *["40.0 [39.0, 41.0]"] * 2, *["10.0 [5.0, 15.0]"] * 2, "-"]


def test_the_json_names_the_baseline_and_keeps_the_comparisons(result):
    data = result.to_json()
    assert data["baseline"] == "rft"
    assert data["num_shared_stages"] == 9
    assert data["variants"]["both"]["final"]["greedy_by_turn"] == [40]
    assert [one["p_value"] for one in data["comparisons"]["both"]] == [0.2] * 3


def test_the_record_of_a_matrix_is_read_back(result, tmp_path):
    (tmp_path / "result.json").write_text(json.dumps(result.to_json()))
    assert read_result(tmp_path) == result.record()


def test_a_run_without_evaluation_has_no_level(result):
    bare = dataclasses.replace(result.runs["rft"], evaluations=[])
    rows = ablation_rows(dataclasses.replace(result, runs={"rft": bare, "both": result.runs["both"]}))
    assert rows[1][1:3] == ["-", "-"]
