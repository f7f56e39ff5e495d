"""A configuration file as the parameter of a deployment.

python -m deployments.recipes configs/demo.yaml run.seed=3    # JSON, for `prefect deployment run NAME -p config=`
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mucode_core.config import load_config


def load_recipe(path: str, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """A build step of `prefect.yaml`: the file's configuration, validated, and the directory that runs are to start in.

    Args:
        path: A YAML file, from the repository's root.
        overrides: As `--set`.

    Returns:
        `config`, what file and overrides say and nothing else, so that defaults are those of the code that runs; and
        `directory`.

    Raises:
        ConfigError: The file cannot work.
    """
    config = load_config(Path(path), overrides)
    return {"config": config.model_dump(mode="json", exclude_unset=True), **find_directory()}


def find_directory() -> dict[str, str]:
    """A build step of `prefect.yaml`: the `directory` that runs are to start in.

    It is this one, or `MUCODE_DIRECTORY` where runs have the code somewhere else (`/app` in the project's image).
    """
    return {"directory": os.environ.get("MUCODE_DIRECTORY") or str(Path.cwd())}


if __name__ == "__main__":
    print(json.dumps(load_recipe(sys.argv[1], sys.argv[2:])["config"]))
