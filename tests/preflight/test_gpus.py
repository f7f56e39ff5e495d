"""The driver's tool, played by a script."""

import pytest

from mucode_core.errors import ConfigError
from mucode_core.preflight.gpus import Gpu, list_gpus, pin_devices

TWO = "printf '0, NVIDIA H100 80GB HBM3, 81559, 80000, GPU-aa\\n1, NVIDIA A40, 46068, 1024, GPU-bb\\n'"


@pytest.fixture
def driver(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def install(script):
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")

    return install


def test_every_device_is_listed(driver):
    driver(TWO)
    assert list_gpus() == [
        Gpu(0, "NVIDIA H100 80GB HBM3", 81559 / 1024, 80000 / 1024),
        Gpu(1, "NVIDIA A40", 46068 / 1024, 1.0),
    ]


def test_no_driver_is_no_gpu(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert list_gpus() == []
    for none in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", none)
        assert list_gpus() == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with pytest.raises(ConfigError, match=r"CUDA_VISIBLE_DEVICES=0,1: there is no GPU driver \(nvidia-smi\)\n  cure: "):
        list_gpus()


@pytest.mark.parametrize("script", ["echo 'driver/library version mismatch'; exit 18", "echo garbage"])
def test_a_broken_driver_is_an_error(driver, script):
    driver(script)
    with pytest.raises(ConfigError, match="nvidia-smi: does not answer"):
        list_gpus()


@pytest.mark.parametrize(
    ("visible", "names"), [("1", ["A40"]), ("GPU-bb,0", ["A40", "H100 80GB HBM3"]), ("", []), ("-1", [])]
)
def test_what_is_visible_is_numbered_anew(driver, monkeypatch, visible, names):
    driver(TWO)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = list_gpus()
    assert [gpu.name.removeprefix("NVIDIA ") for gpu in found] == names
    assert [gpu.index for gpu in found] == list(range(len(names)))


def test_a_pool_whose_gpus_are_not_there_is_told_so(driver, monkeypatch):
    driver(TWO)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,5")
    with pytest.raises(ConfigError, match=r"CUDA_VISIBLE_DEVICES=0,5: 5 is not there\n.*cuda_visible_devices"):
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
