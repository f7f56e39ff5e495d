"""Base class and common types of the configuration's sections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

PublicSelection = Literal["random", "lv", "pt", "pt+lv", "agree", "pt+agree", "pt+agree+lv"]
"""Selection strategies that read no private test: those for problems whose private tests are unknown."""
Selection = Literal[PublicSelection, "oracle"]
Probability = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


WHERE: dict[str, Any] = {"where": True}
"""Marks fields that set only location or speed: they are excluded from fingerprints."""


class Conflict(NamedTuple):
    """Settings that cannot work together."""

    location: str
    problem: str
    hint: str


class ConflictsError(ValueError):
    """All conflicts of a configuration."""

    def __init__(self, found: Sequence[Conflict]) -> None:
        super().__init__("\n  ".join(f"{location}: {problem}; {hint}" for location, problem, hint in found))
        self.found = tuple(found)


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_truth_values(cls, value: object, info: ValidationInfo) -> object:
        """Pydantic takes true for the number 1."""
        kind = cls.model_fields[str(info.field_name)].annotation
        if isinstance(value, bool) and kind is not bool and bool not in get_args(kind):
            raise ValueError("true and false are no values of this key")
        return value

    def find_conflicts(self, location: str) -> Iterator[Conflict]:
        """The conflicts within this section and those below it; unlike a pydantic validator it reports all at once.

        Args:
            location: Key of the section.
        """
        yield from ()

    def fingerprinted(self) -> dict[str, Any]:
        """The fields that can change an output, as plain data."""
        where = {k for k, f in type(self).model_fields.items() if f.json_schema_extra == WHERE}
        return self.model_dump(mode="json", exclude=where)
