"""Starts a worker of a work pool created by deployments/pools.py, with the pool's type and limit.

python -m mucode_deployments.worker gpu-0123 [OPTIONS]    # options of `prefect worker start`
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from mucode_deployments.command import run_command
from mucode_deployments.lookup import require_pool

from mucode_core.errors import ConfigError


def make_command(pool: str, options: Sequence[str] = ()) -> list[str]:
    """Prefect's command that starts it.

    Raises:
        ConfigError: The pool is missing, or the server does not answer.
    """
    limit = require_pool(pool).concurrency_limit
    limits = [] if limit is None else ["--limit", str(limit)]
    start = ["prefect", "--no-prompt", "worker", "start", "--pool", pool, "--no-create-pool-if-not-found"]
    return [sys.executable, "-m", *start, *limits, *options]


def main() -> None:
    if len(sys.argv) < 2:
        raise ConfigError("no work pool is named", location="command line", hint="name it, such as cpu or gpu-0123")
    command = make_command(sys.argv[1], sys.argv[2:])
    os.execv(command[0], command)  # noqa: S606 - the worker handles signals and health itself


if __name__ == "__main__":
    run_command(main)
