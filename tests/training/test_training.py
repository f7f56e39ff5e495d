"""Trainers and verifiers, on models small enough for seconds."""

import hashlib
import json
import random

import pytest
import torch

from mucode_core.config import BootstrapConfig, OptimizerConfig, VerifierConfig
from mucode_core.errors import DataError, TrainingError
from mucode_core.generator.bootstrap import build_base, build_tokenizer, dialogues_from_solutions
from mucode_core.generator.finetune_loop import finetune
from mucode_core.models.chat_encoding import IGNORED, encode_dialogues, encode_examples, encode_prompts
from mucode_core.training.causal_lm import load_causal_lm, load_tokenizer, token_log_probs
from mucode_core.training.loop import plan_batches
from mucode_core.types import Message, SftExample, VerifierPair
from mucode_core.verifier.fit_loop import fit_verifier
from mucode_core.verifier.pairs import label_programs, make_pairs
from mucode_core.verifier.score import score_programs
from tests.conftest import make_problem, make_rollout

TINY = BootstrapConfig(vocab_size=320, hidden_size=32, num_layers=1, num_heads=2, context_length=128)


def dialogue(word, repaired=False):
    first = [Message("user", f"say {word}"), Message("assistant", f"```python\n{word}\n```")]
    more = [Message("user", "Feedback: no"), Message("assistant", f"```python\n{word}{word}\n```")]
    return tuple(first + more if repaired else first)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    path = tmp_path_factory.mktemp("base")
    words = [f"w{i}" for i in range(40)]
    report = build_base([dialogue(w, i % 2 == 0) for i, w in enumerate(words)], path, TINY, 0)
    assert report.num_dialogues == 40
    return path


def digests(path):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in path.iterdir()}


def test_only_the_target_and_its_end_are_labelled(base):
    tokenizer = load_tokenizer(base)
    (encoded,) = encode_examples(tokenizer, [[Message("user", "say hi")]], ["hi"])
    labelled = [token for token in encoded.labels if token != IGNORED]
    assert tokenizer.decode(labelled) == "hi<|end|>"
    assert tokenizer.decode(encoded.ids) == "<|user|>say hi<|end|><|assistant|>hi<|end|>"
    (prompt,) = encode_prompts(tokenizer, [[Message("user", "say hi")]])
    assert encoded.ids[: len(prompt)] == prompt, "training sees what inference sees"
    assert encoded.labels[: len(prompt)] == [IGNORED] * len(prompt)
    assert tokenizer.pad_token_id != tokenizer.eos_token_id, "else the end is never learnt"


def test_every_answer_of_a_dialogue_is_labelled(base):
    tokenizer = load_tokenizer(base)
    (encoded,) = encode_dialogues(tokenizer, [dialogue("w1", repaired=True)])
    labelled = tokenizer.decode([token for token in encoded.labels if token != IGNORED])
    assert labelled == "```python\nw1\n```<|end|>```python\nw1w1\n```<|end|>"
    assert all(label in (IGNORED, token) for label, token in zip(encoded.labels, encoded.ids, strict=True))


def test_a_template_that_rewrites_history_is_refused(base):
    tokenizer = load_tokenizer(base)
    tokenizer.chat_template = "{{ messages | length }}{{ messages[0]['content'] }}"
    with pytest.raises(DataError, match="rewrites history"):
        encode_examples(tokenizer, [[Message("user", "a")]], ["b"])


def test_a_template_that_writes_today_s_date_writes_a_fixed_one(base):
    tokenizer = load_tokenizer(base)
    tokenizer.chat_template = (
        "{% if date_string is not defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
        "{{ date_string }}{% for message in messages %}{{ message['content'] }}{% endfor %}"
    )
    (ids,) = encode_prompts(tokenizer, [[Message("user", "a")]])
    assert tokenizer.decode(ids) == "26 Jul 2024a"


def save_without(tokenizer, path, *fields, special=()):
    """Saves it without its pad token and these fields, with further special tokens."""
    tokenizer.save_pretrained(path)
    words = json.loads((path / "tokenizer.json").read_text())
    for token in words["added_tokens"]:
        token["content"] = token["content"].replace("<|pad|>", "<|nothing|>")
    words["model"]["vocab"]["<|nothing|>"] = words["model"]["vocab"].pop("<|pad|>")
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    size = len(words["model"]["vocab"])
    words["added_tokens"] += [{"id": size + i, "content": text, **plain} for i, text in enumerate(special)]
    (path / "tokenizer.json").write_text(json.dumps(words))
    settings = json.loads((path / "tokenizer_config.json").read_text())
    settings = {k: v for k, v in settings.items() if k not in ("pad_token", *fields)}
    (path / "tokenizer_config.json").write_text(json.dumps(settings))


