"""Recognises disk errors in exceptions of several libraries."""

from __future__ import annotations

import errno
import os
import re

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_UNWRITABLE = (*_FULL, errno.EACCES)
_RUST = re.compile(r"\(os error (\d+)\)")
"""Format of libraries in Rust (safetensors, tokenizers), whose errors are not OSErrors."""

HINT = "free space or name another directory, then run the same command again: it resumes"


def is_full(error: BaseException) -> bool:
    """Whether a disk of this machine is full or read-only."""
    return isinstance(error, OSError) and error.errno in _FULL


def find_unwritable(error: BaseException) -> str | None:
    """The system's message, if an error was caused by a full or read-only disk."""
    cause: BaseException | None = error
    while cause is not None:
        found = _RUST.search(str(cause))
        code = cause.errno if isinstance(cause, OSError) else int(found[1]) if found else None
        if code in _UNWRITABLE:
            return os.strerror(code)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return None
