"""The inputs of a stage: as the recipe of its artifact, and as parameters of a run elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

from pydantic import TypeAdapter

from mucode_core.config import Section
from mucode_core.store.recipe import Recipe, SettingsGroup, Source
from mucode_core.types import ArtifactRef

_OWN = {"runtime", "draft", "label", "return"}
"""The arguments of a build function where it runs."""


def make_recipe(kind: str, version: int, inputs: Mapping[str, Any]) -> Recipe:
    """Sorts a stage's inputs into artifacts and settings."""
    refs: dict[str, tuple[ArtifactRef, ...]] = {}
    settings: dict[str, Any] = {}
    for name, value in sorted(_ungroup(inputs).items()):
        if isinstance(value, ArtifactRef):
            refs[name] = (value,)
        elif isinstance(value, list) and value and all(isinstance(item, ArtifactRef) for item in value):
            refs[name] = tuple(value)
        elif isinstance(value, Source):
            settings[name] = value.digest
        elif isinstance(value, Section):
            settings[name] = value.fingerprinted()
        else:
            settings[name] = value
    return Recipe(kind, version, refs, settings)


def _ungroup(inputs: Mapping[str, Any]) -> dict[str, Any]:
    single: dict[str, Any] = {}
    for name, value in inputs.items():
        if isinstance(value, SettingsGroup):
            single |= {f.name: getattr(value, f.name) for f in fields(value)}  # pyright: ignore[reportArgumentType]
        else:
            single[name] = value
    return single


@dataclass(frozen=True)
class StageCall:
    """A stage and its inputs as parameters of a deployment run. Artifacts go by reference: both sides share a store."""

    stage: str
    """Where it is declared: `mucode_tasks.improvement:train_generator`."""
    label: str
    inputs: dict[str, Any]
    fingerprint: str
    """Of the artifact wanted: another version of the code would make another one."""

    def to_json(self) -> dict[str, Any]:
        return TypeAdapter(StageCall).dump_python(self, mode="json")


def encode_inputs(build: Callable[..., None], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs of a build function as JSON values, by its annotations."""
    hints = _hints_of(build)
    return {name: TypeAdapter(hints[name]).dump_python(value, mode="json") for name, value in inputs.items()}


def decode_inputs(build: Callable[..., None], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `encode_inputs`."""
    hints = _hints_of(build)
    return {name: TypeAdapter(hints[name]).validate_python(value) for name, value in inputs.items()}


def _hints_of(build: Callable[..., None]) -> dict[str, Any]:
    return {name: hint for name, hint in get_type_hints(build).items() if name not in _OWN}
