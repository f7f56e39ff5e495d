"""The recipes that are installed with the package, by name."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from mucode_flows.cli.options import Json

from mucode_core.errors import ConfigError

Recipe = Annotated[str, typer.Argument(metavar="CONFIG", help="A YAML file, or a recipe's name; see `mucode recipes`.")]


def find_recipe(name: str) -> Path:
    """A configuration file: the one of that path, or else the recipe of that name.

    Raises:
        ConfigError: There is neither.
    """
    if Path(name).exists():
        return Path(name)
    found = _list_recipes()
    if (recipe := found.get(name)) is not None:
        return recipe
    hint = f"name a YAML file or a recipe: {', '.join(found)}"
    raise ConfigError("no such file", location=name, hint=hint)


def recipes(as_json: Json = False) -> None:
    """List the recipes that `mucode train`, `evaluate` and `ablate` accept by name."""
    found = {name: _describe(path) for name, path in _list_recipes().items()}
    width = max(map(len, found))
    for name, text in found.items():
        typer.echo(f"{name:{width}}  {text}", err=as_json)
    if as_json:
        typer.echo(json.dumps({"recipes": found}))


def _list_recipes() -> dict[str, Path]:
    """By name; those of matrices (`mucode ablate`) are ablations/NAME."""
    root = Path(str(files("mucode_configs")))
    paths = [*sorted(root.glob("*.yaml")), *sorted(root.glob("ablations/*.yaml"))]
    return {str(path.relative_to(root).with_suffix("")): path for path in paths}


def _describe(path: Path) -> str:
    """The comment that a recipe begins with, its first line."""
    first = path.read_text("utf-8").partition("\n")[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""
