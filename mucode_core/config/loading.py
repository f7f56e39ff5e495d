"""Reading and writing configurations: YAML, overrides, descriptions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic import ValidationError

from mucode_core.config.base import Section
from mucode_core.config.config import Config
from mucode_core.errors import ConfigError


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Reads a YAML file and applies `section.key=value` overrides.

    Raises:
        ConfigError: With the file and key, the value and a hint.
    """
    try:
        data = yaml.safe_load(path.read_text("utf-8")) or {}
    except FileNotFoundError:
        raise ConfigError("no such file", location=str(path), hint="name one of configs/*.yaml or your own") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot be read as YAML: {error}", location=str(path), hint="fix the file") from error
    if not isinstance(data, dict):
        raise ConfigError(f"holds a {type(data).__name__}", location=str(path), hint="use a mapping of sections")
    for override in overrides:
        _apply_override(data, override)
    return make_config(data, location=str(path))


def make_config(data: dict[str, Any], location: str = "config") -> Config:
    """Validates plain data.

    Raises:
        ConfigError: Lists every invalid key with its value.
    """
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        lines = [_describe(detail) for detail in error.errors()]
        hint = "see `mucode config` for every key, its meaning and its default"
        raise ConfigError("; ".join(lines), location=location, hint=hint) from None


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
            "is not of the form section.key=value", location=f"--set {override}", hint="write --set run.seed=1"
        )
    node = data
    for part in parts[:-1]:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            raise ConfigError(f"{part} is not a section", location=f"--set {override}", hint="name a section and a key")
    try:
        node[parts[-1]] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"value cannot be read: {error}", location=f"--set {override}", hint="quote it") from error


def dump_config(config: Config) -> str:
    """The canonical YAML text of a configuration, including all defaults."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def describe_config() -> str:
    """Every key with its default, as YAML with the descriptions, and the values of a choice, as comments."""
    return "\n".join(_describe_section(Config(), 0))


def _choices(kind: Any) -> list[str]:
    """The values of a key that takes one of a few, or a list of such; else empty."""
    if get_origin(kind) is Literal:
        return [str(value) for value in get_args(kind)]
    return [value for part in get_args(kind) for value in _choices(part)]


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
            values = _choices(info.annotation)
            choices = f" Values: {', '.join(values)}." if values else ""
            lines.append(f"{indent}{text}  # {info.description}{choices}")
    return lines
