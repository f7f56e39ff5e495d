"""Runs a training in processes of its own: torchrun, watched, ended as a tree, resumed from its checkpoints."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import Any

from mucode_core.config import TrlConfig
from mucode_core.errors import ConfigError, TrainerError, TrainingError
from mucode_core.files import write_json
from mucode_core.preflight.gpus import list_gpus, pin_devices
from mucode_core.process_tree import ProcessTree
from mucode_core.progress import Progress
from mucode_core.training.checkpoints import find_newest
from mucode_core.training.job import Failure, Job, newest_step

_POLL_S = 0.2
_GRACE_S = 2.0
_EXIT_CODE = re.compile(r"exitcode\s*:\s*(-?\d+)")  # in torchrun's summary, the process that failed first at its end


@dataclass(frozen=True)
class Place:
    """Where a training keeps what it needs and says what it does; none of it changes the result."""

    scratch: Path
    """Survives a kill; a later training with the same scratch directory goes on from its checkpoints."""
    log_path: Path
    curves_dir: Path


def run_job(module: str, job: Job, trl: TrlConfig, place: Place, lengths: Sequence[int], progress: Progress) -> None:
    """Runs the processes of a training to their end.

    Out of memory, it is tried once more with at most half the examples on a device at a time, the same a step.

    Args:
        module: Run in each process, with the job's file as its argument.
        job: What to do.
        trl: How many processes, on which devices.
        place: Where.
        lengths: Tokens of each row, for the progress.
        progress: Hears of tokens.

    Raises:
        TrainingError: It failed, or ran out of memory twice.
        TrainerError: A process was killed; another attempt goes on from the last checkpoint.
    """
    done = [0, *accumulate(lengths[i] for i in job.order)][:: trl.batch_size]

    def tell(step: int) -> None:
        progress(done[step], done[-1], "tokens")

    smaller = _halve(job, trl)
    if smaller is not None and _read_layout(job) == _layout(smaller, trl):  # an earlier attempt ran out of memory
        job, smaller = smaller, _halve(smaller, trl)
    failure = _attempt(module, job, trl, place, tell)
    if failure is not None and failure.out_of_memory and smaller is not None:
        with place.log_path.open("a", encoding="utf-8") as log:
            log.write(f"{failure.problem}; trying again with {smaller.micro_batch_size}\n")
        failure = _attempt(module, smaller, trl, place, tell)
    if failure is not None:
        raise TrainingError(failure.problem, place=failure.place or str(place.log_path), cure=failure.cure)


def _attempt(module: str, job: Job, trl: TrlConfig, place: Place, tell: Callable[[int], None]) -> Failure | None:
    """What the processes said against going on, if anything."""
    job.failure_path.unlink(missing_ok=True)
    _drop_foreign_checkpoints(job, trl)
    checkpoint = find_newest(job.checkpoints_dir)
    job = replace(job, resume_from=str(checkpoint) if checkpoint else "")
    tree = ProcessTree(_make_command(module, job.write(), trl), place.log_path, _make_environment(job, trl))
    try:
        while tree.poll() is None:
            time.sleep(_POLL_S)
            tell(newest_step(job.log_path))
    finally:
        tree.end(_GRACE_S)
    failure = Failure.read(job.failure_path)
    if failure is None and tree.poll() != 0:
        raise _explain(tree, place)
    return failure


def _explain(tree: ProcessTree, place: Place) -> TrainingError:
    tail = tree.read_tail()
    codes = [int(code) for code in _EXIT_CODE.findall(tail)] or [tree.poll() or 0]
    problem = f"the training ended with code {codes[-1]}; its log ends:\n{tail}"
    if codes[-1] < 0:
        cure = "run the same command again: it goes on from its last checkpoint; give it more memory if it comes back"
        return TrainerError(problem, place=str(place.log_path), cure=cure)
    return TrainingError(problem, place=str(place.log_path), cure="mend what the log names, then run again")


def _make_command(module: str, job_path: Path, trl: TrlConfig) -> list[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node"]
    return [*launcher, str(trl.num_processes), "--module", module, str(job_path)]


def _make_environment(job: Job, trl: TrlConfig) -> dict[str, str]:
    environment = {
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONWARNINGS": "ignore::FutureWarning",  # of libraries about each other: they would fill the log
        "HF_HUB_OFFLINE": "1",  # a base is a directory by now: nothing is to be asked for
        "TENSORBOARD_LOGGING_DIR": job.curves_dir,
        "WANDB_PROJECT": os.environ.get("WANDB_PROJECT", "mucode"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",  # DeepSpeed builds a part of itself with ninja
    }
    environment |= pin_devices(trl.gpus, "trl.gpus")
    if list_gpus():
        return environment | {"DS_ACCELERATOR": "cuda"}  # else what the launching worker has for itself is inherited
    threads = max(1, (os.cpu_count() or 1) // trl.num_processes)
    return environment | {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": str(threads)}


def _drop_foreign_checkpoints(job: Job, trl: TrlConfig) -> None:
    """A checkpoint is divided among processes: other numbers cannot go on from it."""
    if _read_layout(job) != _layout(job, trl):
        shutil.rmtree(job.checkpoints_dir, ignore_errors=True)
        write_json(job.layout_path, _layout(job, trl))


def _halve(job: Job, trl: TrlConfig) -> Job | None:
    """The job with at most half the micro-batch, the most that divides a process's share of the batch; None below 1."""
    share = trl.batch_size // trl.num_processes
    fitting = [size for size in range(1, job.micro_batch_size // 2 + 1) if share % size == 0]
    return replace(job, micro_batch_size=fitting[-1]) if fitting else None


def _layout(job: Job, trl: TrlConfig) -> list[Any]:
    return [trl.num_processes, trl.deepspeed, job.micro_batch_size]


def _read_layout(job: Job) -> list[Any] | None:
    return json.loads(job.layout_path.read_text("utf-8")) if job.layout_path.exists() else None


def require_packages(trl: TrlConfig, place: str) -> None:
    """Refuses settings whose packages are not installed.

    Raises:
        ConfigError: Naming the setting and the package.
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
            cure = f"pip install 'mucode[train]' {package.replace('_', '-')}, or choose another value"
            raise ConfigError(f"{package} is not installed", place=f"{place}.{key}", cure=cure)
