"""Fields of the program's dataclasses, so that `dataclasses` of the judge knows them."""

from __future__ import annotations

import dataclasses
from typing import Any

from mucode_core.sandbox.containers import as_list
from mucode_core.sandbox.wire import WireError


def dataclass_fields(rows: Any) -> dict[str, Any]:
    """What `dataclasses.fields` looks for, from each field's name and four flags.

    Raises:
        WireError: The rows are malformed.
    """
    fields: dict[str, Any] = {}
    for row in as_list(rows):
        name, init, shown, compared, kw_only = as_list(row)
        if not isinstance(name, str):
            raise WireError("malformed field")
        field: Any = dataclasses.field(init=bool(init), repr=bool(shown), compare=bool(compared), kw_only=bool(kw_only))
        field.name, field.type, field._field_type = name, Any, dataclasses._FIELD  # type: ignore[attr-defined]
        fields[name] = field
    return fields
