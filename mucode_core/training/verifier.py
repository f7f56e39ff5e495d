"""Fitting of the verifier by TRL (paper section 4.1, Algorithm 1 line 5)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from transformers import AutoModelForSequenceClassification

from mucode_core.causal_lm import load_tokenizer
from mucode_core.config import VerifierConfig
from mucode_core.progress import Progress, ignore
from mucode_core.training.job import Job, read_steps, write_rows
from mucode_core.training.launch import Place, require_packages, run_job
from mucode_core.training.order import plan_order
from mucode_core.training.saving import complete, merge_adapters
from mucode_core.types import VerifierPair
from mucode_core.verifier.fit import VerifierReport, encode_pairs
from mucode_core.verifier.model import write_mark

_MODULE = "mucode_core.training.reward_process"


def fit_verifier(
    pairs: Sequence[VerifierPair],
    init_dir: Path,
    out_dir: Path,
    config: VerifierConfig,
    seed: int,
    place: Place,
    progress: Progress = ignore,
) -> VerifierReport:
    """Fits a scalar head on pairs; see `mucode_core.verifier.fit.fit_verifier`.

    Another call with the same arguments after a kill goes on from the last checkpoint.

    Args:
        pairs: All iterations'.
        init_dir: Language model to start from.
        out_dir: Where the verifier is saved.
        config: Loss, regulariser, how long, how fast, on what.
        seed: Fresh head and order of the pairs.
        place: Scratch directory, log, loss curves.
        progress: Hears of tokens.

    Raises:
        ConfigError: A package is missing.
        TrainingError: There are no pairs, the loss diverges, or memory runs out.
        TrainerError: A process was killed.
    """
    require_packages(config.trl, "verifier")
    tokenizer = load_tokenizer(init_dir)
    rows = encode_pairs(tokenizer, pairs, config.max_length)
    lengths = [len(c.ids) + len(r.ids) for c, r in rows]
    trained_dir = place.scratch / "adapters" if config.trl.lora_rank else out_dir
    job = Job(
        base_dir=str(init_dir),
        out_dir=str(trained_dir),
        scratch=str(place.scratch),
        curves_dir=str(place.curves_dir),
        settings=config.model_dump(mode="json"),
        order=plan_order(lengths, config.trl.batch_size, config.epochs, seed),
        seed=seed,
        micro_batch_size=config.trl.micro_batch_size,
        resume_from="",
    )
    place.scratch.mkdir(parents=True, exist_ok=True)
    write_rows(job.rows_path, {"chosen_ids": [c.ids for c, _ in rows], "rejected_ids": [r.ids for _, r in rows]})
    run_job(_MODULE, job, config.trl, place, lengths, progress)
    if config.trl.lora_rank:
        head = {"num_labels": 1, "pad_token_id": tokenizer.pad_token_id}
        merge_adapters(AutoModelForSequenceClassification, init_dir, trained_dir, out_dir, config.trl, **head)
    complete(out_dir, tokenizer)
    write_mark(out_dir, "head")
    steps = [step for step in read_steps(job.log_path) if "loss" in step]
    last, later = steps[-max(1, len(steps) // 10) :], steps[len(steps) // 2 :]
    return VerifierReport(
        num_pairs=len(rows),
        num_too_long=len(pairs) - len(rows),
        num_steps=len(job.order) // config.trl.batch_size,
        num_tokens=sum(lengths[i] for i in job.order),
        loss=sum(step["loss"] for step in last) / len(last),
        train_pair_accuracy=sum(step["accuracy"] for step in later) / len(later),
    )
