"""What binds a judge: tests that open, delete or run what a program names do so in its process.

It reads what an interpreter needs, writes below a scratch directory, and starts and reaches no process. Zygotes, which
need the rights of the owner, are started by another process, forked before: see `zygote_client.launch_apart`.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from pathlib import Path

from mucode_core.sandbox.guest.call_filter import CallFilter, can_filter_calls, make_judge_filter
from mucode_core.sandbox.guest.jail import DEVICES, SYSTEM, FileRules
from mucode_core.sandbox.guest.lockdown import refuse_privileges

_FILE_BYTES = 256 << 20
"""Of one file that tests write."""
_CONFIGURATION = (
    *("/etc/group", "/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/etc/nsswitch.conf", "/etc/passwd"),
    *("/etc/timezone", "/usr/share/mime"),
)
"""What modules of the standard library read; open to all users of a machine."""


def confine_judge(scratch: str, packages: str) -> list[str]:
    """Binds this process, for good; returns what the kernel granted, in words.

    Args:
        scratch: A directory of its own, which it may fill.
        packages: The directory that holds numpy, which tests may import; or ''.
    """
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    refuse_privileges()
    layers: list[str] = []
    libraries = [str(Path(os.__file__).parent), sys.base_prefix + "/lib", *filter(None, [packages])]
    with contextlib.suppress(OSError):
        FileRules([*libraries, *SYSTEM, *DEVICES, *_CONFIGURATION], scratch, moves=True).install()
        layers.append("judge behind rules on files")
    if can_filter_calls():
        CallFilter(make_judge_filter).install()
        layers.append("judge behind a system call filter")
    return layers
