"""Logs that inspect_ai itself writes with its mock model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from mucode_core.errors import ConfigError, DataError
from mucode_core.evaluation.result_files.forms import open_result_file
from tests.support.result_rows import samples_of


@pytest.fixture
def library() -> Any:
    return pytest.importorskip("inspect_ai", reason='logs are read by inspect_ai: pip install "mucode[inspect]"')


def evaluate(library: Any, folder: Path, answers: list[str], form: str = "eval") -> Path:
    """Runs a task of two scorers on two problems, each sampled twice."""
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import includes, match
    from inspect_ai.solver import generate

    outputs = [ModelOutput.from_content("mockllm/model", answer) for answer in answers]
    for output in outputs:
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)  # else it loads a tokenizer
    samples = [Sample(id=f"own/{i}", input=f"Write f{i}.", target="return") for i in range(2)]
    task = library.Task(dataset=MemoryDataset(samples), solver=generate(), scorer=[includes(), match()], name="own")
    model = get_model("mockllm/model", custom_outputs=outputs)
    settings = {"log_dir": str(folder), "log_format": form, "display": "none", "max_samples": 1, "epochs": 2}
    (log,) = library.eval(task, model=model, **settings)
    assert log.status == "success"
    (path,) = folder.glob(f"*.{form}")
    return path


@pytest.mark.parametrize("form", ["eval", "json"])
def test_samples_and_verdicts_are_read(library: Any, tmp_path: Path, form: str) -> None:
    answers = ["def f0(): return 1", "no", "no", "def f1(): return 1"]
    source = open_result_file(evaluate(library, tmp_path, answers, form))
    assert source.form == "inspect_ai log"
    assert source.remarks == ("verdicts are those of the scorer includes, of includes, match",)
    found = samples_of(source.rows())
    assert sorted({row.task_id for row in found}) == ["own/0", "own/1"]
    assert {row.text: row.passed for row in found} == {answers[0]: True, "no": False, answers[3]: True}
    assert {row.prompt for row in found} == {"Write f0.", "Write f1."}
    assert len(found) == 4


def test_another_scorer_is_named(library: Any, tmp_path: Path) -> None:
    path = evaluate(library, tmp_path, ["return"] + ["no"] * 3)
    assert [row.score for row in samples_of(open_result_file(path, "match").rows())].count(1.0) == 1
    with pytest.raises(DataError, match="no scorer 'other'"):
        open_result_file(path, "other")


def test_a_log_that_is_cut_is_refused(library: Any, tmp_path: Path) -> None:
    path = evaluate(library, tmp_path, ["no"] * 4)
    cut = tmp_path / "cut.eval"
    cut.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(DataError, match="cannot be read") as caught:
        open_result_file(cut)
    assert caught.value.location == str(cut)


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "inspect_ai.log", None)
    with pytest.raises(ConfigError) as caught:
        open_result_file(tmp_path / "a.eval")
    assert caught.value.hint == 'pip install "mucode[inspect]"'