@pytest.mark.parametrize(
    ("special", "expected"),
    [(["<|reserved_0|>", "<|right_pad_id|>"], "<|right_pad_id|>"), (["<|reserved_0|>"], "<|reserved_0|>")],
)
def test_padding_is_a_special_token_that_no_text_contains(base, tmp_path, special, expected):
    save_without(load_tokenizer(base), tmp_path, special=special)
    assert load_tokenizer(tmp_path).pad_token == expected


@pytest.mark.parametrize(
    ("fields", "message"), [((), "no padding token"), (("eos_token",), "no end token: a model would never stop")]
)
def test_a_tokenizer_that_lacks_a_token_is_refused(base, tmp_path, fields, message):
    save_without(load_tokenizer(base), tmp_path, *fields)
    with pytest.raises(TrainingError, match=message):
        load_tokenizer(tmp_path)


def test_any_text_survives_the_tokenizer():
    tokenizer = build_tokenizer(["abc def"], 320)
    for text in ("def f(x):\n    return [x, 10]", "µ → 🙂", " lead", "tab\t\r\n"):
        assert tokenizer.decode(tokenizer(text).input_ids) == text


def test_log_probs_match_the_plain_forward_pass(base):
    tokenizer, model = load_tokenizer(base), load_causal_lm(base).eval()
    states = [[Message("user", "say w1")], [Message("user", "say something longer")]]
    encoded = encode_examples(tokenizer, states, ["w1", "w2 and more"])
    with torch.inference_mode():
        values, rows = token_log_probs(model, encoded)
        for index, example in enumerate(encoded):
            logits = model(input_ids=torch.tensor([example.ids])).logits[0].log_softmax(-1)
            expected = [logits[i - 1, t].item() for i, t in enumerate(example.labels) if t != IGNORED]
            assert values[rows == index].tolist() == pytest.approx(expected, abs=1e-4)


def test_batches_hold_every_example_once_per_epoch_within_the_budget():
    rng = random.Random(0)
    lengths = [rng.randint(1, 90) for _ in range(3000)]
    plan = plan_batches(lengths, OptimizerConfig(epochs=2, batch_tokens=256), 0)
    assert sorted(i for batch in plan for i in batch) == sorted([*range(3000), *range(3000)])
    assert all(len(batch) * max(lengths[i] for i in batch) <= 256 for batch in plan)
    assert plan != plan_batches(lengths, OptimizerConfig(epochs=2, batch_tokens=256), 1)


def test_a_number_of_steps_gives_that_many_batches_from_whole_epochs():
    lengths = [10] * 100
    config = OptimizerConfig(epochs=1, batch_tokens=100)
    assert len(plan_batches(lengths, config, 0)) == 10
    plan = plan_batches(lengths, config, 0, 25)
    assert len(plan) == 25
    assert sorted(i for batch in plan[:20] for i in batch) == sorted([*range(100), *range(100)])
    assert len(plan_batches(lengths, config, 0, 3)) == 3


def examples(count=24):
    return [
        SftExample("p", f"r{i}", 0, (Message("user", f"say w{i}"),), f"```python\nyes{i}\n```") for i in range(count)
    ]


def test_finetuning_lowers_the_loss_and_repeats_bit_for_bit(base, tmp_path):
    config = OptimizerConfig(epochs=4, learning_rate=5e-3, batch_tokens=256)
    report = finetune(examples(), base, tmp_path / "a", config, 0)
    assert report.loss_after < report.loss_before - 0.3
    assert report.num_examples == 24
    finetune(examples(), base, tmp_path / "b", config, 0)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    finetune(examples(), base, tmp_path / "c", config, 1)
    assert digests(tmp_path / "a") != digests(tmp_path / "c")


def test_the_base_repeats_bit_for_bit(tmp_path):
    dialogues = [dialogue(f"w{i}") for i in range(20)]
    for name in "ab":
        build_base(dialogues, tmp_path / name, TINY, 3)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_examples_that_are_too_long_are_counted_and_excluded(base, tmp_path):
    long = SftExample("p", "r", 0, (Message("user", "x " * 500),), "y")
    report = finetune([*examples(), long], base, tmp_path, OptimizerConfig(max_length=100), 0)
    assert (report.num_examples, report.num_too_long) == (24, 1)
    with pytest.raises(TrainingError, match="none of 1 examples"):
        finetune([long], base, tmp_path, OptimizerConfig(max_length=100), 0)
    with pytest.raises(TrainingError, match="none of 0 examples"):
        finetune([], base, tmp_path, OptimizerConfig(), 0)


def test_a_diverging_fit_stops_with_its_step(base, tmp_path):
    with pytest.raises(TrainingError, match=r"step \d+ of .*\n.*lower learning_rate"):
        finetune(examples(), base, tmp_path, OptimizerConfig(epochs=40, learning_rate=1e30, batch_tokens=64), 0)


