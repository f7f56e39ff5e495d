"""Common code of the training processes: arguments, DeepSpeed, logging, failures."""

from __future__ import annotations

import atexit
import json
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.utils import is_flash_attn_2_available

from mucode_core.config import TrainedConfig, TrlConfig
from mucode_core.errors import MucodeError, TrainingError
from mucode_core.training.trl import deepspeed_extension
from mucode_core.training.trl.checkpoints import CHECKPOINTS_KEPT, mark_complete
from mucode_core.training.trl.job import TrainingJob, WorkerFailure

_PROJECT = "mucode"
"""Project name for trackers; for W&B, whose variable has priority, see `launch`."""
_NO_MEMORY = ("out of memory", "can't allocate memory", "STATUS_ALLOC_FAILED", "Failed to CUDA")
"""Messages of allocators, cuBLAS and similar libraries, NCCL ("Failed to CUDA calloc")."""


def run(train: Callable[[TrainingJob], None]) -> None:
    """The main function of a training process: runs the job and reports the reason of a failure.

    It does not return: native threads of process groups may abort during teardown, after everything was written.
    """
    job = TrainingJob.read(Path(sys.argv[1]))
    try:
        train(job)
        atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]  # lets trackers flush
        sys.stdout.flush()
        os._exit(0)
    except MucodeError as error:
        _give_up(job, WorkerFailure(False, error.problem, error.location, error.hint))
    except RuntimeError as error:
        if not any(text in str(error) for text in _NO_MEMORY):
            raise
        _give_up(job, _describe_memory(job, error))


def _give_up(job: TrainingJob, failure: WorkerFailure) -> None:
    failure.write(job.failure_path)
    sys.exit(f"{failure.location}: {failure.problem}")


def _describe_memory(job: TrainingJob, error: Exception) -> WorkerFailure:
    settings = job.settings
    problem = (
        f"out of memory with {job.micro_batch_size} examples at a time of up to {settings['max_length']} tokens: "
        f"{str(error).splitlines()[0]}"
    )
    hint = "lower trl.micro_batch_size or max_length, or set trl.gradient_checkpointing, trl.deepspeed=zero3, lora_rank"
    return WorkerFailure(True, problem, "", hint)


def make_arguments(job: TrainingJob, settings: TrainedConfig, *, evaluates: bool) -> dict[str, Any]:
    """Arguments common to the trainers of both models.

    Args:
        job: The training.
        settings: Its section of the configuration.
        evaluates: Whether to measure the loss on the evaluation rows before the first step.
    """
    trl, on_cpu = settings.trl, not torch.cuda.is_available()
    prepare_processes(trl)
    return {
        "output_dir": str(job.checkpoints_dir),
        "max_steps": len(job.order) // trl.batch_size,
        "per_device_train_batch_size": job.micro_batch_size,
        "per_device_eval_batch_size": job.micro_batch_size,
        "gradient_accumulation_steps": _accumulation(job, trl),
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": trl.scheduler,
        "warmup_steps": trl.warmup_ratio,  # below 1: a ratio
        "weight_decay": trl.weight_decay,
        "max_grad_norm": trl.max_grad_norm,
        "seed": job.seed % 2**32,
        "train_sampling_strategy": "sequential",  # the order is planned
        "bf16": trl.precision == "bfloat16",
        "fp16": False,
        "gradient_checkpointing": trl.gradient_checkpointing,
        "use_liger_kernel": trl.liger,
        "use_cpu": on_cpu,
        "ddp_backend": "gloo" if on_cpu else None,
        "deepspeed": make_deepspeed(job, trl, on_cpu=on_cpu) if trl.deepspeed != "none" else None,
        "save_strategy": "steps",
        "save_steps": trl.save_steps,
        "save_total_limit": CHECKPOINTS_KEPT,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "report_to": trl.tracker,
        "run_name": Path(job.curves_dir).name,
        "project": _PROJECT,
        "disable_tqdm": True,
        "eval_on_start": evaluates and not job.resume_from,
        "max_length": None,  # longer examples were excluded before
    }


def _accumulation(job: TrainingJob, trl: TrlConfig) -> int:
    return trl.batch_size // (job.micro_batch_size * trl.num_processes)


