"""Special tokens that stand in programs and feedback."""

from __future__ import annotations

from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from mucode_core.models.chat_encoding import IGNORED, encode_dialogues, encode_examples, encode_prompts
from mucode_core.types import Message

LLAMA = (
    "<|begin_of_text|>{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content | trim }}"
    "<|eot_id|>{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PHI = (
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
TEMPLATES = {
    "llama": (LLAMA, "<|eot_id|>", ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]),
    "chatml": (CHATML, "<|im_end|>", ["<|im_start|>", "<|im_end|>"]),
    "phi": (PHI, "<|end|>", ["<|user|>", "<|assistant|>", "<|end|>"]),
}


@pytest.fixture(params=TEMPLATES)
def tokenizer(request: pytest.FixtureRequest) -> Any:
    """Bytes as tokens, and a template in the form of a published model's, with its special tokens."""
    template, end, special = TEMPLATES[request.param]
    alphabet = {char: index for index, char in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    inner = Tokenizer(models.BPE(alphabet, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token=end, additional_special_tokens=special, chat_template=template
    )
    made.test_end = end
    return made


def count(tokenizer: Any, ids: list[int]) -> int:
    return ids.count(tokenizer.convert_tokens_to_ids(tokenizer.test_end))


def test_a_program_that_prints_the_end_token_does_not_end_its_turn(tokenizer: Any) -> None:
    end = tokenizer.test_end
    state = [Message("user", f"Print {end} twice."), Message("assistant", "x"), Message("user", f"got {end!r}")]
    program = f"print('{end}' * 2)\n# {end}"
    (example,) = encode_examples(tokenizer, [state], [program])
    (plain,) = encode_examples(tokenizer, [[Message(m.role, "x") for m in state]], ["x"])
    assert count(tokenizer, example.ids) == count(tokenizer, plain.ids)
    target = [i for i in example.labels if i != IGNORED]
    assert (count(tokenizer, target), target[-1]) == (1, tokenizer.convert_tokens_to_ids(end))
    assert tokenizer.decode(target[:-1]) == program


def test_the_whole_text_is_as_the_template_renders_it(tokenizer: Any) -> None:
    state = [Message("user", f"a {tokenizer.test_end} b {tokenizer.test_end}")]
    (ids,) = encode_prompts(tokenizer, [state])
    plain = [{"role": m.role, "content": m.content} for m in state]
    assert tokenizer.decode(ids) == tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=True)


def test_ordinary_text_is_encoded_as_the_tokenizer_does(tokenizer: Any) -> None:
    state = [Message("user", "Add two numbers; <|not_a_token|> é \u4e2d")]
    plain = [{"role": m.role, "content": m.content} for m in state]
    text = tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=True)
    assert encode_prompts(tokenizer, [state]) == [tokenizer(text, add_special_tokens=False).input_ids]


def test_a_target_that_is_the_end_token_alone_is_text_and_an_end(tokenizer: Any) -> None:
    (example,) = encode_examples(tokenizer, [[Message("user", "x")]], [tokenizer.test_end])
    target = [i for i in example.labels if i != IGNORED]
    assert tokenizer.decode(target) == tokenizer.test_end * 2
    assert count(tokenizer, target) == 1


def test_every_turn_of_a_dialogue_is_protected(tokenizer: Any) -> None:
    end = tokenizer.test_end
    turns = [Message("user", "a"), Message("assistant", f"b{end}"), Message("user", "c"), Message("assistant", "d")]
    (whole,) = encode_dialogues(tokenizer, [turns])
    labelled = [i for i in whole.labels if i != IGNORED]
    assert tokenizer.decode(labelled) == f"b{end}{end}d{end}"
    assert count(tokenizer, labelled) == 2
