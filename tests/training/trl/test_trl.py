"""Real trainings by TRL: torchrun, DeepSpeed, LoRA, kill and resume, on models small enough for seconds."""

import shutil
import threading
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

pytest.importorskip("trl", reason="TRL is not installed")

from mucode_core.config import BootstrapConfig, FinetuneConfig, TrlSftConfig
from mucode_core.errors import TrainerError, TrainingError
from mucode_core.generator import finetune_trl
from mucode_core.generator.finetune_trl import finetune
from mucode_core.models.chat_encoding import encode_examples
from mucode_core.training.causal_lm import load_causal_lm, load_tokenizer, mean_loss
from mucode_core.training.trl import deepspeed_extension
from mucode_core.types import Message, SftExample
from tests.support.sayings import make_base, make_examples, place_in
from tests.support.trainings import digests, find_ranks, kill_a_rank_after

pytestmark = pytest.mark.slow

TINY = BootstrapConfig(vocab_size=320, hidden_size=32, num_layers=2, num_heads=2, context_length=128)
TRL = {"batch_size": 8, "micro_batch_size": 2, "tracker": "none"}
EXAMPLES = make_examples(44)
PROBING = "tests.training.trl.probing_process"
TOO_LONG = SftExample("long", "r", 0, (Message("user", "say"),), "w" * 200)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_base(tmp_path_factory.mktemp("base"), TINY, 40)


def tune(directory, base, epochs=2, examples=EXAMPLES, max_length=128, progress=lambda *_: None, **trl):
    settings = FinetuneConfig(
        backend="trl", epochs=epochs, learning_rate=1e-2, max_length=max_length, trl=TrlSftConfig(**TRL | trl)
    )
    return finetune(examples, base, directory / "out", settings, 3, place_in(directory), progress=progress)


def weights(directory):
    return load_file(directory / "out" / "model.safetensors")


def differ(one, other):
    """The largest difference of two checkpoints' weights; a tied head may be saved or not."""
    return max((one[name].float() - other[name].float()).abs().max().item() for name in one.keys() & other.keys())


@pytest.fixture(scope="module")
def plain(base, tmp_path_factory):
    directory = tmp_path_factory.mktemp("plain")
    return directory, tune(directory, base, examples=[*EXAMPLES, TOO_LONG], tracker="tensorboard")


def test_the_loss_falls_and_the_checkpoint_holds_the_trained_weights(plain, base):
    directory, report = plain
    assert report.num_steps == 11
    assert (report.num_examples, report.num_too_long) == (44, 1), "none is cut"
    assert report.loss_after < report.loss_before - 1
    model, tokenizer = load_causal_lm(directory / "out"), load_tokenizer(directory / "out")
    encoded = encode_examples(tokenizer, [e.messages for e in EXAMPLES], [e.target for e in EXAMPLES])
    assert mean_loss(model, encoded, 512, 0) == pytest.approx(report.loss_after, abs=2e-2)
    assert sorted(p.name for p in (directory / "out").iterdir()) == sorted(p.name for p in base.iterdir())
    assert model.config.use_cache
    assert any((directory / "curves").iterdir())


def leave_killed_build(directory, monkeypatch):
    """What DeepSpeed compiled, as a process leaves it that is killed meanwhile."""
    build = Path(deepspeed_extension.builds_dir().name, "deepspeed_shm_comm")
    if deepspeed_extension.builds_dir().exists():  # else it is rebuilt, which takes a while
        shutil.copytree(deepspeed_extension.builds_dir(), directory / build.parent)
    (directory / build).mkdir(parents=True, exist_ok=True)
    (directory / build / "lock").touch()
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(directory))


def compare_logits(directory):
    """Of the model as it was trained, on rows of its training, and of its checkpoint, on their examples one by one.

    Returns how many examples each row has.
    """
    saved, counts = load_causal_lm(directory / "out"), []
    for row in torch.load(directory / "scratch" / "probe.pt"):
        starts = (row["positions"] == 0).nonzero().flatten().tolist()
        counts.append(len(starts))
        for start, end in zip(starts, [*starts[1:], len(row["ids"])], strict=True):
            assert torch.allclose(saved(row["ids"][None, start:end]).logits[0], row["logits"][start:end], atol=1e-4)
    return counts


