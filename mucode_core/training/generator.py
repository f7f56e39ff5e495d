"""Fine-tuning of the generator by TRL (paper Algorithm 1 line 8)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from transformers import AutoModelForCausalLM

from mucode_core.causal_lm import load_tokenizer
from mucode_core.config import FinetuneConfig
from mucode_core.finetune import FinetuneReport, encode_fitting
from mucode_core.progress import Progress, ignore
from mucode_core.training.job import Job, read_steps, write_rows
from mucode_core.training.launch import Place, require_packages, run_job
from mucode_core.training.order import plan_order
from mucode_core.training.packing import pack
from mucode_core.training.saving import complete, merge_adapters
from mucode_core.types import SftExample

_MODULE = "mucode_core.training.sft_process"


def finetune(
    examples: Sequence[SftExample],
    base_dir: Path,
    out_dir: Path,
    config: FinetuneConfig,
    seed: int,
    place: Place,
    num_steps: int | None = None,
    progress: Progress = ignore,
) -> FinetuneReport:
    """Trains a copy of the base model to answer each state with its target; see `mucode_core.finetune.finetune`.

    The rows are those of that function, prompts by the chat template with labels on the target and its end-of-turn
    token alone. Another call with the same arguments after a kill goes on from the last checkpoint.

    Args:
        examples: States with their targets.
        base_dir: Checkpoint to start from.
        out_dir: Where model and tokenizer are saved.
        config: How long, how fast, on what.
        seed: Orders the examples.
        place: Scratch directory, log, loss curves.
        num_steps: Gradient steps instead of the configured epochs.
        progress: Hears of tokens.

    Raises:
        ConfigError: A package is missing.
        TrainingError: No example is left, the loss diverges, or memory runs out.
        TrainerError: A process was killed.
    """
    require_packages(config.trl, "finetune")
    tokenizer = load_tokenizer(base_dir)
    kept = encode_fitting(tokenizer, examples, config.max_length)
    columns = {"input_ids": [e.ids for e in kept], "labels": [e.labels for e in kept]}
    if config.trl.packing == "packed":
        columns = pack(columns, config.max_length)
    lengths = [len(ids) for ids in columns["input_ids"]]
    trained_dir = place.scratch / "adapters" if config.trl.lora_rank else out_dir
    job = Job(
        base_dir=str(base_dir),
        out_dir=str(trained_dir),
        scratch=str(place.scratch),
        curves_dir=str(place.curves_dir),
        settings=config.model_dump(mode="json"),
        order=plan_order(lengths, config.trl.batch_size, config.epochs, seed, num_steps),
        seed=seed,
        micro_batch_size=config.trl.micro_batch_size,
        resume_from="",
    )
    place.scratch.mkdir(parents=True, exist_ok=True)
    write_rows(job.rows_path, columns)
    run_job(_MODULE, job, config.trl, place, lengths, progress)
    if config.trl.lora_rank:
        merge_adapters(AutoModelForCausalLM, base_dir, trained_dir, out_dir, config.trl)
    complete(out_dir, tokenizer)
    losses = [step["eval_loss"] for step in read_steps(job.log_path) if "eval_loss" in step]
    return FinetuneReport(
        num_examples=len(kept),
        num_too_long=len(examples) - len(kept),
        num_steps=len(job.order) // config.trl.batch_size,
        num_tokens=sum(lengths[i] for i in job.order),
        loss_before=losses[0],
        loss_after=losses[-1],
    )
