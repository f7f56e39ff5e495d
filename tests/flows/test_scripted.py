"""Expert iteration with completions from a file: every stage, no model asked."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mucode_core.config import make_config
from mucode_core.errors import ConfigError
from mucode_core.evaluation.behaviours import ObservedOutput
from mucode_core.method.inputs import GeneratedInput
from mucode_core.problems import load_split
from mucode_core.prompts import render_prompt
from mucode_core.runs.directory import open_run
from mucode_core.types import Problem, Rollout, Sample, SftExample, VerifierScore
from mucode_core.verifier.score import score_programs
from tests.flows.conftest import environment, run
from tests.serving.chat_server import ChatServer
from tests.support.demos import TINY

SEED = 5  # of `tests.flows.conftest.command`
NUM_PROBLEMS, NUM_ROLLOUTS = 6, 4
FAST = TINY | {
    "problems.num_train": NUM_PROBLEMS,
    "problems.num_validation": 2,
    "problems.num_test": 2,
    "generator.backend": "scripted",
    "generator.bootstrap.num_dialogues": 8,
    "generator.bootstrap.vocab_size": 320,
    "generator.bootstrap.hidden_size": 32,
    "generator.bootstrap.num_layers": 1,
    "rollouts.num_rollouts": NUM_ROLLOUTS,
    "rollouts.num_turns": 2,
    "sandbox.num_workers": 1,
    "finetune.epochs": 1,
    "verifier.epochs": 1,
    "verifier.pairs_per_problem": 1,
}


@pytest.fixture
def script(tmp_path):
    """For each training problem its solution and a wrong program; for others a wrong program."""
    settings = make_config({"problems": {"num_train": NUM_PROBLEMS, "num_validation": 2, "num_test": 2}}).problems
    problems = load_split(settings, "train", data=None, keep=None, seed=SEED)
    rows = [{"text": "```python\ndef wrong():\n    pass\n```"}]
    for problem in problems:
        for code in (problem.reference_solution, f"def {problem.entry_point}(*_):\n    return None"):
            rows.append({"problem_id": problem.problem_id, "text": f"```python\n{code}\n```"})
    path = tmp_path / "script.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.slow
def test_a_script_drives_the_whole_method(tmp_path, script):
    result = run(tmp_path / "run", **FAST, **{"generator.script": str(script)})
    (found,) = result["rounds"]
    assert found["rollouts"]["num_rollouts"] == NUM_PROBLEMS * NUM_ROLLOUTS
    assert found["rollouts"]["num_solved"] > 0
    assert found["num_examples"] > 0


@pytest.mark.slow
def test_self_distillation_trains_on_the_unfiltered_samples(tmp_path, script):
    out = tmp_path / "run"
    settings = FAST | {"generator.script": str(script), "run.algorithm": "ssd", "finetune.steps": "[2]"}
    settings |= {"evaluation.selections": '["random", "agree"]'}
    result = run(out, **settings)
    drawn = sorted((s.rollout_id, s.turn_index, s.completion.text) for s in stored(out, "sample", Sample))
    trained_on = [(e.rollout_id, e.turn_index, e.target) for e in stored(out, "keep samples", SftExample)]
    assert sorted(trained_on) == drawn
    assert any("return None" in text for *_, text in drawn), "wrong programs too"
    assert result["rounds"][0]["finetune"]["num_steps"] == 2
    assert "self-distillation" in (out / "report.md").read_text()
    held_out = {(r.rollout_id, turn.turn_index) for r in stored(out, "execute", Rollout, HELD_OUT) for turn in r.turns}
    observed = stored(out, "observe", ObservedOutput, HELD_OUT)
    assert {(row.rollout_id, row.turn_index) for row in observed} == held_out
    assert {row.kind for row in observed} == {"error"}, "the script has no right program for these problems"


@pytest.mark.slow
def test_an_ensemble_scores_by_all_its_verifiers(tmp_path, script):
    out = tmp_path / "run"
    settings = FAST | {"generator.script": str(script), "verifier.ensemble": 2, "verifier.pessimism": 0.5}
    settings |= {"verifier.score": "head"}  # whose initial weights differ by the seed
    result = run(out, **settings)
    steps = [stage.step for stage in open_run(out).stages if stage.kind == "verifier"]
    assert sorted(steps) == ["fit verifier", "fit verifier 1 of 2", "fit verifier 2 of 2"]
    fitted = result["rounds"][0]["verifier"]
    accuracies = [member["train_pair_accuracy"] for member in fitted["members"]]
    assert (fitted["num_members"], fitted["train_pair_accuracy"]) == (2, pytest.approx(sum(accuracies) / 2))
    assert all(member["num_pairs"] > 0 for member in fitted["members"])
    ensemble = Path(result["models"]["verifier"])
    problems = {problem.problem_id: problem for problem in stored(out, "train", Problem, "problems")}
    codes = {
        (r.rollout_id, t.turn_index): (problems[r.problem_id], t.completion.code)
        for r in stored(out, "execute", Rollout)
        for t in r.turns
    }
    scores = stored(out, "score", VerifierScore)
    items = [codes[score.rollout_id, score.turn_index] for score in scores]
    items = [(render_prompt(problem.prompt, problem.shown_tests), code) for problem, code in items]
    first, second = (score_programs(ensemble / member, items) for member in ("0", "1"))
    assert any(abs(a - b) > 1e-3 for a, b in zip(first, second, strict=True)), "the seeds differ"
    expected = [(a + b) / 2 - 0.25 * abs(a - b) for a, b in zip(first, second, strict=True)]
    assert [score.score for score in scores] == pytest.approx(expected, abs=1e-4)


HELD_OUT = "base · held out"


def stored(out, step, row_type, group="round 1"):
    """The rows of a step of the first round, or of another group."""
    files = open_run(out)
    found = [stage for stage in files.stages if (stage.group, stage.step) == (group, step)]
    return [row for stage in found for row in files.read(stage, row_type)]


def test_a_script_must_be_named():
    with pytest.raises(ConfigError, match=r"generator\.script: no completions"):
        make_config({"generator": {"backend": "scripted"}})


def evaluate(out, *options, code=0):
    command = [sys.executable, "-m", "mucode_flows.cli", "evaluate", "demo", "--out", out, "--json", *options]
    done = subprocess.run(
        list(map(str, command)), env=environment(out), capture_output=True, text=True, timeout=800, check=False
    )
    assert done.returncode == code, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1]) if code == 0 else done.stderr


@pytest.fixture
def majority(tmp_path):
    """For each test problem the solution in four forms, and three wrong programs that differ; all call the program."""
    settings = make_config({"problems": {"num_test": 12}}).problems
    rows = []
    for problem in load_split(settings, "test", data=None, keep=None, seed=0):
        call = problem.private_tests[0].removeprefix("assert ").partition(" == ")[0]
        codes = [f"{problem.reference_solution}\n# {i}" for i in range(4)]
        codes += [
            f"def {problem.entry_point}(*_):\n    {end}" for end in ("return None", "return 'a'", "raise OSError")
        ]
        rows += [{"problem_id": problem.problem_id, "text": f"{call}\n```python\n{code}\n```"} for code in codes]
    path = tmp_path / "majority.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return ["--set", "generator.backend=scripted", "--set", f"generator.script={path}", "--set", "problems.num_test=12"]


@pytest.mark.slow
def test_a_script_is_evaluated_with_selection_by_agreement_on_some_problems(tmp_path, majority):
    out = tmp_path / "out"
    options = ("--select", "random,agree,pt+agree,oracle", "-n", "7", "--turns", "1", "--limit", "9", "--inputs", "2")
    result = evaluate(out, *majority, *options)
    assert result["num_problems"] == 9
    correct = {figure["decoding"]: figure["accuracy"][-1]["value"] for figure in result["figures"]}
    assert correct["random"] < correct["agree"] <= correct["pt+agree"] <= correct["oracle"]
    assert "best of 7, agree - random" in result["differences"]
    files = open_run(out)
    (asked,) = [stage for stage in files.stages if stage.kind == "inputs"]
    assert {row.problem_id for row in files.read(asked, GeneratedInput)} == {
        problem.problem_id
        for stage in files.stages
        if stage.kind == "problems"
        for problem in files.read(stage, Problem)
    }


@pytest.mark.slow
def test_an_endpoint_judges_the_programs_of_an_evaluation(tmp_path, majority):
    def judge(body, _):
        program = body["messages"][1]["content"]
        top = [
            {"token": "Yes", "logprob": -4.0 if "def solve(*_)" in program else -0.1},
            {"token": "No", "logprob": -2.0},
        ]
        return 200, {"choices": [{"message": {"content": "Yes"}, "logprobs": {"content": [{"top_logprobs": top}]}}]}

    server = ChatServer(judge)
    try:
        sets = {"scorer": "vllm", "score": "token", "fit": "false", "vllm.base_url": server.ensure()}
        sets["vllm.served_model"] = "judge"
        options = [word for key, value in sets.items() for word in ("--set", f"verifier.{key}={value}")]
        options += ["--select", "random,lv,oracle", "-n", "7", "--turns", "1", "--limit", "4"]
        result = evaluate(tmp_path / "out", *majority, *options)
    finally:
        server.close()
    correct = {figure["decoding"]: figure["accuracy"][-1]["value"] for figure in result["figures"]}
    assert correct["random"] < correct["lv"] == correct["oracle"]
    assert len(server.bodies) > 4


@pytest.mark.slow
def test_a_generator_that_writes_no_program_scores_zero(tmp_path, majority):
    prose = tmp_path / "prose.jsonl"
    prose.write_text(json.dumps({"text": "I would add one."}) + "\n")
    options = (*majority, "--set", f"generator.script={prose}", "--pass-at-k", "1,2", "-n", "4", "--turns", "2")
    result = evaluate(tmp_path / "out", *options)
    assert result["pass_at_k"]["2"]["by_turn"] == [0.0, 0.0]


def test_a_script_never_answers_for_a_checkpoint(tmp_path, majority):
    message = evaluate(tmp_path / "out", *majority, "--generator", "organisation/model", code=2)
    assert "majority.jsonl would answer for organisation/model" in message
    assert "generator.backend=transformers" in message
