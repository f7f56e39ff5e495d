"""Fitting the verifier (paper section 4.1, Algorithm 1 line 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from mucode_core.causal_lm import length_batches, load_tokenizer
from mucode_core.config import VerifierConfig
from mucode_core.encoding import Encoded
from mucode_core.errors import TrainingError
from mucode_core.optimization import fit
from mucode_core.progress import Progress, ignore
from mucode_core.types import VerifierPair
from mucode_core.verifier.losses import pair_loss
from mucode_core.verifier.model import Verifier, encode_programs, new_verifier

_CENTRE_PAIRS = 256


@dataclass(frozen=True)
class VerifierReport:
    """What a fit of the verifier did."""

    num_pairs: int
    num_too_long: int
    """Left out: a side longer than `max_length` tokens."""
    num_steps: int
    num_tokens: int
    loss: float
    train_pair_accuracy: float
    """Share of the training pairs ordered rightly while they were trained on, second half of the steps."""


def fit_verifier(
    pairs: Sequence[VerifierPair],
    init_dir: Path,
    out_dir: Path,
    config: VerifierConfig,
    seed: int,
    progress: Progress = ignore,
) -> VerifierReport:
    """Fits the verifier on pairs of a correct and an incorrect program; see `pair_loss`.

    Both losses see the same programs, as many correct as incorrect. The score that means undecided is 0 for a scalar
    head; a log-likelihood is never positive, so there it is the mean score under the initial weights.

    Args:
        pairs: All iterations'.
        init_dir: Language model to start from.
        out_dir: Where the verifier is saved.
        config: Kind of score, loss, regulariser, optimisation.
        seed: Fresh head and order of the pairs.
        progress: Hears of tokens.

    Raises:
        TrainingError: There are no pairs, or the loss diverges.
    """
    tokenizer = load_tokenizer(init_dir)
    rows = encode_pairs(tokenizer, pairs, config.max_length)
    verifier = new_verifier(init_dir, config.score, seed)
    centre = _mean_score(verifier, rows) if (config.loss, config.score) == ("bce", "likelihood") else 0.0
    ordered: list[float] = []

    def loss_of(batch: list[int]) -> torch.Tensor:
        scores = verifier([rows[i][0] for i in batch] + [rows[i][1] for i in batch])
        right, wrong = scores[: len(batch)], scores[len(batch) :]
        ordered.append((right > wrong).float().mean().item())
        return pair_loss(right, wrong, config.loss, score_l2=config.score_l2, centre=centre)

    lengths = [len(c.ids) + len(r.ids) for c, r in rows]
    report = fit(verifier, lengths, loss_of, config, seed, progress)
    verifier.save(out_dir)
    tokenizer.save_pretrained(out_dir)
    later = ordered[len(ordered) // 2 :]
    return VerifierReport(
        num_pairs=len(rows),
        num_too_long=len(pairs) - len(rows),
        num_steps=report.num_steps,
        num_tokens=report.num_tokens,
        loss=report.loss,
        train_pair_accuracy=sum(later) / len(later),
    )


def encode_pairs(
    tokenizer: PreTrainedTokenizerBase, pairs: Sequence[VerifierPair], max_length: int
) -> list[tuple[Encoded, Encoded]]:
    """The pairs of which both sides fit.

    Raises:
        TrainingError: There are none.
    """
    chosen = encode_programs(tokenizer, [(p.prompt, p.chosen) for p in pairs])
    rejected = encode_programs(tokenizer, [(p.prompt, p.rejected) for p in pairs])
    rows = [(c, r) for c, r in zip(chosen, rejected, strict=True) if max(len(c.ids), len(r.ids)) <= max_length]
    if not rows:
        raise TrainingError(
            f"no pairs of a correct and an incorrect program (of {len(pairs)}, none fits {max_length} tokens)",
            place="verifier",
            cure="roll out more (rollouts.num_rollouts), raise the temperature, or raise verifier.max_length",
        )
    return rows


@torch.inference_mode()
def _mean_score(verifier: Verifier, rows: Sequence[tuple[Encoded, Encoded]]) -> float:
    """Over both sides of the first pairs; the place of the sigmoid needs no precision."""
    verifier.eval()
    sides = [side for pair in rows[:_CENTRE_PAIRS] for side in pair]
    means = [verifier(batch).mean().item() * len(batch) for batch in length_batches(sides)]
    return sum(means) / len(sides)
