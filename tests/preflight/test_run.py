"""Preflight checks: runs that are refused before they start, and runs that pass."""

import json
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace

import huggingface_hub
import pytest
from mucode_flows.cli.main import app
from typer.testing import CliRunner

from mucode_core import preflight
from mucode_core.config import BootstrapConfig, make_config
from mucode_core.errors import ConfigError
from mucode_core.generator.bootstrap import build_base
from mucode_core.models.checkpoint_kind import write_mark
from mucode_core.models.shape import ModelShape
from mucode_core.preflight import examine_run, require_evaluation, require_run, resources, training
from mucode_core.preflight.host import Check
from mucode_core.preflight.memory import training_gib
from mucode_core.preflight.training import make_plan
from mucode_core.system.gpus import Gpu
from mucode_core.types import Message, Scoring

TINY = BootstrapConfig(vocab_size=320, hidden_size=64, num_layers=1, num_heads=2, context_length=512)
H100 = Gpu(0, "H100", 80.0, 79.0)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    path = tmp_path_factory.mktemp("base")
    build_base([(Message("user", "say a"), Message("assistant", "```python\na\n```"))] * 4, path, TINY, 0)
    return path


@pytest.fixture
def machine(monkeypatch):
    """GPUs, free memory and free disk, the last two in GiB; the build of vLLM that goes with the GPUs; no sandbox."""

    @dataclass
    class Amount:
        available: float
        free: float

    def install(gpus=(), memory=64, disk=500):
        amount = Amount(memory * 2**30, disk * 2**30)
        monkeypatch.setattr(resources, "list_gpus", lambda: list(gpus))
        monkeypatch.setattr("mucode_core.serving.endpoints.is_cpu_build", lambda: not gpus)
        monkeypatch.setattr(resources.psutil, "virtual_memory", lambda: amount)
        monkeypatch.setattr(resources.shutil, "disk_usage", lambda _: amount)

    monkeypatch.setattr(preflight, "examine_sandbox", lambda name, _: Check(name, ok=True, detail="", required=True))
    install()
    return install


@pytest.fixture
def verifier(base, tmp_path):
    """A copy of the base that scores by its log-likelihood."""
    path = tmp_path / "verifier"
    shutil.copytree(base, path)
    write_mark(path, Scoring("likelihood"))
    return path


def cut(path):
    file = path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-9])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: (path / "model.safetensors").unlink(), r"weights cannot be read: .*No such file"),
        (cut, "is truncated: "),
        (lambda path: (path / "tokenizer.json").unlink(), "holds no tokenizer: "),
        (lambda path: (path / "chat_template.jinja").unlink(), "has no chat template"),
        (lambda path: write_mark(path, Scoring("token", "ok?", ("Yes", "No"))), r"verifier\.json: 'Yes' is \d tokens"),
    ],
)
def test_a_damaged_verifier_is_refused_before_anything_is_sampled(base, verifier, machine, damage, message):
    config = configure(base, evaluation={"verifier": str(verifier)})
    require_evaluation(config)
    damage(verifier)
    with pytest.raises(ConfigError, match=rf"preflight: .*\n  verifier: .*{message}"):
        require_evaluation(config)


def test_a_generator_without_its_weights_is_not_evaluated(base, machine, tmp_path):
    shutil.copytree(base, tmp_path / "copy")
    cut(tmp_path / "copy")
    with pytest.raises(ConfigError, match=r"generator: .*copy/model\.safetensors: is truncated"):
        require_evaluation(configure(tmp_path / "copy"))


def configure(base, **sections):
    generator = {"model": str(base), **sections.pop("generator", {})}
    return make_config({"generator": generator, **sections})


def failures(config):
    return {check.name: check.detail for check in examine_run(config) if not check.ok}


def test_a_valid_run_passes(base, machine):
    config = configure(base)
    assert failures(config) == {}
    require_run(config)


