"""The driver's library, played by a fake."""

import pynvml
import pytest

from mucode_core.errors import ConfigError
from mucode_core.system.gpus import Gpu, list_gpus, pin_devices
from tests.support.nvml import FakeDriver

TWO = FakeDriver((Gpu(0, "NVIDIA H100 80GB HBM3", 79.5, 78.25), Gpu(1, "NVIDIA A40", 45.0, 1.0)))


@pytest.fixture
def driver(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return lambda fake: fake.install(monkeypatch.setattr)


def test_every_device_is_listed(driver):
    driver(TWO)
    assert list_gpus() == list(TWO.gpus)


@pytest.mark.parametrize("failure", [pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, pynvml.NVML_ERROR_DRIVER_NOT_LOADED])
def test_without_a_driver_there_is_no_gpu(driver, monkeypatch, failure):
    driver(FakeDriver(failure=failure))
    assert list_gpus() == []
    for none in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", none)
        assert list_gpus() == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with pytest.raises(ConfigError, match=r"CUDA_VISIBLE_DEVICES=0,1: there is no GPU driver\n  hint: "):
        list_gpus()


def test_a_broken_driver_is_an_error(driver):
    driver(FakeDriver(failure=pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH))
    with pytest.raises(ConfigError, match=r"GPU driver: does not answer: .*[Vv]ersion"):
        list_gpus()


def test_the_driver_is_closed_after_each_look(driver, monkeypatch):
    driver(TWO)
    closed = []
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: closed.append(True))
    list_gpus()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    with pytest.raises(ConfigError):
        list_gpus()
    assert len(closed) == 2


@pytest.mark.parametrize(
    ("visible", "names"), [("1", ["A40"]), ("GPU-1,0", ["A40", "H100 80GB HBM3"]), ("", []), ("-1", [])]
)
def test_visible_devices_are_renumbered(driver, monkeypatch, visible, names):
    driver(TWO)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = list_gpus()
    assert [gpu.name.removeprefix("NVIDIA ") for gpu in found] == names
    assert [gpu.index for gpu in found] == list(range(len(names)))


@pytest.mark.parametrize("name", ["5", "GPU-5"])
def test_a_pool_with_missing_gpus_is_refused(driver, monkeypatch, name):
    driver(TWO)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", f"0,{name}")
    with pytest.raises(
        ConfigError, match=rf"CUDA_VISIBLE_DEVICES=0,{name}: {name} is not there\n.*cuda_visible_devices"
    ):
        list_gpus()


def test_a_child_is_pinned_to_devices_among_those_that_are_visible(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert pin_devices((), "x.gpus") == {}
    assert pin_devices((2, 0), "x.gpus") == {"CUDA_VISIBLE_DEVICES": "2,0"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6")
    assert pin_devices((), "x.gpus") == {}
    assert pin_devices((2, 0), "x.gpus") == {"CUDA_VISIBLE_DEVICES": "6,4"}
    with pytest.raises(ConfigError, match=r"x\.gpus: there is no GPU 3 in CUDA_VISIBLE_DEVICES=4,5,6"):
        pin_devices((3,), "x.gpus")
