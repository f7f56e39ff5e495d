"""Running untrusted programs: jobs in, verdicts out; tests are judged outside the program's process."""

from __future__ import annotations

from mucode_core.config import SandboxConfig
from mucode_core.errors import SandboxError
from mucode_core.sandbox.base import FeedbackStyle, Job, Limits, Sandbox
from mucode_core.sandbox.host.judge_pool import JudgePool
from mucode_core.sandbox.host.package_versions import resolve_packages
from mucode_core.sandbox.host.process import ProcessSandbox

__all__ = ["FeedbackStyle", "Job", "Limits", "ProcessSandbox", "Sandbox", "open_judges", "open_sandbox", "pin_packages"]


def open_sandbox(config: SandboxConfig) -> Sandbox:
    """The sandbox that the configuration names; 'auto' takes a container where there can be one, and says if not.

    Raises:
        SandboxError: It does not start, or no server answers, or one is of another version or refuses the token.
    """
    if config.backend != "http":
        return open_judges(config)
    from mucode_core.sandbox.remote.client import HttpSandbox

    return HttpSandbox(config.urls, config.packages)


def open_judges(config: SandboxConfig) -> JudgePool:
    """As `open_sandbox`, for judges of this machine.

    Raises:
        SandboxError: It does not start.
    """
    if config.backend == "process":
        return ProcessSandbox(config.num_workers, packages=config.packages)
    try:
        return _open_container(config)
    except SandboxError as error:
        if config.backend == "container":
            raise
        return ProcessSandbox(config.num_workers, packages=config.packages, why=error.problem)


def pin_packages(config: SandboxConfig) -> SandboxConfig:
    """The same with the versions of packages, and of all these need: what verdicts depend on.

    Raises:
        SandboxError: A package is not installed, or in another version.
    """
    versions = resolve_packages(config.packages).versions
    return config.model_copy(update={"packages": [f"{name}=={versions[name]}" for name in sorted(versions)]})


def _open_container(config: SandboxConfig) -> JudgePool:
    from mucode_core.sandbox.host.container import ContainerSandbox

    return ContainerSandbox(
        config.num_workers, memory_mb=config.memory_mb, runtime=config.runtime, packages=config.packages
    )
