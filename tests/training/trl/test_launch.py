"""Starting, monitoring and terminating the processes of a training."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from mucode_core.config import TrlConfig
from mucode_core.errors import ConfigError, TrainerError, TrainingError
from mucode_core.system.gpus import Gpu
from mucode_core.system.worker_pool import WorkerPool
from mucode_core.training.base import TrainingPaths
from mucode_core.training.trl import launch
from mucode_core.training.trl.job import TrainingJob, newest_step, read_steps
from mucode_core.training.trl.launch import require_packages, run_job
from tests.conftest import REPO
from tests.support.nvml import FakeDriver

FAKE = Path(__file__).parent / "fake_process.py"
TRL = TrlConfig(batch_size=4, micro_batch_size=4)


@pytest.fixture(autouse=True)
def fake_processes(monkeypatch):
    monkeypatch.setattr(launch, "_make_command", lambda module, path, trl: [sys.executable, str(FAKE), str(path)])
    monkeypatch.setattr(launch, "list_gpus", list)


def run(directory, how, trl=TRL, progress=lambda done, total, unit: None):
    location = TrainingPaths(directory / "scratch", directory / "logs" / "train.log", directory / "curves")
    location.scratch.mkdir(exist_ok=True)
    job = TrainingJob(
        "base",
        "out",
        str(location.scratch),
        "curves",
        {"how": how},
        [0, 1] * trl.batch_size,
        0,
        trl.micro_batch_size,
        "",
    )
    run_job("unused", job, trl, location, [10, 20], progress)


def read_log(directory):
    return (directory / "logs" / "train.log").read_text()


def test_progress_counts_tokens(tmp_path):
    heard = []
    run(tmp_path, "end", progress=lambda *report: heard.append(report))
    assert heard[-1] == (120, 120, "tokens")


def test_the_failure_that_a_process_reports_is_the_error(tmp_path):
    with pytest.raises(TrainingError, match="step 2: the loss became nan\n  hint: do this") as caught:
        run(tmp_path, "diverge")
    assert not isinstance(caught.value, TrainerError), "another attempt would end the same"


def test_a_crash_shows_the_end_of_the_log(tmp_path):
    with pytest.raises(TrainingError, match=r"ended with code 1; its log ends:\n(.|\n)*it does not work") as caught:
        run(tmp_path, "crash")
    assert not isinstance(caught.value, TrainerError)


def test_a_killed_process_is_retried_and_resumes(tmp_path):
    with pytest.raises(TrainerError, match="ended with code -9"):
        run(tmp_path, "kill")
    run(tmp_path, "end")
    lines = read_log(tmp_path).splitlines()
    assert lines[0] == "micro-batch 4 from the beginning"
    assert lines[-1].endswith("checkpoint-1"), "the second was not complete"


def test_a_changed_layout_does_not_resume(tmp_path):
    with pytest.raises(TrainerError):
        run(tmp_path, "kill")
    run(tmp_path, "end", TrlConfig(batch_size=4, micro_batch_size=2))
    assert read_log(tmp_path).splitlines()[-1] == "micro-batch 2 from the beginning"


def test_out_of_memory_is_retried_once_with_half(tmp_path):
    run(tmp_path, "oom")
    assert read_log(tmp_path).splitlines() == [
        "micro-batch 4 from the beginning",
        "out of memory with 4; retrying with 2",
        "micro-batch 2 from the beginning",
    ]


def test_another_attempt_keeps_the_reduced_size(tmp_path):
    run(tmp_path, "oom")
    run(tmp_path, "end")
    last = read_log(tmp_path).splitlines()[-1]
    assert last.startswith("micro-batch 2 from")
    assert last.endswith("checkpoint-1")


def test_out_of_memory_again_is_an_error_with_its_size(tmp_path):
    with pytest.raises(TrainingError, match="out of memory with 4"):
        run(tmp_path, "oom", TrlConfig(batch_size=8, micro_batch_size=8))


@pytest.mark.parametrize(
    ("batch_size", "micro_batch_size", "num_processes", "smaller"),
    [(3, 3, 1, 1), (15, 15, 1, 5), (12, 12, 1, 6), (24, 6, 2, 3), (20, 5, 2, 2)],
)
def test_the_largest_divisor_of_the_batch_is_tried(tmp_path, batch_size, micro_batch_size, num_processes, smaller):
    trl = TrlConfig(batch_size=batch_size, micro_batch_size=micro_batch_size, num_processes=num_processes)
    with contextlib.suppress(TrainingError):
        run(tmp_path, "oom", trl)
    assert f"micro-batch {smaller} from" in read_log(tmp_path)


def test_a_micro_batch_of_one_is_not_halved(tmp_path):
    with pytest.raises(TrainingError, match="out of memory with 1"):
        run(tmp_path, "always oom", TrlConfig(batch_size=1, micro_batch_size=1))
    assert read_log(tmp_path).count("micro-batch") == 1


def environment_of(directory):
    return json.loads((directory / "scratch" / "environment.json").read_text())


def test_processes_see_exactly_the_named_gpus(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "list_gpus", lambda: [Gpu(i, "A100", 80, 80) for i in range(8)])
    run(tmp_path, "end", TrlConfig(batch_size=4, micro_batch_size=2, num_processes=2, gpus=(5, 3)))
    assert environment_of(tmp_path)["CUDA_VISIBLE_DEVICES"] == "5,3"


def run_fake(directory, trl, num_gpus):
    """As `run`, by a worker on a machine with so many GPUs, by its driver's account."""
    FakeDriver(tuple(Gpu(i, "H100", 80, 80) for i in range(num_gpus))).install()
    launch._make_command = lambda module, path, trl: [sys.executable, str(FAKE), str(path)]
    run(directory, "end", trl)


