"""The paths that only a GPU takes: NCCL, 16-bit kernels, CUDA's own out of memory, and the same figures as on CPU."""

import functools
import math
import random
import subprocess

import pytest
import torch
from safetensors.torch import load_file

pytest.importorskip("trl", reason="TRL is not installed")

from mucode_core.config import BootstrapConfig, FinetuneConfig, TrlRewardConfig, TrlSftConfig, VerifierConfig
from mucode_core.errors import TrainingError
from mucode_core.generator.finetune_loop import encode_fitting
from mucode_core.generator.finetune_trl import finetune
from mucode_core.models.shape import read_shape
from mucode_core.preflight.memory import training_gib
from mucode_core.preflight.training import make_plan
from mucode_core.sampling.base import SampleRequest
from mucode_core.sampling.transformers import TransformersSampler
from mucode_core.system.gpus import list_gpus
from mucode_core.training.causal_lm import load_tokenizer
from mucode_core.training.trl.job import read_steps
from mucode_core.types import Message, SamplingParams, SftExample
from mucode_core.verifier.fit_trl import fit_verifier
from mucode_core.verifier.score import score_programs
from tests.support.sayings import make_base, make_examples, make_pairs, place_in

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU"),
]

SMALL = BootstrapConfig(vocab_size=512, hidden_size=256, num_layers=4, num_heads=4, context_length=1024)
TRL = {"batch_size": 32, "micro_batch_size": 8, "num_processes": 1, "tracker": "none"}
WORDS, NUM_WORDS = random.Random(5), 260
EXAMPLES = make_examples(320)
PAIRS = make_pairs(320)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_base(tmp_path_factory.mktemp("base"), SMALL, 320)


def tune(directory, base, examples=EXAMPLES, max_length=1024, **trl):
    settings = FinetuneConfig(
        backend="trl", epochs=2, learning_rate=1e-3, max_length=max_length, trl=TrlSftConfig(**TRL | trl)
    )
    return finetune(examples, base, directory / "out", settings, 3, place_in(directory)), settings


def losses(directory):
    return [step["loss"] for step in read_steps(directory / "scratch" / "steps.jsonl") if "loss" in step]


@pytest.fixture(scope="module")
def plain(base, tmp_path_factory):
    """In float32."""
    directory = tmp_path_factory.mktemp("plain")
    return directory, tune(directory, base)[0]


def test_a_gpu_takes_the_steps_of_a_cpu(plain, base, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    report, _ = tune(tmp_path, base)
    assert losses(plain[0]) == pytest.approx(losses(tmp_path), abs=5e-3)
    assert plain[1].loss_after == pytest.approx(report.loss_after, abs=5e-3)


@pytest.mark.parametrize(
    "trl",
    [
        {"precision": "bfloat16"},
        {"precision": "bfloat16", "deepspeed": "zero2"},
        {"precision": "bfloat16", "deepspeed": "zero3", "gradient_checkpointing": True},
        {"precision": "float32", "deepspeed": "zero3"},
        {"precision": "float32", "liger": True},
        {"precision": "bfloat16", "packing": "padding_free"},
    ],
    ids=lambda trl: "-".join(map(str, trl.values())),
)
def test_every_configuration_learns_the_same(plain, base, tmp_path, trl):
    if trl.get("liger"):
        pytest.importorskip("liger_kernel", reason="Liger is not installed")
    report, _ = tune(tmp_path, base, **trl)
    tolerance = 5e-3 if trl["precision"] == "float32" else 0.1
    assert report.loss_before == pytest.approx(plain[1].loss_before, abs=tolerance)
    assert report.loss_after == pytest.approx(plain[1].loss_after, abs=tolerance)
    assert report.loss_after < report.loss_before - 0.1
    kept = torch.bfloat16 if trl["precision"] == "bfloat16" else torch.float32
    assert {tensor.dtype for tensor in load_file(tmp_path / "out" / "model.safetensors").values()} == {kept}


def test_adapters_train_and_are_merged(base, tmp_path):
    report, _ = tune(tmp_path, base, lora_rank=8, lora_alpha=64, precision="bfloat16")
    assert report.loss_after < report.loss_before
    assert not list((tmp_path / "out").glob("adapter*"))


@pytest.mark.parametrize("deepspeed", ["none", "zero3"])
def test_the_verifier_learns_and_scores_on_a_gpu_as_on_a_cpu(base, tmp_path, deepspeed):
    trl = TrlRewardConfig(**TRL, precision="bfloat16", deepspeed=deepspeed)
    settings = VerifierConfig(backend="trl", epochs=4, learning_rate=1e-3, trl=trl)
    report = fit_verifier(PAIRS, base, tmp_path / "out", settings, 3, place_in(tmp_path))
    assert report.train_pair_accuracy > 0.9
    items = [(p.prompt, code) for p in PAIRS for code in (p.chosen, p.rejected)]
    on_cpu, on_gpu = (score_programs(tmp_path / "out", items, device) for device in ("cpu", "cuda"))
    assert on_gpu == pytest.approx(on_cpu, abs=1e-3)


def test_a_gpu_draws_what_a_cpu_draws(base):
    requests = [SampleRequest(f"p{i}", 0, 0, (Message("user", f"say w{i}"),), i) for i in range(64)]
    for temperature in (0.0, 0.7):
        params = SamplingParams(temperature, 1.0, 24)
        drawn = [TransformersSampler(base, 64, d).sample(requests, params) for d in ("cpu", "cuda")]
        equal = sum(one.text == other.text for one, other in zip(*drawn, strict=True))
        assert equal >= 60, "float32's last bits decide between near ties only"


def leave_free(gib):
    """Memory of the GPU, held by this process until it is given back."""
    free, _ = torch.cuda.mem_get_info()
    return torch.empty(max(0, free - int(gib * 2**30)), dtype=torch.uint8, device="cuda")


def long_examples(count):
    texts = (" ".join(f"w{WORDS.randrange(320)}" for _ in range(NUM_WORDS)) for _ in range(count))
    return [SftExample(f"p{i}", f"r{i}", 0, (Message("user", f"say w{i}"),), text) for i, text in enumerate(texts)]


def peak_gib(work):
    """The most that the GPU held while `work` ran beyond what it held before, and the result of that."""
    query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "--loop-ms=50"]
    with subprocess.Popen(query, stdout=subprocess.PIPE, text=True) as watch:
        try:
            result = work()
        finally:
            watch.terminate()
        assert watch.stdout is not None
        used = [int(line) for line in watch.stdout.read().split()]
    return (max(used) - used[0]) / 1024, result


