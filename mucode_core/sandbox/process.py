"""The sandbox of plain processes: zygotes are children of their judge, on this machine's kernel and file system."""

from __future__ import annotations

from mucode_core.sandbox.pool import JudgePool
from mucode_core.sandbox.scratch import Scratch, sweep

_WANTED_LAYERS = ("own file system", "no network", "own user", "system call filter")


class _Processes:
    """A scratch directory a judge is all the housing there is."""

    def __init__(self, why: str) -> None:
        sweep()
        self._why = why
        self._scratches: dict[str, Scratch] = {}

    def open_room(self, worker: int) -> tuple[str, str]:
        scratch = Scratch()
        self._scratches[scratch.path] = scratch
        return "process", scratch.path

    def close_room(self, address: str) -> None:
        self._scratches.pop(address).remove()

    def last_words(self) -> str:
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

    def __init__(self, num_workers: int, *, why: str = "") -> None:
        """Starts `num_workers` judges.

        Args:
            num_workers: Judges, one process each.
            why: The reason to be content with this one, for `isolation`.

        Raises:
            SandboxError: A judge does not start.
        """
        super().__init__(num_workers, _Processes(why))
