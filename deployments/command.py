"""Runs a command of this package: errors end it with the message and the exit code that `mucode` gives them."""

from __future__ import annotations

import sys
from collections.abc import Callable

from mucode_core.errors import MucodeError


def run_command(main: Callable[[], None]) -> None:
    """Runs a command; what a user can fix ends it with a message."""
    try:
        main()
    except MucodeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
