"""The sandbox of plain processes: zygotes are children of their judge, on this machine's kernel and file system."""

from __future__ import annotations

from collections.abc import Sequence

from mucode_core.sandbox.host.judge_pool import JudgePool
from mucode_core.sandbox.host.package_versions import DEFAULT, resolve_packages
from mucode_core.sandbox.host.scratch import Scratch

_WANTED_LAYERS = ("own file system", "no network", "own user", "system call filter")


class _Processes:
    """The backend of plain processes: one scratch directory per judge."""

    def __init__(self, why: str) -> None:
        self._why = why
        self._scratches: dict[str, Scratch] = {}

    def open_location(self, worker: int) -> tuple[str, str]:
        scratch = Scratch()
        self._scratches[scratch.path] = scratch
        return "process", scratch.path

    def close_location(self, address: str) -> None:
        self._scratches.pop(address).remove()

    def logged_errors(self) -> str:
        return ""  # zygotes share their judge's error stream

    def describe(self, layers: list[str]) -> str:
        missing = [layer for layer in _WANTED_LAYERS if layer not in layers]
        kept = ", ".join(["own process", "resource limits", *layers])
        name = f"process sandbox ({self._why})" if self._why else "process sandbox"
        return f"{name}: {kept}; not isolated: {', '.join([*missing, 'kernel', 'process ids'])}"

    def close(self) -> None:
        """Each judge has taken its scratch along."""


class ProcessSandbox(JudgePool):
    """Judges and their zygotes as plain processes of this machine; see `isolation` for what confines programs."""

    def __init__(self, num_workers: int, *, packages: Sequence[str] = DEFAULT, why: str = "") -> None:
        """Starts `num_workers` judges.

        Args:
            num_workers: Judges, one process each.
            packages: Third-party packages that programs may import.
            why: The reason to be content with this one, for `isolation`.

        Raises:
            SandboxError: A judge does not start, or a package is not installed.
        """
        super().__init__(num_workers, _Processes(why), resolve_packages(packages))
