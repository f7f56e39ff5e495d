"""Real fits of the verifier by TRL, of every kind of score, on models small enough for seconds."""

import threading

import pytest
import torch
from safetensors.torch import load_file

pytest.importorskip("trl", reason="TRL is not installed")

from mucode_core.config import BootstrapConfig, TrlRewardConfig, VerifierConfig
from mucode_core.errors import TrainerError
from mucode_core.training.batch_order import plan_order
from mucode_core.training.causal_lm import load_tokenizer
from mucode_core.verifier.fit_loop import encode_pairs
from mucode_core.verifier.fit_trl import fit_verifier
from mucode_core.verifier.model import load_verifier, new_verifier, pair_loss
from mucode_core.verifier.score import score_programs
from tests.support.sayings import make_base, make_pairs, place_in
from tests.support.trainings import digests, find_ranks, kill_a_rank_after, losses

pytestmark = pytest.mark.slow

TINY = BootstrapConfig(vocab_size=320, hidden_size=32, num_layers=2, num_heads=2, context_length=128)
TRL = {"batch_size": 8, "micro_batch_size": 2, "tracker": "none"}
PAIRS = make_pairs(40)
RIGHT, WRONG = (
    [(p.prompt, code) for p, code in zip(PAIRS, side, strict=True)]
    for side in ([p.chosen for p in PAIRS], [p.rejected for p in PAIRS])
)
KINDS = ["head", "likelihood", "token"]
ASKED = {"question": "Right?", "answers": ("y", "n")}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_base(tmp_path_factory.mktemp("base"), TINY, 40)


def make_settings(score, loss="bt", epochs=4, learning_rate=1e-2, **trl):
    l2 = 1e-3 if score == "head" else 0.0
    settings = {"score": score, "loss": loss, "score_l2": l2, "epochs": epochs, "learning_rate": learning_rate}
    return VerifierConfig(backend="trl", **settings, **ASKED, trl=TrlRewardConfig(**TRL | trl))


def fit(directory, base, settings, **options):
    return fit_verifier(PAIRS, base, directory / "out", settings, 3, place_in(directory), **options)


def share_ordered(directory):
    scores = [score_programs(directory / "out", items) for items in (RIGHT, WRONG)]
    return sum(a > b for a, b in zip(*scores, strict=True)) / len(PAIRS)


def test_adapters_are_merged_with_the_head_and_trained_in_32_bits(base, tmp_path):
    trl = {"lora_rank": 8, "lora_alpha": 64, "precision": "bfloat16"}
    report = fit(tmp_path, base, make_settings("head", epochs=6, **trl))
    trained = load_file(tmp_path / "scratch" / "adapters" / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in trained.values()} == {torch.float32}, "as 16 bits would lose small steps"
    assert any("score" in name for name in trained)
    assert share_ordered(tmp_path) >= report.train_pair_accuracy - 0.1
    assert share_ordered(tmp_path) > 0.9


@pytest.mark.parametrize("score", ["likelihood", "token"])
def test_adapters_alone_change_the_scores_of_a_language_model(base, tmp_path, score):
    """The last step is so small that the merged checkpoint gives the loss that was logged before it."""
    trl = {"lora_rank": 8, "lora_alpha": 64, "gradient_checkpointing": True, "scheduler": "linear"}
    settings = make_settings(score, epochs=4, **trl)
    fit(tmp_path, base, settings)
    logged, before = losses(tmp_path), load_file(base / "model.safetensors")
    assert sum(logged[-5:]) < 0.9 * sum(logged[:5])
    rows = encode_pairs(load_tokenizer(base), PAIRS, 512, settings.scoring.question)
    last = plan_order([len(c.ids) + len(r.ids) for c, r in rows], 8, 4, 3)[-8:]
    right, wrong = (torch.tensor(score_programs(tmp_path / "out", [side[i] for i in last])) for side in (RIGHT, WRONG))
    value = pair_loss(right, wrong, "bt", score_l2=settings.score_l2).item()
    assert value == pytest.approx(logged[-1], rel=0.1, abs=0.05)
    merged = load_file(tmp_path / "out" / "model.safetensors")
    changed = {name for name in before if not torch.equal(merged[name], before[name])}
    assert changed == {name for name in before if "proj" in name}


