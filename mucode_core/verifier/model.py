"""The kinds of verifier: a scalar head (paper), the program's log-likelihood, and the answer to a question (ours).

All read the first user message and the program, never the history.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional as F
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerBase

from mucode_core.models.answer_tokens import find_answers
from mucode_core.models.chat_encoding import IGNORED, Encoded, encode_examples, encode_prompts
from mucode_core.models.checkpoint_kind import read_scoring, write_mark
from mucode_core.prompts import render_code
from mucode_core.training.causal_lm import load_causal_lm, load_tokenizer, token_log_probs
from mucode_core.training.loop import pad
from mucode_core.types import Message, Scoring

CENTRE_PAIRS = 256
"""Pairs whose mean score centres the binary loss of a likelihood, which needs no precision."""


class Verifier(nn.Module):
    """R(x, y): the score of a program for a prompt.

    Args:
        model: A one-label sequence classifier (`head`), or a causal language model (`likelihood`, `token`).
        scoring: How it scores.
        answers: Kind token: ids of the tokens that answer yes and no.
    """

    def __init__(self, model: Any, scoring: Scoring, answers: tuple[int, int] = (0, 0)) -> None:
        super().__init__()
        self.model = model
        self.scoring = scoring
        self._answers = answers

    def forward(self, examples: Sequence[Encoded]) -> torch.Tensor:
        """Scores [batch] of what `encode_programs` gives with the scoring's question.

        The head's output at the last token; the sum of the program's log-probabilities, nats; or the log-odds of the
        answers to the question, nats.
        """
        if self.scoring.kind == "likelihood":
            values, rows = token_log_probs(self.model, examples)
            return values.new_zeros(len(examples)).index_add(0, rows, values)
        ids = pad([e.ids for e in examples], self.model.config.pad_token_id or 0).to(self.model.device)
        if self.scoring.kind == "head":
            return self.model(input_ids=ids).logits[:, 0]
        hidden = self.model.model(input_ids=ids).last_hidden_state
        ends = torch.tensor([len(e.ids) - 1 for e in examples], device=hidden.device)
        logits = self.model.lm_head(hidden[torch.arange(len(ends), device=hidden.device), ends])
        yes, no = self._answers
        return logits[:, yes] - logits[:, no]

    def save(self, out_dir: Path) -> None:
        """Writes a Hugging Face checkpoint and its kind."""
        self.model.save_pretrained(out_dir)
        write_mark(out_dir, self.scoring)


def new_verifier(init_dir: Path, scoring: Scoring, seed: int) -> Verifier:
    """A verifier initialised from a language model's weights; a head is initialised from `seed`."""
    torch.manual_seed(seed)
    return _load(init_dir, scoring)


def load_verifier(path: Path) -> Verifier:
    """A fitted verifier, for scoring.

    Raises:
        DataError: The directory does not hold a verifier.
    """
    return _load(path, read_scoring(path)).eval()


def _load(path: Path, scoring: Scoring) -> Verifier:
    if scoring.kind == "head":
        return Verifier(_load_classifier(path), scoring)
    model = load_causal_lm(path)
    if scoring.kind == "likelihood":
        return Verifier(model, scoring)
    return Verifier(model, scoring, find_answers(load_tokenizer(path), scoring.answers))


def _load_classifier(path: Path) -> Any:
    pad_id = load_tokenizer(path).pad_token_id
    return AutoModelForSequenceClassification.from_pretrained(
        path, num_labels=1, pad_token_id=pad_id, dtype=torch.float32, local_files_only=True
    )


def encode_programs(
    tokenizer: PreTrainedTokenizerBase, items: Sequence[tuple[str, str]], question: str = ""
) -> list[Encoded]:
    """Encodes (prompt, program) as a one-turn dialogue; the program and its end are labelled.

    A question follows as the second turn, up to where its answer begins; nothing is labelled then.
    """
    states = [[Message("user", prompt)] for prompt, _ in items]
    codes = [render_code(code) for _, code in items]
    if not question:
        return encode_examples(tokenizer, states, codes)
    turns = zip(states, codes, strict=True)
    asked = [[*state, Message("assistant", code), Message("user", question)] for state, code in turns]
    return [Encoded(ids, [IGNORED] * len(ids)) for ids in encode_prompts(tokenizer, asked)]


def room_to_read(scoring: Scoring, context: int) -> int:
    """The most tokens that a verifier reads: its answer needs one."""
    return context - 1 if scoring.kind == "token" else context


def shorten(example: Encoded, longest: int) -> Encoded:
    """Truncates the beginning of a sequence, since the program comes last.

    Programs for one prompt are compared, and could not be distinguished without their ends.
    """
    return Encoded(example.ids[-longest:], example.labels[-longest:])


def pair_loss(
    right: torch.Tensor, wrong: torch.Tensor, kind: Literal["bt", "bce"], *, score_l2: float, centre: float = 0.0
) -> torch.Tensor:
    """Mean loss of pairs, plus score_l2 * mean(r^2).

    `bt`, Bradley-Terry: -log sigmoid(r_right - r_wrong). `bce`, binary cross-entropy on single programs: the mean of
    -log sigmoid(r_right - c) and -log sigmoid(c - r_wrong).

    Args:
        right: Scores [pairs] of the correct programs.
        wrong: Scores [pairs] of the incorrect ones.
        kind: Which loss.
        score_l2: Weight of the mean squared score.
        centre: c, the score that means undecided.
    """
    if kind == "bt":
        loss = -F.logsigmoid(right - wrong).mean()
    else:
        loss = -(F.logsigmoid(right - centre) + F.logsigmoid(centre - wrong)).mean() / 2
    return loss + score_l2 * torch.cat([right, wrong]).square().mean()
