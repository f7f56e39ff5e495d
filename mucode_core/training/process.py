"""What the processes of every training share: arguments, DeepSpeed, reports, failures."""

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
from mucode_core.training import extensions
from mucode_core.training.checkpoints import CHECKPOINTS_KEPT, mark_complete
from mucode_core.training.job import Failure, Job

_PROJECT = "mucode"
"""Under which trackers file their runs; for W&B, whose variable goes first, see `launch`."""
_NO_MEMORY = ("out of memory", "can't allocate memory", "STATUS_ALLOC_FAILED", "Failed to CUDA")
"""Of allocators, cuBLAS and its like, NCCL ("Failed to CUDA calloc")."""


def run(train: Callable[[Job], None]) -> None:
    """The main function of a training's process: reads the job that is named, and says why it failed if it did.

    It does not return: with all written, native threads of process groups may still abort while they are torn down.
    """
    job = Job.read(Path(sys.argv[1]))
    try:
        train(job)
        atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]  # trackers send what is left
        sys.stdout.flush()
        os._exit(0)
    except MucodeError as error:
        _give_up(job, Failure(False, error.problem, error.place, error.cure))
    except RuntimeError as error:
        if not any(text in str(error) for text in _NO_MEMORY):
            raise
        _give_up(job, _describe_memory(job, error))


def _give_up(job: Job, failure: Failure) -> None:
    failure.write(job.failure_path)
    sys.exit(f"{failure.place}: {failure.problem}")


def _describe_memory(job: Job, error: Exception) -> Failure:
    settings = job.settings
    problem = (
        f"out of memory with {job.micro_batch_size} examples at a time of up to {settings['max_length']} tokens: "
        f"{str(error).splitlines()[0]}"
    )
    cure = "lower trl.micro_batch_size or max_length, or set trl.gradient_checkpointing, trl.deepspeed=zero3, lora_rank"
    return Failure(True, problem, "", cure)


def make_arguments(job: Job, settings: TrainedConfig, *, evaluates: bool) -> dict[str, Any]:
    """Arguments that the trainers of both models take.

    Args:
        job: The training.
        settings: Its section of the configuration.
        evaluates: Measures the loss on the evaluation rows before the first step.
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
        "warmup_steps": trl.warmup_ratio,  # below 1 it is a share
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
        "max_length": None,  # longer examples were left out before
    }


def _accumulation(job: Job, trl: TrlConfig) -> int:
    return trl.batch_size // (job.micro_batch_size * trl.num_processes)


def prepare_processes(trl: TrlConfig) -> None:
    """What has to be settled before a trainer is made.

    Attention not by cuDNN, which plans it anew for each length of a batch, and here nearly every batch has its own; and
    without GPU, how DeepSpeed's processes talk.
    """
    torch.backends.cuda.enable_cudnn_sdp(False)
    if trl.deepspeed != "none" and not torch.cuda.is_available():
        import deepspeed

        extensions.build()
        deepspeed.init_distributed(dist_backend="gloo")


def make_deepspeed(job: Job, trl: TrlConfig, *, on_cpu: bool) -> dict[str, Any]:
    """DeepSpeed's configuration (https://www.deepspeed.ai/docs/config-json/)."""
    zero: dict[str, Any] = {"stage": int(trl.deepspeed[-1]), "contiguous_gradients": True, "overlap_comm": not on_cpu}
    if trl.deepspeed == "zero3":
        zero["stage3_gather_16bit_weights_on_model_save"] = True  # else the result is in pieces
    return {
        "zero_optimization": zero,
        "bf16": {"enabled": trl.precision == "bfloat16"},
        "train_batch_size": trl.batch_size,
        "train_micro_batch_size_per_gpu": job.micro_batch_size,
        "gradient_accumulation_steps": _accumulation(job, trl),
        "gradient_clipping": trl.max_grad_norm,
    }


def model_arguments(trl: TrlConfig) -> dict[str, Any]:
    """How the checkpoint is loaded: in 16 bits where what is trained is kept in float32 by other means.

    DeepSpeed's optimizer does so; with LoRA the base is frozen, see `finish`.
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
    """Writes each step's figures for the owner, ends a training that diverges, and marks checkpoints as complete."""

    def __init__(self, job: Job) -> None:
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
            place = f"step {state.global_step} of {state.max_steps}"
            raise TrainingError(f"the loss became {figures['loss']}", place=place, cure="lower learning_rate")

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if torch.distributed.is_initialized():
            torch.distributed.barrier()  # until every process has written its part
        if state.is_world_process_zero:
            mark_complete(self._job.checkpoints_dir / f"checkpoint-{state.global_step}")


def finish(trainer: Any, job: Job, trl: TrlConfig) -> None:
    """Trains to the end, from the checkpoint that the job names if any, and saves the result."""
    if trl.lora_rank and trl.deepspeed == "none":
        _train_in_32_bits(trainer.model)
    trainer.train(resume_from_checkpoint=job.resume_from or None)
    if trainer.eval_dataset is not None:
        trainer.evaluate()
    trainer.model.config.use_cache = True  # which a trainer switches off, and would be saved
    if trl.precision == "bfloat16" and trl.deepspeed == "none" and not trl.lora_rank:  # adapters are merged in float32
        trainer.model.to(torch.bfloat16)
    trainer.save_model(job.out_dir)
    if torch.distributed.is_initialized():
        torch.distributed.barrier()  # none ends while another still saves


def _train_in_32_bits(model: torch.nn.Module) -> None:
    """Of what is trained, the head of a verifier too, which PEFT leaves as the base is."""
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()
