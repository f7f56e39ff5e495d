"""What chat formats put around an answer: end tokens, role markers, invented further turns, reasoning."""

from __future__ import annotations

import re

_NAMED_ENDS = (
    "endoftext|im_end|eot_id|eom_id|end_of_text|end|return|EOT|end_of_turn|endofturn|fim_pad|END_OF_TURN_TOKEN"
)
_END_TOKEN = (
    rf"(?:<\|(?:{_NAMED_ENDS})\|>|<(?:end_of_turn|eos|EOS|pad|end_of_sentence)>|</s>|\[/INST\]|<｜end▁of▁sentence｜>)"
)
_END = re.compile(rf"{_END_TOKEN}\Z")
_LONGEST_END = 40
"""Characters."""
_NEXT_TURN = re.compile(
    rf"{_END_TOKEN}\s*(?:<\|(?:im_start|start_header_id|user|system)\|>|<start_of_turn>|<s>|\[INST\]|<｜User｜>)"
)
_FEW_SHOT_END = re.compile(r"^\[DONE\][ \t]*$", re.MULTILINE)
"""With which prompts of examples end a program; what follows is another example."""
_BEGIN = re.compile(r"\s*<s> ?")
_ROLE = re.compile(
    r"\s*(?:<\|im_start\|>assistant\n|<\|start_header_id\|>assistant<\|end_header_id\|>|<\|assistant\|>"
    r"|<start_of_turn>model\n|<｜Assistant｜>|<\|python_tag\|>)"
)
_FINAL_CHANNEL = re.compile(r"<\|channel\|>final[^<]*<\|message\|>")

_NAMES = "think|thinking|thought|thoughts|reasoning|reflection|scratchpad|analysis|seed:think"
_OPEN = re.compile(
    rf"\s*(?:<(?:{_NAMES})(?:\s[^<>]*)?>|\[THINK\]|<\|begin_of_thought\|>|◁think▷|<\|channel\|>analysis<\|message\|>)",
    re.IGNORECASE,
)
_CLOSE = re.compile(rf"(?:</(?:{_NAMES})>|\[/THINK\]|<\|end_of_thought\|>|◁/think▷)", re.IGNORECASE)


def unwrap(text: str) -> str:
    """The answer without a byte order mark, role markers before it, and end tokens or invented turns after it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    if finals := list(_FINAL_CHANNEL.finditer(text)):
        text = text[finals[-1].end() :]
    for before in (_BEGIN, _ROLE):
        if (found := before.match(text)) is not None:
            text = text[found.end() :]
    for after in (_NEXT_TURN, _FEW_SHOT_END):
        if (found := after.search(text)) is not None and text[: found.start()].strip():
            text = text[: found.start()]
    return strip_ends(text)


def strip_ends(text: str) -> str:
    """The text without end-of-text tokens at its end."""
    kept = text
    while (end := _END.search(stripped := kept.rstrip(), max(0, len(stripped) - _LONGEST_END))) is not None:
        kept = stripped[: end.start()].rstrip()
    return kept


def split_reasoning(text: str) -> tuple[str, str]:
    """The reasoning and the answer behind it.

    A closing tag alone counts, since templates write the opening one. Reasoning that never ends hides an answer or is
    cut off; then all of it is the answer.
    """
    end = 0
    while (opening := _OPEN.match(text, end)) is not None:
        closing = _CLOSE.search(text, opening.end())
        if closing is None:
            return text[:end], text[opening.end() :]
        end = closing.end()
    if end:
        return text[:end], text[end:]
    closings = list(_CLOSE.finditer(text))
    if closings and text[: closings[0].start()].count("```") % 2 == 0:
        return text[: closings[-1].end()], text[closings[-1].end() :]
    return "", text
