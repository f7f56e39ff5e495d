"""Outputs never destroy inputs; a directory in use or with other results is not taken without a word."""

import json

import pytest
from mucode_flows.cli.outputs import open_directory, require_distinct, require_outside_runs

from mucode_core.config import dump_config, make_config
from mucode_core.errors import ArtifactError, ConfigError, DataError
from mucode_core.runs.attempt import ATTEMPT, RUN_LOCK, read_attempt, record_attempt
from mucode_core.runs.listing import find_runs
from mucode_core.system import locks
from tests.flows.cli.test_main import mucode


def configure(directory, **run):
    return make_config({"run": {"name": "r", "output_dir": str(directory), **run}})


def end(directory, config, **result):
    directory.mkdir()
    (directory / "result.json").write_text(json.dumps({"name": "r", "lineage": []} | result))
    (directory / "config.yaml").write_text(dump_config(config))


def test_samples_are_not_written_over(tmp_path):
    samples = tmp_path / "samples.jsonl"
    samples.write_text('{"task_id": 1, "code": "x"}\n')
    (tmp_path / "other.jsonl").symlink_to(samples)
    for out in (samples, tmp_path / "other.jsonl"):
        done = mucode("grade", "--dataset", "custom", "--data", samples, "--samples", samples, "--out", out)
        assert done.returncode == 2
        assert "is also --samples" in done.stderr
    assert samples.read_text() == '{"task_id": 1, "code": "x"}\n'


def test_another_file_may_be_written(tmp_path):
    require_distinct(tmp_path / "new", {"--samples": tmp_path / "old", "--data": ""})


@pytest.mark.parametrize("name", ["result.json", "outcomes.parquet", "store/problems/x", "models/final/config.json"])
def test_what_a_run_keeps_is_not_written_over(tmp_path, name):
    with pytest.raises(ConfigError, match="belongs to the run"):
        require_outside_runs(tmp_path / name, [None, tmp_path])
    require_outside_runs(tmp_path / "programs.jsonl", [tmp_path])


def test_a_directory_in_use_is_refused_before_anything_starts(tmp_path):
    config = configure(tmp_path / "run", seed=4)
    with locks.alone(tmp_path / "run", RUN_LOCK), record_attempt(tmp_path / "run", config):
        with pytest.raises(ArtifactError, match=r"another run is writing here \(r, seed 4\)"):
            open_directory(config, "train")
        (entry,) = find_runs(tmp_path)
        assert (entry.name, entry.seed, entry.state, entry.reason) == ("r", 4, "running", "")
    open_directory(config, "train")


def test_another_configuration_in_the_directory_of_a_finished_run_is_mentioned(tmp_path, capsys):
    end(tmp_path / "run", configure(tmp_path / "run", seed=0, num_workers=1))
    open_directory(configure(tmp_path / "run", seed=0, num_workers=2), "train")  # where, not what
    assert capsys.readouterr().err == ""
    open_directory(configure(tmp_path / "run", seed=3), "train")
    assert "holds results of another configuration (run.seed 0 -> 3)" in capsys.readouterr().err


def test_an_evaluation_does_not_replace_a_training(tmp_path):
    end(tmp_path / "run", configure(tmp_path / "run"))
    with pytest.raises(ConfigError, match="holds the results of `mucode train`"):
        open_directory(configure(tmp_path / "run"), "evaluate")


def test_a_failed_attempt_leaves_its_reason(tmp_path):
    config = configure(tmp_path)
    with pytest.raises(DataError), record_attempt(tmp_path, config):
        raise DataError("no rows", location="x.jsonl", hint="add some")
    attempt = read_attempt(tmp_path)
    assert attempt is not None
    assert (attempt.state, attempt.reason) == ("unfinished", "x.jsonl: no rows")
    (entry,) = find_runs(tmp_path)
    assert (entry.state, entry.name, entry.reason) == ("unfinished", "r", "x.jsonl: no rows")
    with record_attempt(tmp_path, config):
        pass
    assert not (tmp_path / ATTEMPT).exists()


def test_a_killed_attempt_says_so(tmp_path):
    (tmp_path / ATTEMPT).write_text('{"name": "r", "seed": 1, "started_at": 1.0, "reason": ""}')
    attempt = read_attempt(tmp_path)
    assert attempt is not None
    assert "interrupted or killed" in attempt.reason


class Signalled(BaseException):
    """As Prefect raises for SIGTERM."""


@pytest.mark.parametrize("signalled", [Signalled(), KeyboardInterrupt()])
def test_an_attempt_that_a_signal_ended_says_so(tmp_path, signalled):
    with pytest.raises(type(signalled)), record_attempt(tmp_path, configure(tmp_path)):
        raise signalled
    attempt = read_attempt(tmp_path)
    assert attempt is not None
    assert attempt.reason.startswith("interrupted or killed")
