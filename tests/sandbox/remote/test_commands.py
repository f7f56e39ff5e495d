"""The commands and settings that use a sandbox's server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mucode_flows.cli.main import app
from typer.testing import CliRunner

from mucode_core.config import load_config
from mucode_core.errors import ConfigError
from mucode_core.sandbox import open_sandbox
from mucode_core.sandbox.remote.client import HttpSandbox
from tests.conftest import REPO
from tests.evaluation.test_grade_samples import LUCKY, PROBLEM, RIGHT, WRONG
from tests.sandbox.remote.served import Served
from tests.support.result_rows import write_lines


def run(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, done.stdout, done.stderr + str(done.exception or "")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "data.jsonl", [PROBLEM | {"problem_id": f"own/{i}"} for i in range(3)])


def test_grading_by_a_server(tmp_path: Path, data: Path, served: Served) -> None:
    programs = [("own/0", RIGHT), ("own/1", LUCKY), ("own/2", WRONG)]
    samples = write_lines(tmp_path / "samples.jsonl", [{"task_id": name, "solution": code} for name, code in programs])
    words = ["--dataset", "custom", "--data", data, "--samples", samples, "--out", tmp_path / "g.parquet", "--json"]
    status, printed, said = run("grade", *words, "--sandbox-url", served.url)
    assert status == 0, said
    assert json.loads(printed.splitlines()[-1])["num_passed"] == 1
    assert served.url in said


def test_checking_problems_by_a_server(data: Path, served: Served) -> None:
    status, _, said = run("problems", "check", "custom", "--data", data, "--json", "--sandbox-url", served.url)
    assert status == 0, said
    assert served.url in said


def test_the_configuration_names_the_servers(served: Served) -> None:
    config = load_config(REPO / "configs" / "demo.yaml", ["sandbox.backend=http", f"sandbox.urls=[{served.url}]"])
    with open_sandbox(config.sandbox) as sandbox:
        assert isinstance(sandbox, HttpSandbox)
    here = config.sandbox.model_copy(update={"backend": "process", "urls": []})
    assert config.sandbox.fingerprinted() == here.fingerprinted()


@pytest.mark.parametrize("overrides", [["sandbox.backend=http"], ["sandbox.urls=[http://127.0.0.1:1]"]])
def test_servers_and_backend_belong_together(overrides: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"sandbox\.urls"):
        load_config(REPO / "configs" / "demo.yaml", overrides)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--host", "0.0.0.0"], "there is no token"),
        (["--host", "203.0.113.1", "--token-file", "nowhere"], "cannot be read"),
        (["--packages", "no-such-package"], "no-such-package"),
    ],
)
def test_a_server_that_cannot_serve_says_why(options: list[str], message: str) -> None:
    status, _, said = run("sandbox", "serve", "--backend", "process", "--workers", 1, *options)
    assert status != 0
    assert message in said
