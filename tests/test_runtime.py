"""What a run opens, and whom it keeps out."""

import logging
import os
from contextlib import contextmanager

import pytest

from mucode_core.config import make_config
from mucode_core.errors import ArtifactError
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


def test_what_workers_write_reaches_the_log_of_a_run(config, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(runtime, "has_server", lambda: True)
    monkeypatch.setattr(runtime, "get_run_logger", lambda: logging.getLogger("run"))
    with open_runtime(config) as opened:
        opened.workers.map("os:write", [(2, b"a library warns\n")])
    assert "workers: a library warns" in caplog.messages
