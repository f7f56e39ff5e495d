"""Chat messages to token ids with the tokenizer's chat template; training adds no marker that inference lacks.

A special token's text inside a message (a program that prints `<|im_end|>`) is encoded as the text it is: read as the
token, it would end the turn there, and a model would learn to stop in the middle of a program.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mucode_core.errors import DataError
from mucode_core.types import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TEMPLATE_VARIABLES = {"date_string": "26 Jul 2024"}
"""Date for every chat template: Llama 3's templates write a date into the prompt, Llama 3.2's by default today's, which
would change states from day to day. The value is the default of Llama 3.1's template."""
_OPEN, _CLOSE = "\U0010fffc", "\U0010fffd"
"""Brackets around text that is no special token, while a template is rendered: private characters of the last plane."""
_PROTECTED = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")
IGNORED = -100
"""Label of a token that is not a target."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids and labels; a label is the id itself, or `IGNORED`."""

    ids: list[int]
    labels: list[int]


def encode_prompts(tokenizer: PreTrainedTokenizerBase, states: Sequence[Sequence[Message]]) -> list[list[int]]:
    """Ids of each state, including the generation prompt."""
    special = _special_tokens(tokenizer)
    protected = [_protect_state(special, state) for state in states]
    return _tokenize(tokenizer, [_render(tokenizer, state, answer=True) for state in protected])


def encode_examples(
    tokenizer: PreTrainedTokenizerBase, states: Sequence[Sequence[Message]], targets: Sequence[str]
) -> list[Encoded]:
    """Each state followed by its target and the end-of-turn token; only these two are labelled."""
    special = _special_tokens(tokenizer)
    states, targets = [_protect_state(special, state) for state in states], [_protect(special, t) for t in targets]
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
    """Merges the encodings of the turns, each of which extends the previous one: all ids, and the union of labels."""
    labels: list[int] = []
    for turn in turns:
        labels += turn.labels[len(labels) :]
    return Encoded(turns[-1].ids, labels)


def _answer(tokenizer: PreTrainedTokenizerBase, state: Sequence[Message], prompt: str, target: str) -> str:
    full = _render(tokenizer, [*state, Message("assistant", target)], answer=False)
    if not full.startswith(prompt):
        hint = "use a template whose generation prompt is a prefix of the answered dialogue"
        raise DataError("the chat template rewrites history", location="tokenizer.chat_template", hint=hint)
    end = str(tokenizer.eos_token or "")
    answer = full[len(prompt) :].rstrip()
    return answer if end and answer.endswith(end) else answer + end


def _render(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], *, answer: bool) -> str:
    plain = [{"role": m.role, "content": m.content} for m in messages]
    variables: dict[str, Any] = dict(TEMPLATE_VARIABLES)
    rendered = tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=answer, **variables)
    return str(rendered)


def _special_tokens(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str]:
    """Matches any special token; the longest where several begin at one place."""
    added = [str(token) for token in tokenizer.added_tokens_decoder.values() if token.special]
    tokens = sorted({*tokenizer.all_special_tokens, *added}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, tokens)) or r"\b\B")  # the latter matches nothing


def _protect_state(special: re.Pattern[str], state: Sequence[Message]) -> list[Message]:
    return [Message(m.role, _protect(special, m.content)) for m in state]


def _protect(special: re.Pattern[str], text: str) -> str:
    """The text, with each special token in it taken apart by brackets: neither template nor tokenizer sees one."""
    plain = text.replace(_OPEN, "").replace(_CLOSE, "")
    return special.sub(lambda found: f"{_OPEN}{found[0][0]}{_CLOSE}{found[0][1:]}", plain)


def _tokenize(tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> list[list[int]]:
    """Token ids; where a text has brackets, its parts are tokenized on their own, and the brackets dropped."""
    if not texts:
        return []
    parts = [_PROTECTED.split(text) for text in texts]
    ids = iter(tokenizer([part for each in parts for part in each], add_special_tokens=False).input_ids)
    return [[token for _ in each for token in next(ids)] for each in parts]