@pytest.mark.parametrize("deepspeed", ["none", "zero2", "zero3"])
def test_two_processes_take_the_same_steps(plain, base, tmp_path, monkeypatch, deepspeed):
    if deepspeed == "zero3":
        leave_killed_build(tmp_path / "extensions", monkeypatch)
    monkeypatch.setattr(finetune_trl, "_MODULE", PROBING)
    report = tune(tmp_path, base, num_processes=2, deepspeed=deepspeed, micro_batch_size=1)
    assert report.num_steps == plain[1].num_steps
    assert report.num_tokens == plain[1].num_tokens
    assert differ(weights(tmp_path), weights(plain[0])) < 1e-5
    compare_logits(tmp_path)


def test_padding_free_rows_train_the_same(plain, base, tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    tune(tmp_path, base, packing="padding_free")
    assert differ(weights(tmp_path), weights(plain[0])) < 1e-5
    assert not list((tmp_path / "tmp").iterdir()), "torchrun and its processes leave nothing"


def test_packed_rows_are_few_and_their_examples_do_not_see_each_other(base, tmp_path, monkeypatch):
    monkeypatch.setattr(finetune_trl, "_MODULE", PROBING)
    report = tune(tmp_path, base, packing="packed", batch_size=2, epochs=3)
    assert report.num_examples == 44
    assert report.num_steps < 44 * 3 / 2 / 3
    assert report.loss_after < report.loss_before
    assert max(compare_logits(tmp_path)) > 2


@pytest.mark.parametrize("deepspeed", ["none", "zero3"])
def test_16_bits_save_16_bits(base, tmp_path, deepspeed):
    report = tune(tmp_path, base, precision="bfloat16", gradient_checkpointing=True, deepspeed=deepspeed)
    assert report.loss_after < report.loss_before - 1
    assert {tensor.dtype for tensor in weights(tmp_path).values()} == {torch.bfloat16}


def test_adapters_are_merged(base, tmp_path):
    report = tune(tmp_path, base, lora_rank=8, lora_alpha=64, num_processes=2, deepspeed="zero3")
    assert report.loss_after < report.loss_before
    assert not list((tmp_path / "out").glob("adapter*"))
    tuned, before = weights(tmp_path), load_file(base / "model.safetensors")
    changed = {name for name in before if not torch.equal(tuned[name], before[name])}
    assert changed == {name for name in before if "proj" in name}
    model, tokenizer = load_causal_lm(tmp_path / "out"), load_tokenizer(tmp_path / "out")
    encoded = encode_examples(tokenizer, [e.messages for e in EXAMPLES], [e.target for e in EXAMPLES])
    assert mean_loss(model, encoded, 512, 0) == pytest.approx(report.loss_after, abs=2e-2)


def test_a_diverging_training_is_an_error(base, tmp_path):
    settings = FinetuneConfig(
        backend="trl", learning_rate=1e30, trl=TrlSftConfig(**TRL, max_grad_norm=1e30, warmup_ratio=0)
    )
    with pytest.raises(TrainingError, match=r"step \d+ of 11: the loss became nan"):
        finetune(EXAMPLES, base, tmp_path / "out", settings, 3, place_in(tmp_path))


def test_a_killed_training_resumes_and_produces_the_same_bytes(base, tmp_path):
    sizes = {"epochs": 10, "num_processes": 2, "deepspeed": "zero3", "save_steps": 10}
    disturbed, undisturbed = tmp_path / "disturbed", tmp_path / "undisturbed"
    for directory in (disturbed, undisturbed):
        directory.mkdir()
    tune(undisturbed, base, **sizes)
    killer = threading.Thread(target=kill_a_rank_after, args=(disturbed, 35))
    killer.start()
    with pytest.raises(TrainerError, match="ended with code -9"):
        tune(disturbed, base, **sizes)
    killer.join()
    assert not find_ranks(disturbed), "the other rank has ended as well"
    done = []
    report = tune(disturbed, base, **sizes, progress=lambda *step: done.append(step))
    assert report.num_steps == 55
    steps = (disturbed / "scratch" / "steps.jsonl").read_text().splitlines()
    assert sum('"step": 5,' in line for line in steps) == 1, "what was done before the kill is not done again"
    assert digests(disturbed / "out") == digests(undisturbed / "out")
