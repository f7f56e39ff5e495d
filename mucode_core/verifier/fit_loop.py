"""Fitting the verifier (paper section 4.1, Algorithm 1 line 5), in this process.

Why there is a loop beside TRL: see `training/base.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from mucode_core.config import VerifierConfig
from mucode_core.errors import TrainingError
from mucode_core.models.chat_encoding import Encoded
from mucode_core.progress import Progress, ignore
from mucode_core.training.base import TrainingPaths
from mucode_core.training.causal_lm import length_batches, load_tokenizer
from mucode_core.training.loop import fit
from mucode_core.training.reports import VerifierReport
from mucode_core.types import VerifierPair
from mucode_core.verifier.model import CENTRE_PAIRS, Verifier, encode_programs, new_verifier, pair_loss


def fit_verifier(
    pairs: Sequence[VerifierPair],
    init_dir: Path,
    out_dir: Path,
    config: VerifierConfig,
    seed: int,
    place: TrainingPaths | None = None,
    num_steps: int | None = None,
    progress: Progress = ignore,
) -> VerifierReport:
    """Fits the verifier on pairs of a correct and an incorrect program, by either loss; see `pair_loss`.

    Args:
        pairs: Pairs of all iterations.
        init_dir: Language model to start from.
        out_dir: Directory for the verifier.
        config: Kind of score, loss, regulariser, optimisation.
        seed: Fresh head and order of the pairs.
        place: Not used: the loop keeps nothing beside the result.
        num_steps: Gradient steps instead of the configured epochs.
        progress: Called with counts of tokens.

    Raises:
        ConfigError: The tokenizer has no single token for an answer.
        TrainingError: There are no pairs, or the loss diverges.
    """
    del place
    tokenizer = load_tokenizer(init_dir)
    verifier = new_verifier(init_dir, config.scoring, seed)
    rows = encode_pairs(tokenizer, pairs, config.max_length, config.scoring.question)
    centre = _centre(verifier, rows, config)
    ordered: list[float] = []

    def loss_of(batch: list[int]) -> torch.Tensor:
        scores = verifier([rows[i][0] for i in batch] + [rows[i][1] for i in batch])
        right, wrong = scores[: len(batch)], scores[len(batch) :]
        ordered.append((right > wrong).float().mean().item())
        return pair_loss(right, wrong, config.loss, score_l2=config.score_l2, centre=centre)

    lengths = [len(c.ids) + len(r.ids) for c, r in rows]
    report = fit(verifier, lengths, loss_of, config, seed, progress, num_steps)
    verifier.save(out_dir)
    tokenizer.save_pretrained(out_dir)
    return VerifierReport(
        num_pairs=len(rows),
        num_too_long=len(pairs) - len(rows),
        **asdict(report),
        train_pair_accuracy=_mean_of_later(ordered),
    )


def _mean_of_later(values: Sequence[float]) -> float:
    """Mean of the second half."""
    later = values[len(values) // 2 :]
    return sum(later) / len(later)


def encode_pairs(
    tokenizer: PreTrainedTokenizerBase, pairs: Sequence[VerifierPair], max_length: int, question: str = ""
) -> list[tuple[Encoded, Encoded]]:
    """The pairs whose two sides fit, each followed by the question; see `encode_programs`.

    Raises:
        TrainingError: There are none.
    """
    chosen = encode_programs(tokenizer, [(p.prompt, p.chosen) for p in pairs], question)
    rejected = encode_programs(tokenizer, [(p.prompt, p.rejected) for p in pairs], question)
    rows = [(c, r) for c, r in zip(chosen, rejected, strict=True) if max(len(c.ids), len(r.ids)) <= max_length]
    if not rows:
        raise TrainingError(
            f"no pairs of a correct and an incorrect program (of {len(pairs)}, none fits {max_length} tokens)",
            location="verifier",
            hint="roll out more (rollouts.num_rollouts), raise the temperature or verifier.max_length, or fit on more "
            "rounds (verifier.window)",
        )
    return rows


def _centre(verifier: Verifier, rows: Sequence[tuple[Encoded, Encoded]], config: VerifierConfig) -> float:
    """The binary loss's centre: 0, but for a log-likelihood, which is never positive, the initial mean."""
    return _mean_score(verifier, rows) if (config.loss, config.score) == ("bce", "likelihood") else 0.0


@torch.inference_mode()
def _mean_score(verifier: Verifier, rows: Sequence[tuple[Encoded, Encoded]]) -> float:
    """Mean score over both sides of the first pairs; the centre of the sigmoid needs no precision."""
    verifier.eval()
    sides = [side for pair in rows[:CENTRE_PAIRS] for side in pair]
    means = [verifier(batch).mean().item() * len(batch) for batch in length_batches(sides)]
    return sum(means) / len(sides)
