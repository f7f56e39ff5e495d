"""Fitting the verifier with TRL (paper section 4.1, Algorithm 1 line 5)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, PreTrainedTokenizerBase

from mucode_core.config import VerifierConfig
from mucode_core.models.answer_tokens import find_answers
from mucode_core.models.chat_encoding import Encoded
from mucode_core.models.checkpoint_kind import write_mark
from mucode_core.progress import Progress, ignore
from mucode_core.training.base import TrainingPaths
from mucode_core.training.causal_lm import load_tokenizer
from mucode_core.training.reports import VerifierReport
from mucode_core.training.trl.fit import TrainingTask, fit
from mucode_core.training.trl.launch import require_packages
from mucode_core.types import VerifierPair
from mucode_core.verifier.fit_loop import encode_pairs

_MODULE = "mucode_core.verifier.reward_worker"


def fit_verifier(
    pairs: Sequence[VerifierPair],
    init_dir: Path,
    out_dir: Path,
    config: VerifierConfig,
    seed: int,
    location: TrainingPaths,
    num_steps: int | None = None,
    progress: Progress = ignore,
) -> VerifierReport:
    """Fits any kind of score on pairs; see `mucode_core.verifier.fit_loop.fit_verifier`.

    After a kill, another call with the same arguments resumes from the last checkpoint.

    Args:
        pairs: Pairs of all iterations.
        init_dir: Language model to start from.
        out_dir: Directory for the verifier.
        config: Kind of score, loss, regulariser, epochs, learning rate, devices.
        seed: Seed of the initial head and the order of the pairs.
        location: Scratch directory, log, loss curves.
        num_steps: Gradient steps instead of the configured epochs.
        progress: Called with counts of tokens.

    Raises:
        ConfigError: A package is missing, or the tokenizer has no single token for an answer.
        TrainingError: There are no pairs, the loss diverges, or memory runs out.
        TrainerError: A process was killed.
    """
    require_packages(config.trl, "verifier")
    tokenizer = load_tokenizer(init_dir)
    scoring = config.scoring
    if scoring.kind == "token":
        find_answers(tokenizer, scoring.answers)
    rows = encode_pairs(tokenizer, pairs, config.max_length, scoring.question)
    task = _make_task(rows, tokenizer, config)
    trained = fit(task, tokenizer, init_dir, out_dir, config, seed, location, num_steps, progress)
    write_mark(out_dir, scoring)
    steps = [step for step in trained.log if "loss" in step]
    last, later = steps[-max(1, len(steps) // 10) :], steps[len(steps) // 2 :]
    return VerifierReport(
        num_pairs=len(rows),
        num_too_long=len(pairs) - len(rows),
        num_steps=trained.num_steps,
        num_tokens=trained.num_tokens,
        loss=sum(step["loss"] for step in last) / len(last),
        train_pair_accuracy=sum(step["accuracy"] for step in later) / len(later),
    )


def _make_task(
    rows: Sequence[tuple[Encoded, Encoded]], tokenizer: PreTrainedTokenizerBase, config: VerifierConfig
) -> TrainingTask:
    lengths = [len(c.ids) + len(r.ids) for c, r in rows]
    columns = {"chosen_ids": [c.ids for c, _ in rows], "rejected_ids": [r.ids for _, r in rows]}
    if config.score == "head":
        head = {"num_labels": 1, "pad_token_id": tokenizer.pad_token_id}
        return TrainingTask(_MODULE, AutoModelForSequenceClassification, columns, lengths, head)
    if config.score == "likelihood":
        columns |= {"chosen_labels": [c.labels for c, _ in rows], "rejected_labels": [r.labels for _, r in rows]}
    return TrainingTask(_MODULE, AutoModelForCausalLM, columns, lengths)
