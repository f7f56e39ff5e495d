"""The command line: quick, light, and clear about bad input."""

import json
import os
import re
import subprocess
import sys
from typing import get_args, get_type_hints

import pytest
from mucode_flows.cli.evaluation import evaluate
from mucode_flows.cli.main import app
from mucode_flows.cli.solving import solve
from typer.testing import CliRunner

from mucode_core.config import Selection
from mucode_core.errors import ConfigError
from mucode_core.solving.options import SearchOptions
from tests.conftest import REPO

EVALUATE = ["evaluate", "configs/demo.yaml", "--generator", "nowhere"]
HEAVY = ("torch", "transformers", "vllm", "prefect", "matplotlib", "pyarrow")


def mucode(*arguments, cwd=None, **variables):
    command = [sys.executable, "-m", "mucode_flows.cli", *arguments]
    environment = os.environ | variables
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=cwd, env=environment)


@pytest.mark.parametrize("command", [evaluate, solve])
def test_the_help_names_every_selection_strategy(command):
    kind, option = get_args(get_type_hints(command, include_extras=True)["select"])
    named = set(option.help.partition(": ")[2].rstrip(".").split(", ")) | set(get_args(get_args(kind)[0]))
    assert named >= set(get_args(Selection)) - {"oracle"}


def test_the_help_of_solve_gives_the_defaults_of_a_search():
    found = SearchOptions()
    numbers = (found.num_samples, found.num_turns, found.max_new_tokens, found.temperature)
    assert "without a run {}, {}, {} and {}.".format(*numbers) in " ".join((solve.__doc__ or "").split())


def test_help_names_the_commands_and_loads_nothing_heavy():
    code = (
        "import sys, contextlib\nfrom mucode_flows.cli.main import app\n"
        "with contextlib.suppress(SystemExit): app(['--help'])\n"
        f"print('loaded:', [m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "loaded: []" in done.stdout
    for command in ("demo", "train", "evaluate", "compare", "ablate", "doctor", "config"):
        assert command in done.stdout


LEAVES = (
    *(f"generator.{name}" for name in ("bootstrap", "finetune_loop", "finetune_trl", "sft_worker")),
    *(f"verifier.{name}" for name in ("fit_loop", "fit_trl", "model", "reward_worker", "score", "score_forward")),
    *("verifier.untrained", "training.causal_lm", "training.chunked_log_probs", "training.loop"),
    *(f"training.trl.{name}" for name in ("deepspeed_extension", "fit", "packing", "saving", "worker")),
    "sampling.transformers",
    "sampling.llama_decoder",
    "models.padded_heads",
    "sandbox.guest.zygote",
    "sandbox.protocol",
)


def test_light_modules_import_without_torch():
    names = [
        ".".join(path.relative_to(REPO).with_suffix("").parts)
        for path in sorted((REPO / "mucode_core").rglob("*.py"))
        if path.name != "__init__.py"
    ]
    names = [n for n in names if n.removeprefix("mucode_core.") not in LEAVES]
    code = f"import sys, importlib\nfor n in {names}: importlib.import_module(n)\n"
    code += "assert not {'torch', 'vllm'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_core_never_imports_prefect():
    for path in (REPO / "mucode_core").rglob("*.py"):
        assert "import prefect" not in path.read_text(), path
        assert "from prefect" not in path.read_text(), path


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "nowhere.yaml"], 2, "nowhere.yaml: no such file"),
        (["train", "configs/demo.yaml", "--set", "run.sed=1"], 2, "run.sed: unknown key (value 1)"),
        (
            ["train", "configs/mbpp-replay.yaml", "--set", "problems.dataset=custom"],
            2,
            "problems.data: custom problems are not on the hub",
        ),
        (["demo", "--seed", "-1"], 2, "equal to 0"),
        (["train", "configs/demo.yaml", "--algorithm", "star"], 2, "'star' is not one of"),
        (["ablate", "configs/demo.yaml"], 2, "this is a recipe: it has no variants"),
        (["evaluate", "configs/demo.yaml"], 2, "name its checkpoint with --generator, or an endpoint"),
        (["ablate", "ablations/verifier", "--set", "run.name=x"], 2, "--set run.name=x: each variant has its own"),
        ([*EVALUATE, "--select", "pt,lv"], 2, "--select lv: needs a verifier"),
        ([*EVALUATE, "--select", "best"], 2, "evaluation.selections.0"),
        ([*EVALUATE, "-n", "1,x"], 2, "-n: 'x' is not a count"),
        ([*EVALUATE, "-n", "0"], 2, "-n: '0' is not a count"),
        ([*EVALUATE, "-n", "5", "--beam", "6"], 2, "6 programs cannot be kept"),
        ([*EVALUATE, "--pass-at-k", "1", "-n", "2,3"], 2, "'2,3' is not one number"),
        ([*EVALUATE, "--pass-at-k", "10", "-n", "5"], 2, "k=10 exceeds the rollouts"),
        ([*EVALUATE, "--temperature", "0"], 2, "evaluation.temperature"),
        (["solve", "nowhere/statement.txt"], 2, "nowhere/statement.txt is not a file"),
        (["solve", "docs/"], 2, "docs/ is not a file"),
        (["solve", "Write f.", "--tests", "/dev/null"], 2, "--tests: /dev/null is empty"),
        (["solve", "Write f.", "-n", "1001"], 2, "equal to 1000"),
        (["fly"], 2, "fly"),
    ],
)
def test_bad_usage_ends_with_2_and_says_what_to_do(arguments, code, message):
    done = mucode(*arguments, cwd=REPO)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_runs_that_are_not_there_cannot_be_compared():
    done = mucode("compare", "nowhere", "elsewhere")
    assert done.returncode == 2
    assert "nowhere: no such file or directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_configuration_is_described():
    done = mucode("config")
    assert done.returncode == 0
    assert "num_turns: 3  # Maximum number of turns per rollout, T" in done.stdout


