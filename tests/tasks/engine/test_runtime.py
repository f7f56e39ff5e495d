"""What a run opens, and whom it keeps out."""

import logging
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager, nullcontext

import httpx
import pytest
from mucode_tasks.engine import gpu_hold, runtime
from mucode_tasks.engine.gpu_hold import find_devices
from mucode_tasks.engine.run_context import Runtime
from mucode_tasks.engine.runtime import open_runtime

from mucode_core.config import make_config
from mucode_core.errors import ArtifactError, ServerError, TimeLimitError
from mucode_core.system.deadline import limit_time
from mucode_core.system.locks import hold_devices


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
    with open_runtime(one) as first, open_runtime(two) as second:
        assert first.store.root == second.store.root == tmp_path / "store"


@pytest.fixture
def gpu_locks(tmp_path, monkeypatch):
    monkeypatch.setenv("MUCODE_GPU_LOCKS", str(tmp_path / "locks"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tmp_path / "locks"


@pytest.mark.parametrize(
    ("pinned", "named", "found"),
    [
        ("0,3", [], ["0", "3"]),
        ("4,5", [0, 1], ["4", "5"]),
        ("", [], []),
        (None, [1, 0], ["0", "1"]),
        (None, [], []),
    ],
)
def test_a_run_s_devices_are_those_it_was_pinned_to_or_names(monkeypatch, gpu_locks, pinned, named, found):
    if pinned is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", pinned)
    vllm = {"gpus": named, "data_parallel_size": len(named) or 1}
    assert find_devices(make_config({"generator": {"vllm": vllm}})) == found


@pytest.mark.parametrize(("node", "names"), [(None, ["gpu-0", "gpu-3"]), ("b", ["b-gpu-0", "b-gpu-3"])])
def test_a_server_s_limits_of_a_run_s_devices_are_made_and_held(config, monkeypatch, gpu_locks, node, names):
    taken, made = [], []

    class Client:
        def upsert_global_concurrency_limit_by_name(self, name, limit):
            made.append((name, limit))

    @contextmanager
    def concurrency(names, **_settings):
        taken.append(names)
        yield

    monkeypatch.setattr(gpu_hold, "concurrency", concurrency)
    monkeypatch.setattr(gpu_hold, "get_client", lambda **_: nullcontext(Client()))
    for module in (runtime, gpu_hold):
        monkeypatch.setattr(module, "has_server", lambda: True)
    monkeypatch.setattr(runtime, "get_run_logger", lambda: logging.getLogger("run"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,3")
    if node:
        monkeypatch.setenv("MUCODE_NODE", node)
    with open_runtime(config):
        assert taken == [names]
        assert made == [(name, 1) for name in names]


def test_two_runs_never_have_one_gpu_at_once(tmp_path, monkeypatch, gpu_locks):
    """Runs on 0,1 and 1,2 of one machine, without a server; one of two threads always waits."""
    now, most, waits = Counter(), Counter(), []
    monkeypatch.setattr(Runtime, "notify", lambda self, text: waits.append(text))
    devices = {"a": ["0", "1"], "b": ["1", "2"], "c": ["2", "0"]}
    monkeypatch.setattr(runtime, "find_devices", lambda config: devices[config.run.name])

    def run(name):
        with open_runtime(make_config({"run": {"name": name, "output_dir": str(tmp_path / name)}})) as opened:
            for device in opened.devices:
                now[device] += 1
                most[device] = max(most[device], now[device])
            time.sleep(0.3)
            now.subtract(opened.devices)

    threads = [threading.Thread(target=run, args=(name,)) for name in devices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most == {"0": 1, "1": 1, "2": 1}
    assert len(waits) >= 2
    assert "which another run holds" in waits[0]


def test_a_killed_run_frees_its_gpus(gpu_locks):
    code = (
        "import time\nfrom mucode_core.system.locks import hold_devices\n"
        "with hold_devices(['gpu-0'], print):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    waits = []
    threading.Timer(0.3, holder.kill).start()
    with hold_devices(["gpu-0"], waits.append):
        assert holder.wait(60) == -signal.SIGKILL
    assert len(waits) == 1


def test_a_server_that_is_lost_in_mid_run_has_a_cure(config):
    with pytest.raises(ServerError, match="does not answer: gone") as caught, open_runtime(config):
        raise httpx.ConnectError("gone")
    assert "it resumes" in caught.value.hint


def enter_both(opened, verifier, finetune, num_inside):
    """How two trainings enter: the names of those inside once `num_inside` are, then of those that ended."""
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
    wait_until(lambda: len(inside) == 2, 30 if num_inside == 2 else 0.5)
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
@pytest.mark.usefixtures("gpu_locks")  # else it would wait for a run that holds such devices on this machine
def test_trainings_take_turns_on_the_devices_that_they_share(tmp_path, beside_servers, verifier, finetune, num_inside):
    run = {"output_dir": str(tmp_path / "run"), "train_beside_servers": beside_servers}
    config = make_config({"run": run, "verifier": verifier, "finetune": finetune})
    with open_runtime(config) as opened:
        both, ended = enter_both(opened, config.verifier, config.finetune, num_inside)
    assert len(both) == num_inside
    assert ended == ("verifier", "finetune")


def test_a_turn_that_does_not_come_is_an_error(tmp_path):
    config = make_config({"run": {"output_dir": str(tmp_path / "run")}, "finetune": {"backend": "trl"}})
    with (
        open_runtime(config) as opened,
        opened.room_for_training(config.finetune),
        limit_time(0.05, location="round 1 · fine-tune", setting="run.time_limits_s.training"),
        pytest.raises(TimeLimitError),
        opened.room_for_training(config.finetune),
    ):
        pass


def test_what_workers_write_reaches_the_log_of_a_run(config, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    for module in (runtime, gpu_hold):
        monkeypatch.setattr(module, "has_server", lambda: True)
    monkeypatch.setattr(runtime, "get_run_logger", lambda: logging.getLogger("run"))
    with open_runtime(config) as opened:
        opened.workers.map("os:write", [(2, b"a library warns\n")])
    assert "workers: a library warns" in caplog.messages
