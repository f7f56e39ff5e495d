"""Creates or updates the deployments of prefect.yaml.

python -m mucode_deployments.deploy             # the demos, on pool cpu
python -m mucode_deployments.deploy gpu-0123    # all of them, GPU recipes on that pool
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from mucode_deployments.command import run_command
from mucode_deployments.lookup import require_pool
from mucode_deployments.pools import CPU_POOL

_FILE = Path(__file__).with_name("prefect.yaml")


def make_command(gpu_pool: str = "") -> list[str]:
    """Prefect's command that creates them; it reads the pool of the GPU recipes from GPU_POOL.

    Raises:
        ConfigError: A pool is missing, or the server does not answer.
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
        print("only the demos; with the GPU recipes: make deploy GPU_POOL=gpu-0123", flush=True)
    os.execve(command[0], command, os.environ | {"GPU_POOL": gpu_pool})  # noqa: S606


if __name__ == "__main__":
    run_command(main)