def test_the_doctor_tells_what_is_there():
    done = mucode("doctor", "--json")
    checks = json.loads(done.stdout.splitlines()[-1])
    has_room = checks["memory"]["ok"] and checks["disk"]["ok"]  # other tests use the same machine
    assert done.returncode == (0 if has_room else 1), done.stderr
    assert "sandbox" in done.stderr
    assert checks["torch"]["ok"]
    marks = {line.split()[1]: line.split()[0] for line in done.stderr.splitlines() if line[:4] in ("MISS", "none")}
    assert marks == {name: "MISS" if check["required"] else "none" for name, check in checks.items() if not check["ok"]}


IMPATIENT = """
from mucode_flows.cli.main import main
from mucode_tasks.engine import server
server._PAUSE_S = 0
main()
"""


def test_a_server_that_does_not_answer_is_told_before_anything_starts(tmp_path):
    environment = os.environ | {"PREFECT_API_URL": "http://127.0.0.1:9/api"}

    def ask(*arguments):
        command = [sys.executable, "-c", IMPATIENT, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)

    done = ask("demo", "--out", str(tmp_path / "run"))
    assert done.returncode == 1
    assert "PREFECT_API_URL http://127.0.0.1:9/api: the Prefect server does not answer" in done.stderr
    assert "hint: start it (`make server`)" in done.stderr
    assert not (tmp_path / "run").exists()
    examined = ask("doctor").stderr
    assert "MISS server" in examined
    assert not any(line.startswith("MISS") and "not installed" in line for line in examined.splitlines())


def test_every_reason_is_given_at_once():
    wrong = ["--generator", "nowhere", "--verifier", "neither", "--dataset", "mbpp", "--data", "gone.jsonl"]
    done = mucode("evaluate", "demo", *wrong, "--set", "generator.bootstrap.corpus=solutions")
    assert done.returncode == 2
    for name in ("gone.jsonl", "nowhere: holds no model", "neither: holds no model"):
        assert name in done.stderr
    recorded = ["--set", "problems.data=gone.jsonl", "--set", "generator.replay.samples=lost.jsonl"]
    done = mucode("train", "mbpp-replay", *recorded)
    assert "gone.jsonl" in done.stderr
    assert "lost.jsonl" in done.stderr


