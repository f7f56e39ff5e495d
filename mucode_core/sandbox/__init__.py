"""Running untrusted programs: jobs in, verdicts out; tests are judged outside the program's process."""

from __future__ import annotations

from mucode_core.config import SandboxConfig
from mucode_core.sandbox.base import FeedbackStyle, Job, Limits, Sandbox
from mucode_core.sandbox.process import ProcessSandbox

__all__ = ["FeedbackStyle", "Job", "Limits", "ProcessSandbox", "Sandbox", "open_sandbox"]


def open_sandbox(config: SandboxConfig) -> Sandbox:
    """The sandbox that the configuration names; 'auto' takes the strongest there is.

    Raises:
        SandboxError: It does not start.
    """
    return ProcessSandbox(config.num_workers)
