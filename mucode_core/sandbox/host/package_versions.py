"""The packages of `sandbox.packages` as this environment has them."""

from __future__ import annotations

from collections.abc import Sequence

from mucode_core.errors import SandboxError
from mucode_core.sandbox.guest.packages import Packages, find_packages

DEFAULT = ("numpy",)


def resolve_packages(names: Sequence[str]) -> Packages:
    """The packages of these names, with all they need, in their installed versions.

    Raises:
        SandboxError: One is not installed, or in another version.
    """
    try:
        return find_packages(names)
    except LookupError as error:
        hint = "install it into this environment, or change `sandbox.packages`"
        raise SandboxError(str(error.args[0]), location="sandbox.packages", hint=hint) from error
