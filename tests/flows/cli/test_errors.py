"""Errors name what the user wrote, in plain words; a path that is not there is invalid usage everywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mucode_flows.cli.main import app
from typer.testing import CliRunner

from mucode_core.errors import MucodeError

GRADE = ("grade", "--dataset", "custom", "--out", "o.parquet")
PROBLEM = {
    "problem_id": "a/1", "prompt": "Add.", "entry_point": "f", "kind": "assert", "setup": "",
    "public_tests": ["assert f(1) == 2"], "private_tests": ["assert f(2) == 3"], "reference_solution": None,
    "time_limit_s": None, "split": "train",
}  # fmt: skip


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "k.jsonl").write_text(json.dumps(PROBLEM) + "\n")
    (tmp_path / "s.jsonl").write_text('{"completion": "x"}\n')
    return tmp_path


def fail(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, words)
    if isinstance(done.exception, MucodeError):
        return done.exception.exit_code, str(done.exception)
    return done.exit_code, done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("runs", "list", "nosuch"), ("runs", "show", "nosuch"), ("runs", "verify", "nosuch"),
        ("runs", "prune", "nosuch"), ("report", "nosuch"), ("export", "nosuch", "--out", "x"),
        ("compare", "nosuch", "s.jsonl"), ("metrics", "nosuch"), ("train", "nosuch"), ("ablate", "nosuch"),
        ("evaluate", "nosuch"), ("doctor", "nosuch"), ("solve", "x", "--run", "nosuch"),
        ("solve", "x", "--tests", "nosuch"), ("problems", "check", "auto", "--data", "nosuch"),
        ("problems", "convert", "nosuch", "--to", "verl", "--out", "v.jsonl"), ("problems", "overlap", "nosuch", "x"),
        (*GRADE, "--data", "k.jsonl", "--samples", "nosuch"), ("sandbox", "serve", "--token-file", "nosuch"),
    ],
    ids=lambda words: " ".join(words[:2]),
)  # fmt: skip
def test_a_path_that_is_not_there_is_invalid_usage(words: tuple[str, ...]) -> None:
    code, said = fail(*words)
    assert code == 2
    assert "nosuch" in said
    assert "Errno" not in said


@pytest.mark.parametrize("words", [("runs", "show", "nosuch"), ("report", "nosuch"), ("solve", "x", "--run", "nosuch")])
def test_what_is_no_directory_is_no_run(words: tuple[str, ...]) -> None:
    assert fail(*words)[1].startswith("nosuch: is not a directory\n  hint: name a run's directory")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("demo", "--set", "run.seed=x"), "--set run.seed: 'x' is not a whole number\n"),
        (("train", "demo", "--set", "run.sed=1"), "--set run.sed: unknown key (value 1)\n"),
        (("train", "demo", "--set", "run=1"), "--set run: 1 is not a section\n"),
        (("evaluate", "demo", "--select", "best"), "--select: evaluation.selections.0: 'best' is not 'random', "),
        (("evaluate", "demo", "--set", 'evaluation.selections=["b"]'), "--set evaluation.selections"),
        (("evaluate", "demo", "--seed", "3"), "--seed: problems.seed: there is no sample without its size\n"),
        (("evaluate", "demo", "--inputs", "3"), "--inputs: no selection strategy uses inputs\n  hint: add one of"),
        (("evaluate", "demo", "--select", "pt,pt"), "--select: evaluation.selections: 'pt' is named twice\n"),
        (("evaluate", "demo", "--turns", "0", "--beam", "0"), "command line: --turns: "),
        (("ablate", "ablations/verifier", "--set", "run.sed=1"), "--set run.sed: unknown key (value 1)\n"),
        (("solve", "x", "--select", "oracle"), "--select oracle: knows private tests, which your problem has not\n"),
        (("solve", "x", "--tests", "nosuch.py"), "--tests: nosuch.py cannot be read: no such file\n"),
        (("train", "ablations/verifier"), "ablations/verifier: these are variants\n  hint: use `mucode ablate "),
        (("ablate", "demo"), "demo: this is one recipe\n  hint: use `mucode train demo`"),
        (("metrics", "k.jsonl"), "k.jsonl: is not a Parquet file\n  hint: name a file that `mucode grade` wrote"),
        ((*GRADE, "--data", "k.jsonl", "--samples", "s.jsonl"), "s.jsonl:1: has no field task_id\n"),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, tuple) else None,
)
def test_an_error_is_where_the_user_wrote_it(words: tuple[str, ...], said: str) -> None:
    assert fail(*words)[1].startswith(said)


def test_a_place_for_runs_that_is_not_there_is_no_such_directory() -> None:
    assert fail("runs", "list")[1].startswith(
        "runs: no such directory\n  hint: name the directory that holds your runs"
    )
    assert fail("runs", "list", "k.jsonl")[1].startswith("k.jsonl: is not a directory\n")


def test_names_that_do_not_fit_are_not_offered() -> None:
    assert "ablations/" not in fail("train", "nosuch")[1]
    assert "demo" not in fail("ablate", "nosuch")[1]


def test_variants_in_a_file_of_the_user_s_are_recognised(place: Path) -> None:
    (place / "mine.yaml").write_text("{name: m, base: demo.yaml, variants: {a: {}, b: {}}}")
    assert fail("train", "mine.yaml")[1].startswith("mine.yaml: these are variants of a recipe\n")
    (place / "one.yaml").write_text("{run: {seed: 1}}")
    assert fail("ablate", "one.yaml")[1].startswith("one.yaml: this is a recipe: it has no variants\n")


def test_faults_of_a_file_are_in_plain_words(place: Path) -> None:
    (place / "mine.yaml").write_text("{run: {seed: x, sed: 1}, rollouts: [1]}")
    code, said = fail("train", "mine.yaml")
    assert code == 2
    assert said.startswith(
        "mine.yaml: run.seed: 'x' is not a whole number; run.sed: unknown key (value 1); "
        "rollouts: [1] is not a section\n"
    )