def test_the_version_is_printed():
    assert mucode("--version").stdout.startswith("mucode 0.")


def test_recipes_are_listed_and_found_by_name(tmp_path):
    listed = mucode("recipes", cwd=tmp_path).stdout
    assert "demo " in listed
    assert "ablations/verifier" in listed
    assert all(line.endswith(".") for line in listed.splitlines()), "a description is a whole sentence"
    done = mucode("train", "demo", "--set", "run.sed=1", cwd=tmp_path)
    assert "--set run.sed: unknown key" in done.stderr


def test_commands_are_listed_in_the_order_of_use():
    text = mucode("--help").stdout
    order = [text.index(f"│ {name} ") for name in ("demo", "problems", "train", "evaluate", "report", "ablate")]
    assert order == sorted(order)
    assert "Exit codes" in text


def test_a_generator_that_is_none_is_an_invalid_command_line(tmp_path):
    done = mucode("solve", "--generator", str(tmp_path), "Write a function.")
    assert done.returncode == 2
    assert f"error: {tmp_path}: holds no model" in done.stderr and "hint: name a checkpoint directory" in done.stderr


def test_options_have_values_for_people_not_types():
    from click import Context
    from typer.main import get_command

    commands = [get_command(app)]
    options = []
    for command in commands:
        commands += getattr(command, "commands", {}).values()
        options += [one for one in command.get_params(Context(command)) if hasattr(one, "metavar")]
    own = [one for one in options if one.name not in ("help", "version", "install_completion", "show_completion")]
    assert len(own) > 100
    unnamed = [one for one in own if one.metavar is None]
    assert {one.name for one in unnamed if not one.type_descriptor.is_choice} == set()


@pytest.mark.parametrize(
    "words",
    [(), ("train",), ("compare",), ("solve",), ("runs", "prune"), ("problems", "convert"), ("sandbox", "serve")],
)
def test_help_has_no_types_that_say_nothing(words):
    text = CliRunner().invoke(app, [*words, "--help"]).stdout
    assert "--help" in text
    assert not re.search(r"<(bool|str|Path|list)", text)


def test_ranges_in_the_help_are_enforced():
    for option, value in (("--temperature", "0"), ("--turns", "0"), ("--searches", "0"), ("--beam", "0")):
        done = CliRunner().invoke(app, [*EVALUATE, option, value])
        assert isinstance(done.exception, ConfigError), option
        assert done.exception.location == option


def test_exit_code_3_is_the_same_everywhere():
    words = "the program printed fails the tests, or there is none"
    for command in ((), ("solve",)):
        assert words in " ".join(CliRunner().invoke(app, [*command, "--help"]).stdout.split())


def test_directories_by_default_are_those_in_the_help(tmp_path, monkeypatch):
    """The help of --out, of the commands that have one."""
    monkeypatch.chdir(tmp_path)
    placed = {}
    monkeypatch.setattr("mucode_core.preflight.require_run", lambda config: None)
    monkeypatch.setattr("mucode_core.preflight.require_evaluation", lambda config: None)

    def stop(config, kind):
        placed[command] = config.run.output_dir or f"runs/{config.run.name}"
        raise ConfigError("stop")

    monkeypatch.setattr("mucode_flows.cli.outputs.open_directory", stop)
    for command in (
        "demo --seed 3",
        "train demo",
        "evaluate demo",
        "evaluate demo --pass-at-k 1",
        "ablate ablations/verifier",
    ):
        assert str(CliRunner().invoke(app, command.split()).exception) == "stop"
    assert list(placed.values()) == [
        "runs/demo-seed3", "runs/demo", "runs/demo-best-of-n", "runs/demo-pass-at-k", "runs/verifier/likelihood-bt",
    ]  # fmt: skip


def test_the_sandbox_s_server_names_its_sandbox_as_every_command_is():
    helped = mucode("sandbox", "serve", "--help", COLUMNS="140").stdout
    assert "--sandbox,--backend" in helped
    assert "--backend is another name of this option." in " ".join(helped.replace("│", " ").split())