def test_all_reasons_are_reported_at_once(base, machine, tmp_path):
    machine(memory=0, disk=0)
    problems = {"dataset": "mbpp", "data": str(tmp_path / "none.jsonl")}
    config = configure(base, problems=problems, finetune={"max_length": 4096})
    with pytest.raises(ConfigError) as caught:
        require_run(config)
    for part in ("problems: ", "lengths: examples of up to 4096 tokens, context 512", "memory of workers: ", "disk of"):
        assert part in caught.value.problem


def test_a_template_that_teaches_more_than_the_answer_is_refused(base, machine, tmp_path):
    from mucode_core.training.causal_lm import load_tokenizer

    for file in base.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    tokenizer = load_tokenizer(base)
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}<|end|>{% endfor %}"  # no generation prompt
    )
    tokenizer.save_pretrained(tmp_path)
    found = failures(configure(tmp_path))
    assert "would be learnt" in found["chat template"]


VLLM = {"backend": "vllm"}


@pytest.mark.parametrize(
    ("gpus", "generator", "location", "part"),
    [
        ([H100], {"gpus": [0, 3], "data_parallel_size": 2}, "generator.vllm.gpus", "3 asked for; there are 0: H100"),
        ([H100], {"tensor_parallel_size": 4}, "generator.vllm.gpus", "4 needed, 1 there"),
        ([], {"gpus": [0, 1], "data_parallel_size": 2}, "generator.vllm.gpus", "0, 1 asked for; there are none: run"),
        ([], {"gpus": [0]}, "vllm", "generator.vllm.gpus=[0]: the installed vLLM is the CPU build and supports none"),
        ([Gpu(0, "small", 1e-5, 1e-5)], {}, "generator.vllm memory", "in a GPU"),
        (
            [Gpu(0, "H100", 80.0, 71.9)],
            {},
            "free memory of GPUs",
            "needed on GPU 0, 71.9 free: end",
        ),
        (
            [H100],
            {"max_model_len": 513},
            "generator.vllm lengths",
            "513 tokens, context 512: lower generator.vllm.",
        ),
        ([H100] * 3, {"tensor_parallel_size": 3}, "generator.vllm heads", "2 attention heads on 3 devices: set"),
        ([], {"kv_cache_gib": 1, "max_model_len": 9_000_000}, "generator.vllm memory", "in kv_cache_gib"),
    ],
)
def test_impossible_servers_are_refused(base, machine, gpus, generator, location, part):
    machine(gpus)
    assert part in failures(configure(base, generator={**VLLM, "vllm": generator}))[location]


def test_the_scorer_s_server_is_checked_like_the_generator_s(base, machine):
    settings = {"gpus": [0], "max_model_len": 513}
    found = failures(configure(base, verifier={"scorer": "vllm", "score": "head", "vllm": settings}))
    assert {"vllm", "verifier.vllm.gpus", "verifier.vllm lengths"} <= set(found)


def test_the_build_of_vllm_is_checked(base, machine, monkeypatch):
    config = configure(base, generator=VLLM)
    assert "vllm" not in failures(config)
    monkeypatch.setattr("mucode_core.serving.endpoints.is_cpu_build", lambda: False)
    assert "needs a GPU, and there is none; run on a machine with one" in failures(config)["vllm"]
    monkeypatch.undo()
    monkeypatch.setattr("mucode_core.serving.endpoints.version", missing)
    assert 'vllm: is not installed; pip install "mucode[cpu]"' in failures(config)["vllm"]


def missing(name):
    raise PackageNotFoundError(name)


def test_two_servers_share_a_gpu_only_if_there_is_room(base, machine):
    verifier = {"scorer": "vllm", "score": "head"}
    machine([H100])
    assert "1.30 of a GPU together" in failures(configure(base, generator=VLLM, verifier=verifier))["both servers"]
    machine([H100, Gpu(1, "H100", 80.0, 79.0)])
    apart = {"generator": {**VLLM, "vllm": {"gpus": [0]}}, "verifier": {**verifier, "vllm": {"gpus": [1]}}}
    assert failures(configure(base, **apart)) == {}
    together = {"generator": {**VLLM, "vllm": {"gpus": [0], "gpu_memory_utilization": 0.6}}, "verifier": verifier}
    machine([Gpu(0, "H100", 80.0, 79.9)])
    assert "80.0 GiB needed on GPU 0, 79.9 free" in failures(configure(base, **together))["free memory of GPUs"]