def test_out_of_memory_halves_the_micro_batch(base, tmp_path):
    examples = long_examples(64)
    peak, _ = peak_gib(lambda: tune(tmp_path / "roomy", base, examples, batch_size=64, micro_batch_size=64))
    held = leave_free(0.75 * peak)
    try:
        report, _ = tune(tmp_path / "narrow", base, examples, batch_size=64, micro_batch_size=64)
        assert "out of memory with 64 examples at a time" in (tmp_path / "narrow" / "train.log").read_text()
        assert losses(tmp_path / "narrow") == pytest.approx(losses(tmp_path / "roomy"), abs=5e-3)
        assert math.isfinite(report.loss_after)
        del held
        torch.cuda.empty_cache()
        held = leave_free(0.1)
        with pytest.raises(TrainingError, match=r"out of memory with 32 .+\n  hint: lower trl.micro_batch_size"):
            tune(tmp_path / "none", base, examples, batch_size=64, micro_batch_size=64)
    finally:
        del held
        torch.cuda.empty_cache()


def test_the_driver_reports_free_memory():
    free, total = torch.cuda.mem_get_info(0)  # from now on this process has a context there
    (first, *_) = list_gpus()
    assert first.total_gib == pytest.approx(total / 2**30, rel=0.02)
    held = torch.empty(2**30, dtype=torch.uint8, device="cuda")
    (now, *_) = list_gpus()
    assert first.free_gib - now.free_gib == pytest.approx(1, abs=0.1)
    assert now.free_gib == pytest.approx(torch.cuda.mem_get_info(0)[0] / 2**30, abs=0.1)
    assert free > 0
    del held
    torch.cuda.empty_cache()


@pytest.mark.parametrize("checkpointing", [False, True])
def test_the_memory_estimate_is_close(base, tmp_path, checkpointing):
    """Within half of what examples took beyond the context and kernels of any process; an allocator rounds up."""
    examples = long_examples(64)
    longest = max(len(example.ids) for example in encode_fitting(load_tokenizer(base), examples, 1024))
    sizes = {"batch_size": 64, "precision": "bfloat16", "gradient_checkpointing": checkpointing}
    took = []
    for micro in (1, 64):
        train = functools.partial(tune, tmp_path / str(micro), base, examples, longest, micro_batch_size=micro, **sizes)
        peak, (_, section) = peak_gib(train)
        took.append((peak, training_gib(read_shape(base), make_plan("finetune", section))))
    measured, estimated = (took[1][i] - took[0][i] for i in range(2))
    print(f"63 examples of {longest} tokens more: {measured:.2f} GiB, estimated {estimated:.2f}")
    assert estimated / 1.5 < measured < estimated * 1.5
