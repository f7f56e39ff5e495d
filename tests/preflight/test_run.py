"""Runs refused before they start, and runs that are let through."""

import json
from dataclasses import dataclass

import pytest
from typer.testing import CliRunner

from mucode_core.bootstrap import build_base
from mucode_core.cli import app
from mucode_core.config import BootstrapConfig, make_config
from mucode_core.errors import ConfigError
from mucode_core.preflight import examine_run, require_run, resources
from mucode_core.preflight.gpus import Gpu
from mucode_core.preflight.memory import training_gib
from mucode_core.preflight.shapes import ModelShape
from mucode_core.preflight.trainers import make_plan
from mucode_core.types import Message

TINY = BootstrapConfig(vocab_size=320, hidden_size=64, num_layers=1, num_heads=2, context_length=512)
H100 = Gpu(0, "H100", 80.0, 79.0)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    path = tmp_path_factory.mktemp("base")
    build_base([(Message("user", "say a"), Message("assistant", "```python\na\n```"))] * 4, path, TINY, 0)
    return path


@pytest.fixture
def machine(monkeypatch):
    """GPUs, free memory and free disk, the last two in GiB."""

    @dataclass
    class Amount:
        available: float
        free: float

    def install(gpus=(), memory=64, disk=500):
        amount = Amount(memory * 2**30, disk * 2**30)
        monkeypatch.setattr(resources, "list_gpus", lambda: list(gpus))
        monkeypatch.setattr(resources.psutil, "virtual_memory", lambda: amount)
        monkeypatch.setattr(resources.shutil, "disk_usage", lambda _: amount)

    install()
    return install


def configure(base, **sections):
    generator = {"model": str(base), **sections.pop("generator", {})}
    return make_config({"generator": generator, **sections})


def failures(config):
    return {check.name: check.detail for check in examine_run(config) if not check.ok}


def test_a_sound_run_is_let_through(base, machine):
    config = configure(base)
    assert failures(config) == {}
    require_run(config)


def test_every_reason_is_told_at_once(base, machine, tmp_path):
    machine(memory=0, disk=0)
    problems = {"dataset": "mbpp", "data": str(tmp_path / "none.jsonl")}
    config = configure(base, problems=problems, finetune={"max_length": 4096})
    with pytest.raises(ConfigError) as caught:
        require_run(config)
    for part in ("problems: ", "lengths: examples of up to 4096 tokens, context 512", "memory of workers: ", "disk of"):
        assert part in caught.value.problem


def test_a_template_that_teaches_more_than_the_answer_is_refused(base, machine, tmp_path):
    from mucode_core.causal_lm import load_tokenizer

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
    ("gpus", "generator", "place", "part"),
    [
        ([H100], {"gpus": [0, 3], "data_parallel_size": 2}, "generator.vllm.gpus", "3 asked for; there are 0: H100"),
        ([H100], {"tensor_parallel_size": 4}, "generator.vllm.gpus", "4 needed, 1 there"),
        ([Gpu(0, "small", 1e-5, 1e-5)], {}, "generator.vllm memory", "in a GPU"),
        ([], {"kv_cache_gib": 1, "max_model_len": 9_000_000}, "generator.vllm memory", "in kv_cache_gib"),
    ],
)
def test_servers_that_cannot_be_are_refused(base, machine, gpus, generator, place, part):
    machine(gpus)
    assert part in failures(configure(base, generator={**VLLM, "vllm": generator}))[place]


def test_two_servers_share_a_gpu_only_if_there_is_room(base, machine):
    verifier = {"scorer": "vllm", "score": "head"}
    machine([H100])
    assert "1.30 of a GPU together" in failures(configure(base, generator=VLLM, verifier=verifier))["both servers"]
    machine([H100, Gpu(1, "H100", 80.0, 79.0)])
    apart = {"generator": {**VLLM, "vllm": {"gpus": [0]}}, "verifier": {**verifier, "vllm": {"gpus": [1]}}}
    assert "both servers" not in failures(configure(base, **apart))


TRL = {"backend": "trl"}


@pytest.mark.parametrize(
    ("gpus", "trl", "name", "part"),
    [
        ([H100], {"gpus": [0, 2], "num_processes": 2}, "finetune.trl.gpus", "2 asked for; there are 0: H100"),
        ([H100], {"num_processes": 4}, "finetune.trl.gpus", "4 needed, 1 there: lower num_processes"),
        ([Gpu(0, "small", 0.001, 0.001)], {}, "finetune.trl memory", "of 0.0 in each GPU; lower micro_batch_size"),
        ([], {"liger": True}, "finetune.trl packages", "liger_kernel is not installed"),
    ],
)
def test_trainings_that_cannot_be_are_refused(base, machine, gpus, trl, name, part):
    machine(gpus)
    assert part in failures(configure(base, finetune=TRL | {"trl": trl}))[name]


def test_memory_of_an_8b_model(machine):
    """Rajbhandari et al. 2020: 16 bytes a parameter, divided by ZeRO-3; LoRA trains a fraction."""
    shape = ModelShape(8_030_000_000, 32, 4096, 8, 128, 128256, 131072)
    common = {"precision": "bfloat16", "gradient_checkpointing": True}

    def needed(**trl):
        section = make_config({"finetune": TRL | {"max_length": 4096, "trl": common | trl}}).finetune
        return training_gib(shape, make_plan("finetune", section))

    assert 119 < needed() < 135
    assert 30 < needed(num_processes=4, deepspeed="zero3") < 45
    base = 2 * 8.03e9 / 2**30
    assert base < needed(lora_rank=32) < 1.5 * base
    assert 2 * base < needed(lora_rank=32, precision="float32") < 2.5 * base


def test_a_training_without_gpu_takes_the_machine_s_memory(base, machine):
    machine(memory=0.001)
    found = failures(configure(base, finetune=TRL | {"trl": {"num_processes": 2}}))
    assert "in memory for each process" in found["finetune.trl memory"]


def test_the_doctor_looks_at_a_configuration(base, machine, tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(f"generator: {{model: {base}}}\n")
    done = CliRunner().invoke(app, ["doctor", str(file), "--set", "finetune.max_length=99999", "--json"])
    assert done.exit_code == 1
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["tokenizer"]["ok"]
    assert not found["lengths"]["ok"]


def test_the_demo_is_not_looked_at(monkeypatch):
    monkeypatch.setattr("mucode_core.preflight.examine_run", lambda _: pytest.fail("it takes seconds"))
    require_run(make_config({}))