@pytest.mark.parametrize(("servers", "trained"), [([0], [0]), ([], [0]), ([0], []), ([], [])])
def test_servers_kept_during_training_share_no_devices_with_it(base, machine, servers, trained):
    machine([H100, Gpu(1, "H100", 80.0, 79.0)])
    sections = {
        "generator": {**VLLM, "vllm": {"gpus": servers}},
        "finetune": TRL | {"trl": {"gpus": trained}},
        "run": {"train_beside_servers": True},
    }
    said = failures(configure(base, **sections))
    assert said == {
        "run.train_beside_servers": "generator.vllm and finetune.trl both use GPU 0: give them different gpus, "
        "or set run.train_beside_servers=false"
    }
    sections["run"] = {}
    assert failures(configure(base, **sections)) == {}
    sections |= {"finetune": TRL | {"trl": {"gpus": [1]}}, "run": {"train_beside_servers": True}}
    assert failures(configure(base, **sections)) == {}


TRL = {"backend": "trl"}


@pytest.mark.parametrize(
    ("gpus", "trl", "name", "part"),
    [
        ([H100], {"gpus": [0, 2], "num_processes": 2}, "finetune.trl.gpus", "2 asked for; there are 0: H100"),
        ([H100], {"num_processes": 4}, "finetune.trl.gpus", "4 needed, 1 there: lower num_processes"),
        ([], {"gpus": [0]}, "finetune.trl.gpus", "0 asked for; there are none: run where a GPU driver shows them"),
        ([Gpu(0, "H100", 80.0, 0.001)], {}, "finetune.trl memory", "GPU 0 is not free: end what holds 80.0 GiB there"),
        ([Gpu(0, "small", 0.001, 0.001)], {}, "finetune.trl memory", "of 0.0 in each GPU; lower micro_batch_size"),
        ([], {"liger": True}, "finetune.trl packages", "liger_kernel is not installed"),
    ],
)
def test_impossible_trainings_are_refused(base, machine, gpus, trl, name, part):
    machine(gpus)
    assert part in failures(configure(base, finetune=TRL | {"trl": trl}))[name]


def test_memory_of_an_8b_model(machine):
    """Rajbhandari et al. 2020: 16 bytes per parameter, sharded by ZeRO-3, 18 by autocast; LoRA trains a fraction."""
    shape = ModelShape(8_030_000_000, 32, 4096, 8, 128, 128256, 131072, 32, 14336)
    common = {"precision": "bfloat16", "gradient_checkpointing": True}

    def needed(**trl):
        section = make_config({"finetune": TRL | {"max_length": 4096, "trl": common | trl}}).finetune
        return training_gib(shape, make_plan("finetune", section))

    assert 134 < needed() < 150
    assert 30 < needed(num_processes=4, deepspeed="zero3") < 45
    base = 2 * 8.03e9 / 2**30
    assert base < needed(lora_rank=32) < 1.6 * base
    assert 2 * base < needed(lora_rank=32, precision="float32") < 2.7 * base


def test_a_training_without_gpu_uses_main_memory(base, machine):
    machine(memory=0.001)
    found = failures(configure(base, finetune=TRL | {"trl": {"num_processes": 2}}))
    assert "in memory for each process" in found["finetune.trl memory"]


