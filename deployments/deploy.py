"""Makes or renews the deployments of prefect.yaml.

python -m deployments.deploy             # the demos, on pool cpu
python -m deployments.deploy gpu-0123    # all of them, the recipes for GPUs on that pool
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from deployments.lookup import require_pool, run_command
from deployments.pools import CPU_POOL

_FILE = Path(__file__).with_name("prefect.yaml")


def make_command(gpu_pool: str = "") -> list[str]:
    """The command of Prefect that makes them; it reads the pool of the recipes for GPUs from GPU_POOL.

    Raises:
        ConfigError: A pool is not there, or the server.
    """
    for pool in filter(None, (CPU_POOL, gpu_pool)):
        require_pool(pool)
    chosen = ["--all"] if gpu_pool else [part for name in _list_demos() for part in ("--name", name)]
    return [sys.executable, "-m", "prefect", "--no-prompt", "deploy", *chosen, "--prefect-file", str(_FILE)]


def _list_demos() -> Iterator[str]:
    for deployment in yaml.safe_load(_FILE.read_text("utf-8"))["deployments"]:
        if "demo" in deployment["tags"]:
            flow = deployment["entrypoint"].partition(":")[2].replace("_", "-")
            yield f"{flow}/{deployment['name']}"


def main() -> None:
    gpu_pool = sys.argv[1] if len(sys.argv) > 1 else ""
    command = make_command(gpu_pool)
    if not gpu_pool:
        print("the demos alone; with the recipes for GPUs: make deploy GPU_POOL=gpu-0123", flush=True)
    os.execve(command[0], command, os.environ | {"GPU_POOL": gpu_pool})  # noqa: S606


if __name__ == "__main__":
    run_command(main)
