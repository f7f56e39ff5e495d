"""What every section of the configuration shares."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Selection = Literal["random", "lv", "pt", "pt+lv", "oracle"]
Probability = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


WHERE: dict[str, Any] = {"where": True}
"""Marks fields that say where or how fast, not what: they never enter a fingerprint."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def fingerprinted(self) -> dict[str, Any]:
        """The fields that can change an output, as plain data."""
        where = {k for k, f in type(self).model_fields.items() if f.json_schema_extra == WHERE}
        return self.model_dump(mode="json", exclude=where)
