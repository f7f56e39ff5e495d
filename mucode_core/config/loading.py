"""Reading and writing configurations: YAML, overrides, descriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic import ValidationError

from mucode_core.config.base import Conflict, ConflictsError, Section
from mucode_core.config.config import Config
from mucode_core.errors import ConfigError
from mucode_core.wording import describe_faults


def load_config(path: Path, overrides: Sequence[str] = (), options: Mapping[str, str] | None = None) -> Config:
    """Reads a YAML file and applies `section.key=value` overrides.

    Args:
        path: The file.
        overrides: Later ones win.
        options: What the user wrote for the keys of overrides that are not from `--set`, such as `--select`; empty text
            for what the user did not write, so that the file is named.

    Raises:
        ConfigError: With the file and key or the option, the value and a hint.
    """
    try:
        data = yaml.safe_load(path.read_text("utf-8")) or {}
    except FileNotFoundError:
        raise ConfigError("no such file", location=str(path), hint="name one of configs/*.yaml or your own") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot be read as YAML: {error}", location=str(path), hint="fix the file") from error
    if not isinstance(data, dict):
        raise ConfigError(f"holds a {type(data).__name__}", location=str(path), hint="use a mapping of sections")
    if {"base", "variants"} <= data.keys():
        raise ConfigError("these are variants of a recipe", location=str(path), hint="use `mucode ablate`")
    for override in overrides:
        _apply_override(data, override)
    keys = [override.partition("=")[0] for override in overrides]
    return make_config(data, location=str(path), options={key: f"--set {key}" for key in keys} | dict(options or {}))


def make_config(data: dict[str, Any], location: str = "config", options: Mapping[str, str] | None = None) -> Config:
    """Validates plain data.

    Args:
        data: Keys by section.
        location: Where it is from.
        options: By key, what is named in place of that; see `load_config`.

    Raises:
        ConfigError: Lists every invalid key with its value.
    """
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        faults = [fault for detail in error.errors() for fault in _find_faults(detail)]
        places = {_find_option(fault.location, options or {}) for fault in faults}
        if len(places) == 1 and (option := next(iter(places))):
            texts = [_describe_at(option, fault) for fault in faults]
            hint = "; ".join(dict.fromkeys(fault.hint for fault in faults))
            raise ConfigError("; ".join(texts), location=option, hint=hint or _SEE) from None
        lines = [_describe(fault, _find_option(fault.location, options or {})) for fault in faults]
        place = "command line" if "" not in places else location
        raise ConfigError("; ".join(lines), location=place, hint=_SEE) from None


_SEE = "see `mucode config` for every key, its meaning and its default"


def _find_faults(detail: Any) -> list[Conflict]:
    """What one error of pydantic says; a conflict has a hint of its own."""
    found = detail.get("ctx", {}).get("error")
    if isinstance(found, ConflictsError):
        return list(found.found)
    key = ".".join(str(part) for part in detail["loc"])
    problem = describe_faults([detail], "unknown key (value {value})", "a section")
    if detail["type"] == "string_type" and isinstance(detail["input"], bool):
        return [Conflict(key, problem, "quote it: YAML reads Yes, No, on and off as true and false")]
    return [Conflict(key, problem, "write it in brackets" if detail["type"] in ("tuple_type", "list_type") else "")]


def _find_option(key: str, options: Mapping[str, str]) -> str:
    """What the user wrote for a key on the command line; empty where it is from the file."""
    parts = key.split(".")
    return next((options[own] for n in range(len(parts), 0, -1) if (own := ".".join(parts[:n])) in options), "")


def _describe_at(option: str, fault: Conflict) -> str:
    return fault.problem if option.endswith(f" {fault.location}") else f"{fault.location}: {fault.problem}"


def _describe(fault: Conflict, option: str) -> str:
    place = f"{option}: " if option and not option.endswith(f" {fault.location}") else ""
    key = option if option and not place else fault.location
    said = f"{fault.problem}; {fault.hint}" if fault.hint else fault.problem
    return f"{place}{key}: {said}" if key else said


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
