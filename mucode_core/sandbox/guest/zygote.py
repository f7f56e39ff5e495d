"""Starts the warm parent of every program; see `forker`. Stdlib only."""

from __future__ import annotations

import os
from typing import NoReturn


def main() -> NoReturn:
    """Serves jobs until the judge closes the control socket; for the arguments see `forker.main`.

    Modules such as `random` and `threading` register work to be done in every child. Ours never fork again, have had
    one thread, and get a seed: for them it is a tenth of their time spent on nothing. So these modules, all loaded
    after this, register in vain.
    """
    register = os.register_at_fork
    os.register_at_fork = lambda **hooks: None
    from mucode_core.sandbox.guest import forker

    def restore() -> None:
        os.register_at_fork = register

    forker.main(restore)
