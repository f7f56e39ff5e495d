"""The tokens by which a verifier answers its question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mucode_core.errors import ConfigError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def find_answers(
    tokenizer: PreTrainedTokenizerBase, answers: tuple[str, str], location: str = "verifier.answers"
) -> tuple[int, int]:
    """Ids of the answers for a correct and for an incorrect program.

    Args:
        tokenizer: The model's.
        answers: The words.
        location: Where they are named.

    Raises:
        ConfigError: An answer is not a single token, or both are the same.
    """
    ids: list[int] = []
    hint = "name two words there that are single tokens of this model, such as y and n"
    for answer in answers:
        tokens = list(tokenizer(answer, add_special_tokens=False).input_ids)
        if len(tokens) != 1:
            problem = f"{answer!r} is {len(tokens)} tokens of {tokenizer.name_or_path or 'the tokenizer'}, not one"
            raise ConfigError(problem, location=location, hint=hint)
        ids += tokens
    if ids[0] == ids[1]:
        raise ConfigError(f"both are {answers[0]!r}", location=location, hint=hint)
    return ids[0], ids[1]
