"""The two kinds of verifier: a scalar head (paper), and the program's log-likelihood (this project's).

Both read the first user message and the program, never the history.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerBase

from mucode_core.causal_lm import load_causal_lm, load_tokenizer, token_log_probs
from mucode_core.checkpoints import VERIFIER_MARK, read_score_kind
from mucode_core.encoding import Encoded, encode_examples
from mucode_core.optimization import pad
from mucode_core.prompts import render_code
from mucode_core.types import Message

Kind = Literal["head", "likelihood"]


class Verifier(nn.Module):
    """R(x, y): a real number for a prompt and a program.

    Args:
        model: A one-label sequence classifier (`head`) or a causal language model (`likelihood`).
        kind: Which of the two.
    """

    def __init__(self, model: Any, kind: Kind) -> None:
        super().__init__()
        self.model = model
        self.kind: Kind = kind

    def forward(self, examples: Sequence[Encoded]) -> torch.Tensor:
        """Scores [batch]: the head's output at the last token, or the sum of the program's log-probabilities, nats."""
        if self.kind == "likelihood":
            values, rows = token_log_probs(self.model, examples)
            return values.new_zeros(len(examples)).index_add(0, rows, values)
        ids = pad([e.ids for e in examples], self.model.config.pad_token_id).to(self.model.device)
        return self.model(input_ids=ids).logits[:, 0]

    def save(self, out_dir: Path) -> None:
        """Writes a Hugging Face checkpoint and its kind."""
        self.model.save_pretrained(out_dir)
        write_mark(out_dir, self.kind)


def write_mark(checkpoint: Path, kind: Kind) -> None:
    """Makes a checkpoint a verifier's."""
    (checkpoint / VERIFIER_MARK).write_text(json.dumps({"score": kind}), "utf-8")


def new_verifier(init_dir: Path, kind: Kind, seed: int) -> Verifier:
    """A verifier that starts from a language model's weights; a head is drawn afresh from `seed`."""
    if kind == "likelihood":
        return Verifier(load_causal_lm(init_dir), kind)
    torch.manual_seed(seed)
    return Verifier(_load_classifier(init_dir), kind)


def load_verifier(path: Path) -> Verifier:
    """A fitted verifier, for scoring.

    Raises:
        DataError: The directory holds none.
    """
    kind = read_score_kind(path)
    model = load_causal_lm(path) if kind == "likelihood" else _load_classifier(path)
    return Verifier(model, kind).eval()


def _load_classifier(path: Path) -> Any:
    pad_id = load_tokenizer(path).pad_token_id
    return AutoModelForSequenceClassification.from_pretrained(
        path, num_labels=1, pad_token_id=pad_id, dtype=torch.float32, local_files_only=True
    )


def encode_programs(tokenizer: PreTrainedTokenizerBase, items: Sequence[tuple[str, str]]) -> list[Encoded]:
    """Encodes (prompt, program) as a one-turn dialogue; the program and its end are labelled."""
    states = [[Message("user", prompt)] for prompt, _ in items]
    return encode_examples(tokenizer, states, [render_code(code) for _, code in items])


def shorten(example: Encoded, longest: int) -> Encoded:
    """At most so many tokens: what a verifier cannot read is the beginning, for the program comes last.

    Programs of one prompt are compared: without their end they could not be told apart.
    """
    return Encoded(example.ids[-longest:], example.labels[-longest:])
