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


_VARIANTS = "ablations/"
"""How the names of matrices begin."""


def find_recipe(name: str, *, variants: bool = False) -> Path:
    """A configuration file: the one of that path, or else the recipe of that name.

    Args:
        name: Path or name.
        variants: The command takes variants of a recipe, not single recipes.

    Raises:
        ConfigError: There is neither.
    """
    if Path(name).exists():
        return Path(name)
    found = _list_recipes()
    if (recipe := found.get(name)) is not None:
        if name.startswith(_VARIANTS) == variants:
            return recipe
        problem, command = ("this is one recipe", "train") if variants else ("these are variants", "ablate")
        raise ConfigError(problem, location=name, hint=f"use `mucode {command} {name}`")
    fitting = [one for one in found if one.startswith(_VARIANTS) == variants]
    hint = f"name a YAML file or {'a matrix' if variants else 'a recipe'}: {', '.join(fitting)}"
    raise ConfigError("no such file", location=name, hint=hint)


def recipes(as_json: Json = False) -> None:
    """List the recipes that `mucode train`, `evaluate`, `ablate` and `doctor` accept by name."""
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
