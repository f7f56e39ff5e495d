"""What a run opens, and whom it keeps out."""

import logging
import os
import threading
import time
from contextlib import contextmanager

import pytest

from mucode_core.config import make_config
from mucode_core.errors import ArtifactError, TimeLimitError
from mucode_core.time_limit import limit_time
from tasks import runtime
from tasks.runtime import open_runtime


@pytest.fixture
def config(tmp_path):
    return make_config({"run": {"output_dir": str(tmp_path / "run")}})


def test_two_runs_cannot_write_to_one_directory(config):
    with (
        open_runtime(config),
        pytest.raises(ArtifactError, match=r"run: is in use\n.*name another"),
        open_runtime(config),
    ):
        pass
    with open_runtime(config):
        pass


def test_a_shared_store_is_shared(config, tmp_path):
    store = {"store_dir": str(tmp_path / "store")}
    one, two = (make_config({"run": {"output_dir": str(tmp_path / name), **store}}) for name in "ab")
    with open_runtime(one), open_runtime(two):
        pass


@pytest.mark.parametrize(
    ("url", "visible", "held"),
    [
        ("http://x/api", "0,3", ["gpu-0", "gpu-3"]),
        ("http://x/api", None, None),
        (None, "0", None),
        ("http://x/api", "", None),
    ],
)
def test_a_run_of_a_gpu_pool_holds_the_limits_of_its_devices(config, monkeypatch, url, visible, held):
    taken = []

    @contextmanager
    def concurrency(names, **_settings):
        taken.append(names)
        yield

    monkeypatch.setattr(runtime, "concurrency", concurrency)
    monkeypatch.setattr(runtime, "has_server", lambda: url is not None)
    monkeypatch.setattr(runtime, "get_run_logger", lambda: logging.getLogger("run"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setitem(os.environ, "CUDA_VISIBLE_DEVICES", visible)
    with open_runtime(config):
        assert taken == ([held] if held else [])


def enter_both(opened, verifier, finetune):
    """How two trainings enter: the names of those inside once both have had the time, then of those that ended."""
    inside, leave = [], threading.Event()

    def train(settings, name):
        with opened.room_for_training(settings):
            inside.append(name)
            assert leave.wait(30)

    threads = [threading.Thread(target=train, args=(verifier, "verifier"))]
    threads[0].start()
    wait_until(lambda: inside == ["verifier"], 30)
    threads.append(threading.Thread(target=train, args=(finetune, "finetune")))
    threads[1].start()
    wait_until(lambda: len(inside) == 2, 0.5)
    both = tuple(inside)
    leave.set()
    for thread in threads:
        thread.join(30)
    return both, tuple(inside)


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.mark.parametrize("beside_servers", [False, True])
@pytest.mark.parametrize(
    ("verifier", "finetune", "num_inside"),
    [
        ({"backend": "trl"}, {"backend": "trl"}, 1),
        ({"backend": "trl", "trl": {"gpus": [0]}}, {"backend": "trl"}, 1),
        ({"backend": "trl", "trl": {"gpus": [1]}}, {"backend": "trl", "trl": {"gpus": [1]}}, 1),
        ({"backend": "trl", "trl": {"gpus": [0]}}, {"backend": "trl", "trl": {"gpus": [1]}}, 2),
        ({"backend": "loop"}, {"backend": "trl"}, 2),
        ({"backend": "loop"}, {"backend": "loop"}, 2),
    ],
)
def test_trainings_take_turns_on_the_devices_that_they_share(tmp_path, beside_servers, verifier, finetune, num_inside):
    run = {"output_dir": str(tmp_path / "run"), "train_beside_servers": beside_servers}
    config = make_config({"run": run, "verifier": verifier, "finetune": finetune})
    with open_runtime(config) as opened:
        both, ended = enter_both(opened, config.verifier, config.finetune)
    assert len(both) == num_inside
    assert ended == ("verifier", "finetune")


def test_a_turn_that_does_not_come_is_an_error(tmp_path):
    config = make_config({"run": {"output_dir": str(tmp_path / "run")}, "finetune": {"backend": "trl"}})
    with (
        open_runtime(config) as opened,
        opened.room_for_training(config.finetune),
        limit_time(0.05, place="round 1 · fine-tune", setting="run.time_limits_s.training"),
        pytest.raises(TimeLimitError),
        opened.room_for_training(config.finetune),
    ):
        pass
