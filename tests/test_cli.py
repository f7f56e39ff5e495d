"""The command line: quick, light, and clear about bad input."""

import os
import subprocess
import sys

import pytest

from tests.conftest import REPO

EVALUATE = ["evaluate", "configs/demo.yaml", "--generator", "nowhere"]
HEAVY = ("torch", "transformers", "vllm", "prefect", "matplotlib", "pyarrow")


def mucode(*arguments, cwd=None, **variables):
    command = [sys.executable, "-m", "mucode_core", *arguments]
    environment = os.environ | variables
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=cwd, env=environment)


def test_help_names_the_commands_and_loads_nothing_heavy():
    code = (
        "import sys, contextlib\nfrom mucode_core.cli import app\n"
        "with contextlib.suppress(SystemExit): app(['--help'])\n"
        f"print('loaded:', [m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "loaded: []" in done.stdout
    for command in ("demo", "train", "evaluate", "compare", "ablate", "doctor", "config"):
        assert command in done.stdout


TRAINERS = ("extensions", "generator", "verifier", "process", "sft_process", "reward_process", "saving", "packing")


def test_light_modules_import_without_torch():
    leaves = ("bootstrap", "causal_lm", "finetune", "optimization", "verifier.fit", "verifier.model", "verifier.score")
    leaves += ("verifier.losses", *(f"training.{name}" for name in TRAINERS))
    leaves += ("sampling.transformers", "sampling.decoders", "__main__", "sandbox.zygote", "sandbox.launch")
    names = [
        ".".join(path.relative_to(REPO).with_suffix("").parts)
        for path in sorted((REPO / "mucode_core").rglob("*.py"))
        if path.name != "__init__.py"
    ]
    names = [n for n in names if n.removeprefix("mucode_core.") not in leaves]
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
            "problems.data: custom problems are on no hub",
        ),
        (["demo", "--seed", "-1"], 2, "equal to 0"),
        (["train", "configs/demo.yaml", "--algorithm", "star"], 2, "'star' is not one of"),
        (["ablate", "configs/demo.yaml"], 2, "base: Field required"),
        (["evaluate", "configs/demo.yaml"], 2, "--generator"),
        ([*EVALUATE, "--select", "pt,lv"], 2, "--select lv: needs a verifier"),
        ([*EVALUATE, "--select", "best"], 2, "evaluation.selections.0"),
        ([*EVALUATE, "-n", "1,x"], 2, "-n: 'x' is no count"),
        ([*EVALUATE, "-n", "0"], 2, "-n: '0' is no count"),
        ([*EVALUATE, "-n", "5", "--beam", "6"], 2, "6 programs cannot be kept"),
        ([*EVALUATE, "--pass-at-k", "1", "-n", "2,3"], 2, "'2,3' is not one number"),
        ([*EVALUATE, "--pass-at-k", "10", "-n", "5"], 2, "k=10 exceeds the rollouts"),
        ([*EVALUATE, "--temperature", "0"], 2, "evaluation.temperature"),
        (["fly"], 2, "fly"),
    ],
)
def test_bad_usage_ends_with_2_and_says_what_to_do(arguments, code, message):
    done = mucode(*arguments, cwd=REPO)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_runs_that_are_not_there_cannot_be_compared():
    done = mucode("compare", "nowhere", "nowhere")
    assert done.returncode == 1
    assert "nowhere/outcomes.parquet: no such file" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_configuration_is_described():
    done = mucode("config")
    assert done.returncode == 0
    assert "num_turns: 3  # Turns T a rollout at most" in done.stdout


def test_the_doctor_tells_what_is_there():
    done = mucode("doctor", "--json")
    assert done.returncode == 0, done.stderr
    assert "sandbox" in done.stderr
    assert '"torch": {"ok": true' in done.stdout.splitlines()[-1]


def test_a_server_that_does_not_answer_is_told_before_anything_starts(tmp_path):
    nobody = {"PREFECT_API_URL": "http://127.0.0.1:9/api"}
    done = mucode("demo", "--out", str(tmp_path / "run"), **nobody)
    assert done.returncode == 1
    assert "PREFECT_API_URL http://127.0.0.1:9/api: the Prefect server does not answer" in done.stderr
    assert "cure: start it (`make server`)" in done.stderr
    assert not (tmp_path / "run").exists()
    assert "MISS server" in mucode("doctor", **nobody).stderr
