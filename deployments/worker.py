"""A worker of a work pool that deployments/pools.py has made, of the pool's type and with its limit of runs.

python -m deployments.worker gpu-0123 [OPTIONS]    # options of `prefect worker start`
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from deployments.lookup import require_pool, run_command


def make_command(pool: str, options: Sequence[str] = ()) -> list[str]:
    """The command of Prefect that starts it.

    Raises:
        ConfigError: There is no such pool, or no server.
    """
    limit = require_pool(pool).concurrency_limit
    limits = [] if limit is None else ["--limit", str(limit)]
    start = ["prefect", "--no-prompt", "worker", "start", "--pool", pool, "--no-create-pool-if-not-found"]
    return [sys.executable, "-m", *start, *limits, *options]


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    command = make_command(sys.argv[1], sys.argv[2:])
    os.execv(command[0], command)  # noqa: S606 - signals and health are the worker's own


if __name__ == "__main__":
    run_command(main)
