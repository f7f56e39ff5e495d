"""Arguments of the trainers."""

import json

import pytest
import torch

pytest.importorskip("trl", reason="TRL is not installed")

from mucode_core.config import FinetuneConfig, TrlSftConfig
from mucode_core.training.trl import worker
from mucode_core.training.trl.job import TrainingJob


def make_job(tmp_path, settings, micro_batch_size=1, steps=3, resume_from=""):
    rows = settings.trl.batch_size * steps
    dumped = settings.model_dump(mode="json")
    return TrainingJob("base", "out", str(tmp_path), "", dumped, list(range(rows)), 5, micro_batch_size, resume_from)


def settings_of(**trl):
    return FinetuneConfig(backend="trl", learning_rate=5e-7, trl=TrlSftConfig(**trl))


@pytest.mark.parametrize(("micro", "processes"), [(1, 1), (2, 1), (1, 4), (4, 2)])
def test_the_effective_batch_is_kept(tmp_path, micro, processes):
    settings = settings_of(batch_size=32, num_processes=processes)
    made = worker.make_arguments(make_job(tmp_path, settings, micro), settings, evaluates=False)
    assert made["per_device_train_batch_size"] * made["gradient_accumulation_steps"] * processes == 32
    assert made["max_steps"] == 3


def test_deepspeed_gets_the_same_sizes(tmp_path):
    settings = settings_of(batch_size=32, num_processes=2, deepspeed="zero3", precision="bfloat16", max_grad_norm=0.5)
    made = worker.make_deepspeed(make_job(tmp_path, settings, 4), settings.trl, on_cpu=False)
    assert made["train_batch_size"] == 32
    assert made["train_micro_batch_size_per_gpu"] == made["gradient_accumulation_steps"] == 4
    assert made["zero_optimization"]["stage"] == 3
    assert made["zero_optimization"]["stage3_gather_16bit_weights_on_model_save"]
    assert made["bf16"]["enabled"]
    assert made["gradient_clipping"] == 0.5
    plain = settings_of(deepspeed="zero2")
    assert worker.make_deepspeed(make_job(tmp_path, plain), plain.trl, on_cpu=True)["zero_optimization"]["stage"] == 2


def test_a_resumed_training_does_not_measure_the_base_again(tmp_path):
    settings = settings_of()
    fresh = worker.make_arguments(make_job(tmp_path, settings), settings, evaluates=True)
    resumed = worker.make_arguments(make_job(tmp_path, settings, resume_from="x"), settings, evaluates=True)
    assert (fresh["eval_on_start"], resumed["eval_on_start"]) == (True, False)


@pytest.mark.parametrize(
    ("trl", "dtype"),
    [
        ({}, torch.float32),
        ({"precision": "bfloat16"}, torch.float32),  # autocast; the weights that are trained stay in 32 bits
        ({"precision": "bfloat16", "deepspeed": "zero3"}, torch.bfloat16),
        ({"precision": "bfloat16", "lora_rank": 8}, torch.bfloat16),  # they are frozen
        ({"lora_rank": 8}, torch.float32),
    ],
)
def test_weights_are_loaded_in_16_bits_only_if_trained_weights_are_kept_in_32(trl, dtype):
    assert worker.model_arguments(TrlSftConfig(**trl))["dtype"] == dtype


def test_flash_attention_is_used_if_installed_and_supported(monkeypatch):
    monkeypatch.setattr(worker, "is_flash_attn_2_available", lambda: True)

    def chosen(**trl):
        return worker.model_arguments(TrlSftConfig(**trl))["attn_implementation"]

    assert chosen(precision="bfloat16") == "flash_attention_2"
    assert chosen(precision="bfloat16", attention="sdpa") == "sdpa"
    assert chosen() == "sdpa", "it has no 32 bits"
    monkeypatch.setattr(worker, "is_flash_attn_2_available", lambda: False)
    assert chosen(precision="bfloat16") == "sdpa"


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried"),
        torch.AcceleratorError("CUDA error: out of memory\nCUDA kernel errors might be"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        torch.distributed.DistBackendError(
            "NCCL error in: NCCLUtils.cpp:94, unhandled cuda error (run with NCCL_DEBUG=INFO for details)\n"
            "ncclUnhandledCudaError: Call to CUDA function failed.\nLast error:\nFailed to CUDA calloc async 608 bytes"
        ),
        torch.distributed.DistBackendError(
            "NCCL error in: NCCLUtils.cpp:94, unhandled cuda error\nLast error:\nCuda failure 2 'out of memory'"
        ),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you"),
    ],
)
def test_out_of_memory_is_reported_with_its_sizes(tmp_path, monkeypatch, error):
    settings = settings_of()
    job = make_job(tmp_path, settings, 4)
    monkeypatch.setattr("sys.argv", ["process", str(job.write())])

    def fail(job):
        raise error

    with pytest.raises(SystemExit):
        worker.run(fail)
    failure = json.loads(job.failure_path.read_text())
    assert failure["out_of_memory"]
    assert "4 examples at a time of up to 512 tokens" in failure["problem"]


def test_another_failure_is_a_traceback(tmp_path, monkeypatch):
    job = make_job(tmp_path, settings_of())
    monkeypatch.setattr("sys.argv", ["process", str(job.write())])

    def fail(job):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        worker.run(fail)
    assert not job.failure_path.exists()
