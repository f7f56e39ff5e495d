"""Runs a training under torchrun: monitored, terminated as a process tree, resumed from its checkpoints."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import Any

from mucode_core.config import TrlConfig
from mucode_core.errors import ConfigError, TrainerError, TrainingError
from mucode_core.progress import Progress
from mucode_core.system.atomic_files import write_json
from mucode_core.system.gpus import list_gpus, pin_devices
from mucode_core.system.process_tree import ProcessTree
from mucode_core.training.base import TrainingPaths
from mucode_core.training.trl.checkpoints import find_newest
from mucode_core.training.trl.job import TrainingJob, WorkerFailure, newest_step

_POLL_S = 0.2
_GRACE_S = 2.0
_EXIT_CODE = re.compile(r"exitcode\s*:\s*(-?\d+)")  # the process that failed first, in torchrun's summary


def run_job(
    module: str, job: TrainingJob, trl: TrlConfig, location: TrainingPaths, lengths: Sequence[int], progress: Progress
) -> None:
    """Runs the processes of a training to completion.

    After running out of memory it is retried once with at most half the micro-batch and the same batch.

    Args:
        module: Module to run in each process, with the job's file as its argument.
        job: The training.
        trl: Number of processes and devices.
        location: Paths.
        lengths: Tokens of each row, for progress.
        progress: Called with tokens.

    Raises:
        TrainingError: It failed, or ran out of memory twice.
        TrainerError: A process was killed; another attempt resumes from the last checkpoint.
    """
    done = [0, *accumulate(lengths[i] for i in job.order)][:: trl.batch_size]

    def report(step: int) -> None:
        progress(done[step], done[-1], "tokens")

    smaller = _halve(job, trl)
    if smaller is not None and _read_layout(job) == _layout(smaller, trl):  # an earlier attempt ran out of memory
        job, smaller = smaller, _halve(smaller, trl)
    failure = _attempt(module, job, trl, location, report)
    if failure is not None and failure.out_of_memory and smaller is not None:
        with location.log_path.open("a", encoding="utf-8") as log:
            log.write(f"{failure.problem}; retrying with {smaller.micro_batch_size}\n")
        failure = _attempt(module, smaller, trl, location, report)
    if failure is not None:
        raise TrainingError(failure.problem, location=failure.location or str(location.log_path), hint=failure.hint)


def _attempt(
    module: str, job: TrainingJob, trl: TrlConfig, location: TrainingPaths, report: Callable[[int], None]
) -> WorkerFailure | None:
    """The failure that the processes reported, if any."""
    job.failure_path.unlink(missing_ok=True)
    _drop_foreign_checkpoints(job, trl)
    checkpoint = find_newest(job.checkpoints_dir)
    job = replace(job, resume_from=str(checkpoint) if checkpoint else "")
    tree = ProcessTree(_make_command(module, job.write(), trl), location.log_path, _make_environment(job, trl))
    try:
        while tree.poll() is None:
            time.sleep(_POLL_S)
            report(newest_step(job.log_path))
    finally:
        tree.end(_GRACE_S)
    failure = WorkerFailure.read(job.failure_path)
    if failure is None and tree.poll() != 0:
        raise _explain(tree, location)
    return failure


def _explain(tree: ProcessTree, location: TrainingPaths) -> TrainingError:
    tail = tree.read_tail()
    codes = [int(code) for code in _EXIT_CODE.findall(tail)] or [tree.poll() or 0]
    problem = f"the training ended with code {codes[-1]}; its log ends:\n{tail}"
    if codes[-1] < 0:
        hint = "run the same command again: it resumes from its last checkpoint; provide more memory if it fails again"
        return TrainerError(problem, location=str(location.log_path), hint=hint)
    return TrainingError(problem, location=str(location.log_path), hint="fix the error in the log, then run again")


def _make_command(module: str, job_path: Path, trl: TrlConfig) -> list[str]:
    # otherwise torchrun leaves a directory in the temporary directory; this one goes with the job
    places = ["--log_dir", str(job_path.parent / "torchrun")]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", *places, "--nproc_per_node"]
    return [*launcher, str(trl.num_processes), "--module", module, str(job_path)]


def _make_environment(job: TrainingJob, trl: TrlConfig) -> dict[str, str]:
    environment = {
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONWARNINGS": "ignore::FutureWarning",  # libraries' warnings about each other would fill the log
        "HF_HUB_OFFLINE": "1",  # the base is a local directory by now
        "TENSORBOARD_LOGGING_DIR": job.curves_dir,
        "WANDB_PROJECT": os.environ.get("WANDB_PROJECT", "mucode"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",  # DeepSpeed builds its extension with ninja
    }
    environment |= pin_devices(trl.gpus, "trl.gpus")
    if list_gpus():
        return environment | {"DS_ACCELERATOR": "cuda"}  # override the value inherited from the launching worker
    threads = max(1, (os.cpu_count() or 1) // trl.num_processes)
    return environment | {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": str(threads)}


def _drop_foreign_checkpoints(job: TrainingJob, trl: TrlConfig) -> None:
    """The sharding of checkpoints: another number of processes cannot resume from them."""
    if _read_layout(job) != _layout(job, trl):
        shutil.rmtree(job.checkpoints_dir, ignore_errors=True)
        write_json(job.layout_path, _layout(job, trl))


def _halve(job: TrainingJob, trl: TrlConfig) -> TrainingJob | None:
    """The job with the largest divisor of a process's batch up to half the micro-batch; None below 1."""
    share = trl.batch_size // trl.num_processes
    fitting = [size for size in range(1, job.micro_batch_size // 2 + 1) if share % size == 0]
    return replace(job, micro_batch_size=fitting[-1]) if fitting else None


def _layout(job: TrainingJob, trl: TrlConfig) -> list[Any]:
    return [trl.num_processes, trl.deepspeed, job.micro_batch_size]


def _read_layout(job: TrainingJob) -> list[Any] | None:
    return json.loads(job.layout_path.read_text("utf-8")) if job.layout_path.exists() else None


def require_packages(trl: TrlConfig, location: str) -> None:
    """Refuses settings whose packages are not installed.

    Raises:
        ConfigError: With the setting and the package.
    """
    needed = [
        ("backend", "trl", True),
        ("trl.deepspeed", "deepspeed", trl.deepspeed != "none"),
        ("trl.lora_rank", "peft", trl.lora_rank > 0),
        ("trl.attention", "flash_attn", trl.attention == "flash_attention_2"),
        ("trl.liger", "liger_kernel", trl.liger),
        ("trl.tracker", trl.tracker, trl.tracker in ("wandb", "trackio")),
    ]
    for key, package, is_needed in needed:
        if is_needed and find_spec(package) is None:
            hint = f"pip install 'mucode[train]' {package.replace('_', '-')}, or choose another value"
            raise ConfigError(f"{package} is not installed", location=f"{location}.{key}", hint=hint)
