"""Bad input ends a run with one clear message, an exit code and nothing half-written."""

import json
import subprocess

import pytest

from tests.conftest import REPO
from tests.flows.conftest import command, environment

pytestmark = pytest.mark.slow

MBPP_ROW = {
    "task_id": 1,
    "text": "Add one.",
    "code": "def f(x):\n    return x + 1",
    "test_setup_code": "",
    "test_list": ["assert f(1) == 2"],
    "challenge_test_list": [],
}


def make_row(number):
    """A problem that is no near-duplicate of another number's."""
    name = "".join("abcdefghij"[int(digit)] for digit in str(number**5))
    solution = {"code": f"def {name}(x):\n    return {name!r} + x", "test_list": [f"assert {name}('x') == '{name}x'"]}
    return MBPP_ROW | {"task_id": number, "text": f"Write {name} before a text."} | solution


def fail(out, arguments):
    done = subprocess.run(
        arguments, env=environment(out), capture_output=True, text=True, timeout=1800, check=False, cwd=REPO
    )
    assert done.returncode != 0
    message = next(line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert "  hint: " in done.stderr
    drafts = [p for p in out.glob("store/*/.*") if p.is_dir()] if out.is_dir() else []
    assert drafts == []
    return done.returncode, message + done.stderr.split(message)[1]


def replay(out, data, samples):
    base = command(out)[:3]
    sets = [f"problems.data={data}", f"generator.replay.samples={samples}", "generator.replay.min_programs=1"]
    return [*base, "train", "configs/mbpp-replay.yaml", "--out", str(out), *(x for s in sets for x in ("--set", s))]


def test_a_base_that_writes_no_program(tmp_path):
    out = tmp_path / "run"
    settings = {"generator.bootstrap.num_dialogues": 40, "problems.num_train": 5, "generator.max_new_tokens": 8}
    code, message = fail(out, command(out, **settings))
    assert code == 1
    assert "generator.model: no program in 20 answers, such as" in message
    assert "generator.max_new_tokens" in message
    assert "problems.num_warm_up" in message


def test_a_base_that_solves_nothing(tmp_path):
    data, samples = tmp_path / "mbpp.jsonl", tmp_path / "samples.jsonl"
    rows = [make_row(number) for number in range(1, 13)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    wrong = [{"dataset": "mbpp", "task_id": row["task_id"], "code": "def f(x):\n    return x"} for row in rows]
    samples.write_text("".join(json.dumps(row) + "\n" for row in wrong))
    code, message = fail(tmp_path / "run", replay(tmp_path / "run", data, samples))
    assert code == 1
    assert "0 of 10 problems solved: nothing to learn from" in message
    assert "num_rollouts" in message


def test_an_output_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    code, message = fail(tmp_path / "file", command(tmp_path / "file"))
    assert code == 1
    assert str(tmp_path / "file") in message


def test_a_model_that_is_not_there(tmp_path):
    code, message = fail(tmp_path / "run", command(tmp_path / "run", **{"generator.model": "/no/such/model"}))
    assert code == 2
    assert "model: /no/such/model: holds no model: there is no config.json" in message


def test_a_data_file_that_is_not_there(tmp_path):
    code, message = fail(tmp_path / "run", replay(tmp_path / "run", "/no/mbpp.jsonl", "/no/samples.jsonl"))
    assert code == 2
    assert "problems: /no/mbpp.jsonl: no such file; " in message


def test_a_data_row_without_tests(tmp_path):
    data, samples = tmp_path / "mbpp.jsonl", tmp_path / "samples.jsonl"
    rows = [MBPP_ROW, MBPP_ROW | {"task_id": 2, "test_list": []}]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    samples.write_text(json.dumps({"dataset": "mbpp", "task_id": 1, "code": "def f(x): return 1"}) + "\n")
    code, message = fail(tmp_path / "run", replay(tmp_path / "run", data, samples))
    assert code == 1
    assert "mbpp.jsonl:2" in message
    assert "test_list" in message
