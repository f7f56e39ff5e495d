"""The driver's library, played: the devices that a test says."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import pynvml

from mucode_core.system.gpus import Gpu


@dataclass(frozen=True)
class FakeDriver:
    """NVML with these devices, whose UUIDs are `GPU-0`, `GPU-1` ...; with `failure` none of its functions works.

    Args:
        gpus: Numbered in order.
        failure: Code of the error that `nvmlInit` gives: `pynvml.NVML_ERROR_...`.
    """

    gpus: tuple[Gpu, ...] = ()
    failure: int = pynvml.NVML_SUCCESS

    def install(self, set_attribute=setattr) -> None:
        """Puts it in the place of the real one: for good, or with a monkeypatch's `setattr`."""
        functions = {
            "nvmlInit": self._init,
            "nvmlShutdown": lambda: None,
            "nvmlDeviceGetCount": lambda: len(self.gpus),
            "nvmlDeviceGetHandleByIndex": self._by_index,
            "nvmlDeviceGetHandleByUUID": self._by_uuid,
            "nvmlDeviceGetName": lambda gpu: gpu.name,
            "nvmlDeviceGetMemoryInfo": lambda gpu: SimpleNamespace(
                total=int(gpu.total_gib * 2**30), free=int(gpu.free_gib * 2**30)
            ),
        }
        for name, function in functions.items():
            set_attribute(pynvml, name, function)

    def _init(self) -> None:
        if self.failure != pynvml.NVML_SUCCESS:
            raise pynvml.NVMLError(self.failure)

    def _by_index(self, index: int) -> Gpu:
        if index >= len(self.gpus):
            raise pynvml.NVMLError(pynvml.NVML_ERROR_INVALID_ARGUMENT)
        return self.gpus[index]

    def _by_uuid(self, uuid: str) -> Gpu:
        for index, gpu in enumerate(self.gpus):
            if uuid == f"GPU-{index}":
                return gpu
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
