"""Running untrusted programs: jobs in, verdicts out; tests are judged outside the program's process."""

from __future__ import annotations

from mucode_core.config import SandboxConfig
from mucode_core.errors import SandboxError
from mucode_core.sandbox.base import FeedbackStyle, Job, Limits, Sandbox
from mucode_core.sandbox.process import ProcessSandbox

__all__ = ["FeedbackStyle", "Job", "Limits", "ProcessSandbox", "Sandbox", "open_sandbox"]


def open_sandbox(config: SandboxConfig) -> Sandbox:
    """The sandbox that the configuration names; 'auto' takes a container where there can be one, and says if not.

    Raises:
        SandboxError: It does not start.
    """
    if config.backend == "process":
        return ProcessSandbox(config.num_workers)
    try:
        return _open_container(config)
    except SandboxError as error:
        if config.backend == "container":
            raise
        return ProcessSandbox(config.num_workers, why=error.problem)


def _open_container(config: SandboxConfig) -> Sandbox:
    from mucode_core.sandbox.container import ContainerSandbox

    return ContainerSandbox(config.num_workers, memory_mb=config.memory_mb, runtime=config.runtime)