def test_all_weights_learn_in_16_bits(base, tmp_path):
    trl = {"precision": "bfloat16", "deepspeed": "zero2", "num_processes": 2, "gradient_checkpointing": True}
    report = fit(tmp_path, base, make_settings("likelihood", **trl))
    assert (report.num_pairs, report.num_steps) == (40, 20)
    assert report.train_pair_accuracy > 0.9
    assert share_ordered(tmp_path) > 0.9
    assert {tensor.dtype for tensor in load_file(tmp_path / "out" / "model.safetensors").values()} == {torch.bfloat16}


def take_steps(base, settings, num_steps):
    """The same optimiser applied to the loop's scores: the loss of each step, and all scores before and after."""
    rows = encode_pairs(load_tokenizer(base), PAIRS, 512, settings.scoring.question)
    sides = [side for pair in rows for side in pair]
    verifier = new_verifier(base, settings.scoring, 3)
    optimizer = torch.optim.AdamW(verifier.parameters(), lr=settings.learning_rate, weight_decay=0.0)
    with torch.no_grad():
        before = verifier(sides)
    centre = before.mean().item() if (settings.score, settings.loss) == ("likelihood", "bce") else 0.0
    order = plan_order([len(c.ids) + len(r.ids) for c, r in rows], 8, 1, 3, num_steps)
    taken = []
    for batch in (order[start : start + 8] for start in range(0, len(order), 8)):
        right, wrong = (verifier([rows[i][side] for i in batch]) for side in (0, 1))
        loss = pair_loss(right, wrong, settings.loss, score_l2=settings.score_l2, centre=centre)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(verifier.parameters(), 1.0)
        optimizer.step()
        taken.append(loss.item())
    with torch.no_grad():
        return taken, before, verifier(sides), sides


@pytest.mark.parametrize("loss", ["bt", "bce"])
@pytest.mark.parametrize("score", KINDS)
def test_one_process_or_two_take_the_steps_of_the_loop_s_verifier(base, tmp_path, score, loss):
    layouts = {"sharded": {"num_processes": 2, "deepspeed": "zero3"}}
    if loss == "bt":
        layouts["alone"] = {"micro_batch_size": 4, "gradient_checkpointing": True}
    settings = make_settings(score, loss, learning_rate=1e-3, scheduler="constant")
    expected, before, after, sides = take_steps(base, settings, 5)
    assert (after - before).abs().max() > 1e-2, "else agreement would say nothing"
    for name, layout in layouts.items():
        trl = settings.trl.model_copy(update=layout)
        fit(tmp_path / name, base, settings.model_copy(update={"trl": trl}), num_steps=5)
        assert losses(tmp_path / name) == pytest.approx(expected, abs=1e-4)
        with torch.no_grad():
            fitted = load_verifier(tmp_path / name / "out")(sides)
        assert fitted.tolist() == pytest.approx(after.tolist(), abs=1e-4)


def test_a_killed_fit_resumes_and_produces_the_same_bytes(base, tmp_path):
    """With a centre, which depends on weights that are gone when the fit resumes."""
    settings = make_settings("likelihood", "bce", epochs=6, num_processes=2, deepspeed="zero3", save_steps=10)
    disturbed, undisturbed = tmp_path / "disturbed", tmp_path / "undisturbed"
    for directory in (disturbed, undisturbed):
        directory.mkdir()
    fit(undisturbed, base, settings)
    killer = threading.Thread(target=kill_a_rank_after, args=(disturbed, 25))
    killer.start()
    with pytest.raises(TrainerError, match="ended with code -9"):
        fit(disturbed, base, settings)
    killer.join()
    assert not find_ranks(disturbed), "the other rank has ended as well"
    fit(disturbed, base, settings)
    steps = (disturbed / "scratch" / "steps.jsonl").read_text().splitlines()
    assert sum('"step": 5,' in line for line in steps) == 1, "what was done before the kill is not done again"
    assert digests(disturbed / "out") == digests(undisturbed / "out")