def prepare_processes(trl: TrlConfig) -> None:
    """Process-wide settings, to be made before a trainer.

    Disables cuDNN's attention, which plans again for each batch length, and here nearly every batch has its own; and
    without GPU, sets the communication backend of DeepSpeed.
    """
    torch.backends.cuda.enable_cudnn_sdp(False)
    if trl.deepspeed != "none" and not torch.cuda.is_available():
        import deepspeed

        deepspeed_extension.build()
        deepspeed.init_distributed(dist_backend="gloo")


def make_deepspeed(job: TrainingJob, trl: TrlConfig, *, on_cpu: bool) -> dict[str, Any]:
    """DeepSpeed's configuration (https://www.deepspeed.ai/docs/config-json/)."""
    zero: dict[str, Any] = {"stage": int(trl.deepspeed[-1]), "contiguous_gradients": True, "overlap_comm": not on_cpu}
    if trl.deepspeed == "zero3":
        zero["stage3_gather_16bit_weights_on_model_save"] = True  # otherwise the result is sharded
    return {
        "zero_optimization": zero,
        "bf16": {"enabled": trl.precision == "bfloat16"},
        "train_batch_size": trl.batch_size,
        "train_micro_batch_size_per_gpu": job.micro_batch_size,
        "gradient_accumulation_steps": _accumulation(job, trl),
        "gradient_clipping": trl.max_grad_norm,
    }


def model_arguments(trl: TrlConfig) -> dict[str, Any]:
    """Type for loading the checkpoint: 16 bits if trained weights are kept in float32 elsewhere.

    DeepSpeed's optimizer keeps them; with LoRA the base is frozen, see `finish`.
    """
    in_16_bits = trl.precision == "bfloat16" and (trl.deepspeed != "none" or trl.lora_rank > 0)
    flash = trl.attention == "flash_attention_2" or (
        trl.attention == "auto" and trl.precision == "bfloat16" and is_flash_attn_2_available()
    )
    return {
        "dtype": torch.bfloat16 if in_16_bits else torch.float32,
        "attn_implementation": "flash_attention_2" if flash else "sdpa",
        "local_files_only": True,
    }


def lora_config(trl: TrlConfig, task: str) -> Any:
    """Adapters on every projection of every block; None trains all weights."""
    if not trl.lora_rank:
        return None
    from peft import LoraConfig

    return LoraConfig(r=trl.lora_rank, lora_alpha=trl.lora_alpha, target_modules="all-linear", task_type=task)  # pyright: ignore[reportArgumentType]


class Reporter(TrainerCallback):
    """Logs each step for the parent process, stops a diverging training, and marks checkpoints as complete."""

    def __init__(self, job: TrainingJob) -> None:
        self._job = job

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        figures = {key: value for key, value in (logs or {}).items() if key in ("loss", "accuracy", "eval_loss")}
        if not state.is_world_process_zero or not figures:
            return
        with self._job.log_path.open("a", encoding="utf-8") as log:
            log.write(json.dumps({"step": state.global_step, "time": time.time()} | figures) + "\n")
        if not math.isfinite(figures.get("loss", 0.0)):
            location = f"step {state.global_step} of {state.max_steps}"
            raise TrainingError(f"the loss became {figures['loss']}", location=location, hint="lower learning_rate")

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if torch.distributed.is_initialized():
            torch.distributed.barrier()  # every process has written its part
        if state.is_world_process_zero:
            mark_complete(self._job.checkpoints_dir / f"checkpoint-{state.global_step}")


def finish(trainer: Any, job: TrainingJob, trl: TrlConfig) -> None:
    """Trains to completion, from the job's checkpoint if any, and saves the result."""
    if trl.lora_rank and trl.deepspeed == "none":
        _train_in_32_bits(trainer.model)
    trainer.train(resume_from_checkpoint=job.resume_from or None)
    if trainer.eval_dataset is not None:
        trainer.evaluate()
    trainer.model.config.use_cache = True  # the trainer disables it, which would be saved
    if trl.precision == "bfloat16" and trl.deepspeed == "none" and not trl.lora_rank:  # adapters are merged in float32
        trainer.model.to(torch.bfloat16)
    trainer.save_model(job.out_dir)
    if torch.distributed.is_initialized():
        torch.distributed.barrier()  # no process exits while another is saving


def _train_in_32_bits(model: torch.nn.Module) -> None:
    """Casts trained weights, including a verifier's head, which PEFT leaves in the base's type."""
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()
