"""The driver's tool, played by a script."""

import pytest

from mucode_core.errors import ConfigError
from mucode_core.preflight.gpus import Gpu, list_gpus


@pytest.fixture
def driver(tmp_path, monkeypatch):
    def install(script):
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")

    return install


def test_every_device_is_listed(driver):
    driver("printf '0, NVIDIA H100 80GB HBM3, 81559, 80000\\n1, NVIDIA A40, 46068, 1024\\n'")
    assert list_gpus() == [
        Gpu(0, "NVIDIA H100 80GB HBM3", 81559 / 1024, 80000 / 1024),
        Gpu(1, "NVIDIA A40", 46068 / 1024, 1.0),
    ]


def test_no_driver_is_no_gpu(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list_gpus() == []


@pytest.mark.parametrize("script", ["echo 'driver/library version mismatch'; exit 18", "echo garbage"])
def test_a_broken_driver_is_an_error(driver, script):
    driver(script)
    with pytest.raises(ConfigError, match="nvidia-smi: does not answer"):
        list_gpus()
