"""A verifier with the weights of a language model as they are: a zero-shot judge."""

from __future__ import annotations

from pathlib import Path

from mucode_core.models.answer_tokens import find_answers
from mucode_core.models.checkpoint_files import place_file
from mucode_core.models.checkpoint_kind import write_mark
from mucode_core.training.causal_lm import load_tokenizer
from mucode_core.types import Scoring

_CARD = "README.md"


def make_untrained(init_dir: Path, out_dir: Path, scoring: Scoring) -> None:
    """Makes a verifier's checkpoint of a generator's; weights are linked where they can be, else copied.

    Raises:
        ConfigError: The tokenizer has no single token for an answer.
    """
    tokenizer = load_tokenizer(init_dir)
    if scoring.kind == "token":
        find_answers(tokenizer, scoring.answers)
    out_dir.mkdir(parents=True)
    for path in sorted(init_dir.iterdir()):
        if path.is_file() and path.name != _CARD:
            place_file(path.resolve(), out_dir / path.name)
    tokenizer.save_pretrained(out_dir)  # with its padding token
    write_mark(out_dir, scoring)
