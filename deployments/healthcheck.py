"""Health check of a container: asks its worker or server; any other command is healthy as long as it runs.

Run by Docker every half minute, so it uses only the standard library.
"""

from __future__ import annotations

import os
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path


def find_address(command: Sequence[str]) -> str | None:
    """The health URL of the container's command.

    Args:
        command: Command of the container's first process.
    """
    if "worker" in command or "mucode_deployments.worker" in command:
        return f"http://127.0.0.1:{os.environ.get('PREFECT_WORKER_WEBSERVER_PORT', '8080')}/health"
    if "server" in command:
        return f"http://127.0.0.1:{os.environ.get('PREFECT_SERVER_API_PORT', '4200')}/api/health"
    return None


def main() -> None:
    address = find_address(Path("/proc/1/cmdline").read_text().split("\0"))
    if address is None:
        return
    try:
        urllib.request.urlopen(address, timeout=8).close()  # noqa: S310 - one of the two above
    except OSError as error:
        sys.exit(f"{address}: {error}")


if __name__ == "__main__":
    main()
