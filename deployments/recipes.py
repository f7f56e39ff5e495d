"""Converts a configuration file to the parameter of a deployment.

python -m mucode_deployments.recipes configs/demo.yaml run.seed=3  # JSON for `prefect deployment run NAME -p config=`
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mucode_deployments.command import run_command

from mucode_core.config import load_config
from mucode_core.errors import ConfigError


def load_recipe(path: str, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """A build step of `prefect.yaml`: the file's validated configuration, and the working directory of runs.

    Args:
        path: A YAML file, from the repository's root.
        overrides: Like `--set`.

    Returns:
        `config`, with only the keys of file and overrides, so that defaults are those of the code that runs; and
        `directory`.

    Raises:
        ConfigError: The file is invalid.
    """
    config = load_config(Path(path), overrides)
    return {"config": config.model_dump(mode="json", exclude_unset=True), **find_directory()}


def find_directory() -> dict[str, str]:
    """A build step of `prefect.yaml`: the `directory` in which runs start.

    The current one, or `MUCODE_DIRECTORY` if runs have the code elsewhere (`/app` in the project's image).
    """
    return {"directory": os.environ.get("MUCODE_DIRECTORY") or str(Path.cwd())}


def main() -> None:
    if len(sys.argv) < 2:
        raise ConfigError("no configuration is named", location="command line", hint=f"usage:\n{__doc__}")
    print(json.dumps(load_recipe(sys.argv[1], sys.argv[2:])["config"]))


if __name__ == "__main__":
    run_command(main)