@pytest.mark.parametrize(("units", "says"), [(False, True), (True, False), (None, False)])
def test_bfloat16_on_a_processor_without_units_for_it_is_a_warning(base, machine, monkeypatch, units, says):
    monkeypatch.setattr(training, "has_bfloat16_units", lambda: units)
    config = configure(base, finetune=TRL | {"trl": {"precision": "bfloat16"}})
    warnings = require_run(config)
    assert [w for w in warnings if "5 to 50 times as long" in w] == warnings
    assert bool(warnings) == says
    machine(gpus=[H100])
    assert require_run(config) == []


def test_the_doctor_checks_a_configuration(base, machine, tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(f"generator: {{model: {base}}}\n")
    done = CliRunner().invoke(app, ["doctor", str(file), "--set", "finetune.max_length=99999", "--json"])
    assert done.exit_code == 1
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["tokenizer"]["ok"]
    assert not found["lengths"]["ok"]


def test_a_bootstrap_model_needs_packages_and_devices_too(machine):
    config = make_config(
        {"generator": VLLM | {"bootstrap": {"hidden_size": 128}, "vllm": {"gpus": [0]}}, "finetune": TRL}
    )
    assert set(failures(config)) == {"vllm", "generator.vllm.gpus"}
    machine([H100])
    assert failures(config) == {}


def test_devices_of_stages_that_run_elsewhere_are_not_checked(base, machine):
    config = configure(base, generator={**VLLM, "vllm": {"gpus": [0]}}, run={"placement": "deployments"})
    assert failures(config) == {}


def test_a_pool_s_devices_without_driver_are_refused_where_they_are_used(base, monkeypatch, tmp_path):
    monkeypatch.setattr(preflight, "examine_sandbox", lambda name, _: Check(name, ok=True, detail="", required=True))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    require_run(make_config({}))
    with pytest.raises(ConfigError, match=r"CUDA_VISIBLE_DEVICES=0,1: there is no GPU driver"):
        require_run(configure(base, finetune=TRL))


def test_the_sandbox_of_the_run_is_tested():
    found = {check.name: check for check in examine_run(make_config({"sandbox": {"backend": "process"}}))}
    assert found["sandbox of the run"].ok
    assert "process sandbox" in found["sandbox of the run"].detail
    too_little = {"sandbox": {"backend": "process", "cpu_s": 1e-9}}
    assert "a correct program is graded timeout" in failures(make_config(too_little))["sandbox of the run"]


def test_a_sandbox_that_does_not_start_is_refused(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such.sock")
    with pytest.raises(ConfigError, match=r"sandbox of the run: unix:///no/such.sock: no Docker daemon answers"):
        require_run(make_config({"sandbox": {"backend": "container"}}))


@pytest.fixture
def hub(base, monkeypatch):
    """A hub that has the base, and counts downloads of its weights."""

    def snapshot_download(name, *, revision, allow_patterns):
        assert not any("safetensors" in pattern for pattern in allow_patterns)
        return str(described)

    described = base.with_name("described")
    shutil.copytree(base, described, ignore=shutil.ignore_patterns("*.safetensors"), dirs_exist_ok=True)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return monkeypatch


def test_a_hub_model_is_described_without_its_weights(hub, machine):
    sizes = SimpleNamespace(parameter_count={"BF16": 7_000_000_000, "F32": 1_000_000_000})
    hub.setattr(huggingface_hub, "get_safetensors_metadata", lambda name, revision: sizes)
    checks = {check.name: check for check in examine_run(configure("some/model@main", finetune={"max_length": 4096}))}
    assert checks["model"].detail.startswith("8.00 billion parameters, 1 layers")
    assert {"lengths", "memory of workers", "disk of checkpoints"} <= set(checks)
    assert not checks["lengths"].ok


def test_a_hub_that_does_not_answer_is_reported_with_a_hint(hub, machine):
    def fail(name, revision):
        raise OSError("offline mode is enabled")

    hub.setattr(huggingface_hub, "get_safetensors_metadata", fail)
    said = failures(configure("some/model"))["model"]
    assert said.startswith("some/model: is not a directory, and cannot be downloaded from the hub: offline mode")
    assert said.endswith("hf download some/model")