ASKED = {"question": "Right?", "answers": ("y", "n")}


def pairs(count=40):
    return [VerifierPair(f"p{i}", f"say w{i}", f"good{i % 5}", f"bad{i % 7}") for i in range(count)]


@pytest.mark.parametrize("loss", ["bt", "bce"])
@pytest.mark.parametrize("kind", ["head", "likelihood", "token"])
def test_the_verifier_learns_to_separate_programs(base, tmp_path, kind, loss):
    l2 = 0.0 if kind == "likelihood" else 1e-3
    config = VerifierConfig(score=kind, **ASKED, loss=loss, epochs=6, learning_rate=5e-3, batch_tokens=512, score_l2=l2)
    report = fit_verifier(pairs(), base, tmp_path / "a", config, 0)
    assert report.num_pairs == 40
    assert report.train_pair_accuracy > 0.9
    fresh = [(f"say z{i}", code) for i in range(8) for code in (f"good{i}", f"bad{i}")]
    scores = score_programs(tmp_path / "a", fresh)
    assert sum(good > bad for good, bad in zip(scores[::2], scores[1::2], strict=True)) >= 7
    fit_verifier(pairs(), base, tmp_path / "b", config, 0)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_cross_entropy_puts_correct_programs_above_zero_and_incorrect_ones_below(base, tmp_path):
    def spread(loss):
        config = VerifierConfig(score="head", loss=loss, epochs=8, learning_rate=5e-3, batch_tokens=512, score_l2=0.0)
        fit_verifier(pairs(), base, tmp_path / loss, config, 0)
        scores = score_programs(tmp_path / loss, [(f"say w{i}", w) for i in range(5) for w in (f"good{i}", f"bad{i}")])
        return min(scores[::2]), max(scores[1::2])

    lowest_correct, highest_incorrect = spread("bce")
    assert highest_incorrect < 0 < lowest_correct


@pytest.mark.parametrize("kind", ["head", "likelihood", "token"])
def test_a_score_depends_on_its_own_item_only(base, tmp_path, kind):
    fit_verifier(pairs(8), base, tmp_path, VerifierConfig(score=kind, **ASKED, epochs=1), 0)
    items = [(f"say w{i}", "good " * (i % 9)) for i in range(30)]
    alone = [score_programs(tmp_path, [item])[0] for item in items]
    assert score_programs(tmp_path, items) == pytest.approx(alone, abs=1e-4)
    assert score_programs(tmp_path, items[::-1] + items)[:30] == pytest.approx(alone[::-1], abs=1e-4)


def test_no_pairs_are_refused_with_a_hint(base, tmp_path):
    with pytest.raises(TrainingError, match=r"no pairs of a correct and an incorrect program.*\n.*num_rollouts"):
        fit_verifier([], base, tmp_path, VerifierConfig(), 0)


def test_an_invalid_checkpoint_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="tokenizer"):
        finetune(examples(), tmp_path, tmp_path / "out", OptimizerConfig(), 0)


ROLLOUTS = [
    make_rollout("r0", "a", ("a0", False, False), ("a1", True, True)),
    make_rollout("r1", "a", ("a2", True, False), (None, False, False)),
    make_rollout("r2", "a", ("a0", False, False), ("a3", True, True)),
    make_rollout("r3", "b", ("b0", False, False)),
]


def test_pairs_cross_correct_and_incorrect_programs_of_every_turn():
    problems = {pid: make_problem(pid) for pid in "ab"}
    made = make_pairs(label_programs(ROLLOUTS), problems, 10, 0)
    assert {(p.chosen, p.rejected) for p in made} == {(c, r) for c in ("a1", "a3") for r in ("a0", "a2")}
    assert {p.problem_id for p in made} == {"a"}
    assert made[0].prompt == "Write f for a.\nassert f(1) == 2", "the first message only"


def test_pairs_are_drawn_by_seed_and_problem():
    problems = {pid: make_problem(pid) for pid in "ab"}
    few = make_pairs(label_programs(ROLLOUTS), problems, 2, 5)
    assert len(few) == len({(p.chosen, p.rejected) for p in few}) == 2
    assert make_pairs(label_programs(ROLLOUTS[:3]), problems, 2, 5) == few


def test_nothing_solved_is_refused_with_a_hint():
    with pytest.raises(TrainingError, match=r"0 of 1 problems solved: nothing to learn from\n.*num_rollouts"):
        label_programs(ROLLOUTS[3:])


def test_solutions_make_dialogues():
    (only,) = dialogues_from_solutions([make_problem("a"), make_problem("b", reference_solution=None)])
    assert only[-1].content.startswith("```python\ndef f(x):")
