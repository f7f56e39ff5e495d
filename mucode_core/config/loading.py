"""Reading and writing configurations: YAML, overrides, descriptions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from mucode_core.config.base import Section
from mucode_core.config.root import Config
from mucode_core.errors import ConfigError


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Reads a YAML file and applies `section.key=value` overrides.

    Raises:
        ConfigError: With the file and key, the value and the cure.
    """
    try:
        data = yaml.safe_load(path.read_text("utf-8")) or {}
    except FileNotFoundError:
        raise ConfigError("no such file", place=str(path), cure="name one of configs/*.yaml or your own") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot be read as YAML: {error}", place=str(path), cure="mend the file") from error
    if not isinstance(data, dict):
        raise ConfigError(f"holds a {type(data).__name__}", place=str(path), cure="use a mapping of sections")
    for override in overrides:
        _apply_override(data, override)
    return make_config(data, place=str(path))


def make_config(data: dict[str, Any], place: str = "config") -> Config:
    """Validates plain data.

    Raises:
        ConfigError: Listing every offending key with its value.
    """
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        lines = [_describe(detail) for detail in error.errors()]
        cure = "see `mucode config` for every key, its meaning and its default"
        raise ConfigError("; ".join(lines), place=place, cure=cure) from None


def _describe(detail: Any) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{key}: unknown key (value {detail['input']!r})"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{key}: {message} (value {detail['input']!r})" if key else message


def _apply_override(data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    parts = key.split(".")
    if not equals or not all(parts):
        raise ConfigError(
            "is not of the form section.key=value", place=f"--set {override}", cure="write --set run.seed=1"
        )
    node = data
    for part in parts[:-1]:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            raise ConfigError(f"{part} is not a section", place=f"--set {override}", cure="name a section and a key")
    try:
        node[parts[-1]] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"value cannot be read: {error}", place=f"--set {override}", cure="quote it") from error


def dump_config(config: Config) -> str:
    """The one canonical YAML text of a configuration, every default written out."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def describe_config() -> str:
    """Every key with its default, as YAML whose comments say what the keys mean."""
    return "\n".join(_describe_section(Config(), 0))


def _describe_section(section: Section, depth: int) -> list[str]:
    lines: list[str] = []
    for name, info in type(section).model_fields.items():
        value, indent = getattr(section, name), "  " * depth
        if isinstance(value, Section):
            lines += [f"{indent}{name}:", *_describe_section(value, depth + 1)]
        else:
            plain = section.model_dump(mode="json", include={name})
            text = (
                yaml.safe_dump(plain, default_flow_style=None, width=1000).strip().removeprefix("{").removesuffix("}")
            )
            lines.append(f"{indent}{text}  # {info.description}")
    return lines
