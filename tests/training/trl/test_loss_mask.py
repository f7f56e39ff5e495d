"""What is supervised, on the chat templates that real models are published with (as TRL carries them)."""

from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from mucode_core.generator.bootstrap import build_tokenizer
from mucode_core.models.chat_encoding import IGNORED, encode_examples, encode_prompts
from mucode_core.prompts import render_code
from mucode_core.types import Message

trl = pytest.importorskip("trl", reason="TRL is not installed")

LLAMA = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|finetune_right_pad_id|>")
QWEN = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MODELS = {
    "llama3": (LLAMA, "<|begin_of_text|>", "<|eot_id|>", "<|finetune_right_pad_id|>"),
    "llama3_1": (LLAMA, "<|begin_of_text|>", "<|eot_id|>", "<|finetune_right_pad_id|>"),
    "llama3_2": (LLAMA, "<|begin_of_text|>", "<|eot_id|>", "<|finetune_right_pad_id|>"),
    "qwen2_5": (QWEN, None, "<|im_end|>", "<|endoftext|>"),
    "demo": ((), None, "<|end|>", "<|pad|>"),
}
STATE = (
    Message("user", "Write a function to add.\n\nassert add(1, 2) == 3"),
    Message("assistant", "```python\ndef add(a, b):\n    return a - b\n```"),
    Message("user", "Feedback: add(1, 2) returned -1, not 3"),
)
SYSTEM = {"Cutting", "Knowledge", "Date:", "December", "2023", "Today", "26", "Jul", "2024"} | {
    "You",
    "are",
    "Qwen,",
    "created",
    "by",
    "Alibaba",
    "Cloud.",
    "a",
    "helpful",
    "assistant.",
}
TARGET = render_code("def add(a, b):\n    return a + b  # <b>µ</b>")


@pytest.fixture(params=MODELS)
def tokenizer(request):
    special, begin, end, padding = MODELS[request.param]
    made = build_tokenizer([m.content for m in STATE], 400)
    if request.param == "demo":
        return made
    path = Path(trl.__file__).parent / "chat_templates" / f"{request.param}.jinja"
    made = PreTrainedTokenizerFast(
        tokenizer_object=made.backend_tokenizer, bos_token=begin, eos_token=end, pad_token=padding
    )
    made.add_special_tokens({"additional_special_tokens": list(special)})
    made.chat_template = path.read_text()
    return made


def test_exactly_the_completion_and_its_end_token_are_supervised(tokenizer):
    (encoded,) = encode_examples(tokenizer, [STATE], [TARGET])
    labelled = [i for i, label in enumerate(encoded.labels) if label != IGNORED]
    assert labelled == list(range(labelled[0], len(encoded.ids))), "one stretch, up to the last token"
    assert [encoded.labels[i] for i in labelled] == [encoded.ids[i] for i in labelled]
    assert tokenizer.decode([encoded.ids[i] for i in labelled]) == TARGET + tokenizer.eos_token
    assert encoded.ids[-1] == tokenizer.eos_token_id != tokenizer.pad_token_id


def test_the_unlabelled_prefix_is_the_sampling_prompt(tokenizer):
    (encoded,) = encode_examples(tokenizer, [STATE], [TARGET])
    (prompt,) = encode_prompts(tokenizer, [STATE])
    assert encoded.ids[: len(prompt)] == prompt
    assert encoded.labels[: len(prompt)] == [IGNORED] * len(prompt)
    assert encoded.labels[len(prompt)] != IGNORED
    if tokenizer.bos_token_id is not None:
        assert encoded.ids.count(tokenizer.bos_token_id) == 1


def test_inputs_hold_the_messages_and_nothing_else_but_the_template(tokenizer):
    (encoded,) = encode_examples(tokenizer, [STATE], [TARGET])
    text = tokenizer.decode(encoded.ids)
    for message in (*STATE, Message("assistant", TARGET)):
        assert text.count(message.content) == 1
        text = text.replace(message.content, "")
    for token in tokenizer.get_added_vocab():
        text = text.replace(token, " ")
    words = set(text.split())
    assert words <= {"user", "assistant", "system"} | SYSTEM, "no marker that inference does not see"


def test_the_trainer_pads_with_ignored_labels(tokenizer):
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    rows = encode_examples(tokenizer, [STATE, STATE[:1]], [TARGET, TARGET])
    collate = DataCollatorForLanguageModeling(pad_token_id=tokenizer.pad_token_id)
    batch = collate([{"input_ids": row.ids, "labels": row.labels} for row in rows])
    longest = len(rows[0].ids)
    for index, row in enumerate(rows):
        assert batch["input_ids"][index].tolist() == row.ids + [tokenizer.pad_token_id] * (longest - len(row.ids))
        assert batch["labels"][index].tolist() == row.labels + [IGNORED] * (longest - len(row.ids))
