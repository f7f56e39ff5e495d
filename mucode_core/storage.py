"""Why files cannot be written, whoever tells of it."""

from __future__ import annotations

import errno
import os
import re

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_UNWRITABLE = (*_FULL, errno.EACCES)
_RUST = re.compile(r"\(os error (\d+)\)")
"""How libraries written in Rust (safetensors, tokenizers) put it: their errors are no OSError."""

CURE = "free space or name another directory, then run the same command again: it resumes"


def is_full(error: BaseException) -> bool:
    """Whether a disk of this machine is full or read-only."""
    return isinstance(error, OSError) and error.errno in _FULL


def find_unwritable(error: BaseException) -> str | None:
    """What keeps files from being written, in the system's words, where that is behind an error."""
    cause: BaseException | None = error
    while cause is not None:
        found = _RUST.search(str(cause))
        code = cause.errno if isinstance(cause, OSError) else int(found[1]) if found else None
        if code in _UNWRITABLE:
            return os.strerror(code)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return None
