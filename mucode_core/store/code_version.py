"""The version of the code, for the records of artifacts."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

import mucode_core

_ROOT = Path(__file__).resolve().parents[2]
_TIMEOUT_S = 10


@functools.cache
def code_version() -> str:
    """The package's version and its revision: `0.2.0+4f12a23`, with `.dirty` where a checkout was changed.

    The revision comes from the image (`MUCODE_REVISION`) or the git checkout; an installed package has none.
    """
    revision = os.environ.get("MUCODE_REVISION") or _ask_git()
    return f"{mucode_core.__version__}+{revision}" if revision else mucode_core.__version__


def _ask_git() -> str:
    if not (_ROOT / ".git").exists():
        return ""
    command = ["git", "-C", str(_ROOT), "describe", "--always", "--exclude=*", "--dirty=.dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):  # no git, or another user's checkout
        return ""
    return done.stdout.strip()
