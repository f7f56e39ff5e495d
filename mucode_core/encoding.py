"""Chat messages to token ids by the tokenizer's own chat template; no marker that inference does not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mucode_core.errors import DataError
from mucode_core.types import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TEMPLATE_VARIABLES = {"date_string": "26 Jul 2024"}
"""Given to every chat template: Llama 3's writes a date into the prompt, Llama 3.2's by itself today's, so that one
state would be another one tomorrow. The value is the default of Llama 3.1's template."""
IGNORED = -100
"""Label of a token that is no target."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids with their labels; a label is the id itself, or `IGNORED`."""

    ids: list[int]
    labels: list[int]


def encode_prompts(tokenizer: PreTrainedTokenizerBase, states: Sequence[Sequence[Message]]) -> list[list[int]]:
    """Ids of each state, ready for the model to answer."""
    return _tokenize(tokenizer, [_render(tokenizer, state, answer=True) for state in states])


def encode_examples(
    tokenizer: PreTrainedTokenizerBase, states: Sequence[Sequence[Message]], targets: Sequence[str]
) -> list[Encoded]:
    """Each state followed by its target and the end-of-turn token; only these two are labelled."""
    prompts = [_render(tokenizer, state, answer=True) for state in states]
    answers = [_answer(tokenizer, *row) for row in zip(states, prompts, targets, strict=True)]
    pairs = zip(_tokenize(tokenizer, prompts), _tokenize(tokenizer, answers), strict=True)
    return [Encoded(p + a, [IGNORED] * len(p) + a) for p, a in pairs]


def encode_dialogues(tokenizer: PreTrainedTokenizerBase, dialogues: Sequence[Sequence[Message]]) -> list[Encoded]:
    """Whole dialogues; every assistant turn is labelled."""
    states = [d[:i] for d in dialogues for i, m in enumerate(d) if m.role == "assistant"]
    targets = [m.content for d in dialogues for m in d if m.role == "assistant"]
    turns = iter(encode_examples(tokenizer, states, targets))
    return [_merge([next(turns) for m in d if m.role == "assistant"]) for d in dialogues]


def _merge(turns: list[Encoded]) -> Encoded:
    """Each turn's encoding extends the one before; the last holds all ids, the labels add up."""
    labels: list[int] = []
    for turn in turns:
        labels += turn.labels[len(labels) :]
    return Encoded(turns[-1].ids, labels)


def _answer(tokenizer: PreTrainedTokenizerBase, state: Sequence[Message], prompt: str, target: str) -> str:
    full = _render(tokenizer, [*state, Message("assistant", target)], answer=False)
    if not full.startswith(prompt):
        cure = "use a template whose generation prompt is a prefix of the answered dialogue"
        raise DataError("the chat template rewrites history", place="tokenizer.chat_template", cure=cure)
    end = str(tokenizer.eos_token or "")
    answer = full[len(prompt) :].rstrip()
    return answer if end and answer.endswith(end) else answer + end


def _render(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], *, answer: bool) -> str:
    plain = [{"role": m.role, "content": m.content} for m in messages]
    variables: dict[str, Any] = dict(TEMPLATE_VARIABLES)
    rendered = tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=answer, **variables)
    return str(rendered)


def _tokenize(tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> list[list[int]]:
    return tokenizer(texts, add_special_tokens=False).input_ids if texts else []