def test_deepspeed_uses_the_gpus_though_the_worker_that_launches_it_does_not(tmp_path):
    machines = {"all": (2, (), "cuda"), "named": (2, (1,), "cuda"), "none": (0, (), "cpu")}
    calls = []
    for name, (num_gpus, gpus, _) in machines.items():
        (tmp_path / name).mkdir()
        calls.append((tmp_path / name, TrlConfig(batch_size=4, micro_batch_size=4, gpus=gpus), num_gpus))
    workers = WorkerPool(1)
    try:
        workers.map("tests.training.trl.test_launch:run_fake", calls)
    finally:
        workers.close()
    for name, (_, _, accelerator) in machines.items():
        assert environment_of(tmp_path / name)["DS_ACCELERATOR"] == accelerator


def test_without_gpu_processes_share_the_cores(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    run(tmp_path, "end", TrlConfig(batch_size=4, micro_batch_size=1, num_processes=4))
    assert environment_of(tmp_path)["OMP_NUM_THREADS"] == "3"


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_killed_owner_leaves_no_process(tmp_path):
    program = f"""
        import sys
        sys.path[:0] = [{str(REPO)!r}]
        from pathlib import Path
        from mucode_core.training.trl import launch
        from tests.training.trl.test_launch import FAKE, run
        launch._make_command = lambda module, path, trl: [sys.executable, str(FAKE), str(path)]
        run(Path({str(tmp_path)!r}), "hang")
    """
    owner = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)])
    pids_path = tmp_path / "scratch" / "pids"
    wait_for(lambda: pids_path.exists() and len(pids_path.read_text().split()) == 2)
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    pids = [int(pid) for pid in pids_path.read_text().split()]
    wait_for(lambda: not any(map(is_alive, pids)))


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"liger": True}, r"verifier\.trl\.liger: liger_kernel is not installed"),
        ({"tracker": "wandb"}, r"verifier\.trl\.tracker: wandb is not installed"),
        ({"attention": "flash_attention_2"}, r"verifier\.trl\.attention: flash_attn is not installed"),
    ],
)
def test_a_missing_package_is_named_with_its_setting(monkeypatch, settings, message):
    monkeypatch.setattr(launch, "find_spec", lambda name: name in ("trl", "deepspeed", "peft") or None)
    require_packages(TrlConfig(), "verifier")
    with pytest.raises(ConfigError, match=message):
        require_packages(TrlConfig(**settings), "verifier")


def test_a_repeated_step_counts_once_and_a_partial_line_not_at_all(tmp_path):
    path = tmp_path / "steps.jsonl"
    assert newest_step(path) == 0
    path.write_text('{"step": 1, "loss": 3.0}\n{"step": 2, "loss": 2.0}\n{"step": 2, "loss": 1.5}\n{"step": 3, "lo')
    assert [row["loss"] for row in read_steps(path)] == [3.0, 1.5]
    path.write_text('{"step": 0, "eval_loss": 3.0}\n{"step": 7, "loss": 1.0}\n{"step": 7, "eval_loss": 0.5}\n')
    assert read_steps(path) == [{"step": 0, "eval_loss": 3.0}, {"step": 7, "loss": 1.0, "eval_loss": 0.5}]
    assert newest_step(path) == 7
