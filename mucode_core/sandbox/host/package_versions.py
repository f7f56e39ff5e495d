"""The packages of `sandbox.packages` as this environment has them."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from mucode_core.errors import SandboxError
from mucode_core.sandbox.guest.packages import Packages, find_packages

DEFAULT = ("numpy",)


def resolve_packages(names: Sequence[str]) -> Packages:
    """The packages of these names, with all they need, in the versions that this process has met first.

    Raises:
        SandboxError: One is not installed, or in another version.
    """
    try:
        return _find(tuple(names))
    except LookupError as error:
        hint = "install it into this environment, or change `sandbox.packages`"
        raise SandboxError(str(error.args[0]), location="sandbox.packages", hint=hint) from error


_find = functools.cache(find_packages)
"""Reads the list of every package's files, and is asked by every shard of a run."""
