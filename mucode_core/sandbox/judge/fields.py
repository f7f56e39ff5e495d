"""Fields of the program's dataclasses and parameters of its functions, as the judge's own library knows them."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

from mucode_core.sandbox.containers import as_list
from mucode_core.sandbox.wire import WireError


def dataclass_fields(rows: Any, decode: Callable[[Any], Any]) -> dict[str, Any]:
    """What `dataclasses.fields` looks for, from each field's name, four flags, and type, which `decode` reads.

    Raises:
        WireError: The rows are malformed.
    """
    fields: dict[str, Any] = {}
    for row in as_list(rows):
        name, init, shown, compared, kw_only, kind = as_list(row)
        if not isinstance(name, str):
            raise WireError("malformed field")
        field: Any = dataclasses.field(init=bool(init), repr=bool(shown), compare=bool(compared), kw_only=bool(kw_only))
        field.name, field.type, field._field_type = name, decode(kind), dataclasses._FIELD  # type: ignore[attr-defined]
        fields[name] = field
    return fields


def signature_from(rows: Any, notes: Any) -> inspect.Signature:
    """A signature from each parameter's name, kind and default, if any, and from the annotations by name.

    Raises:
        Exception: The rows are malformed.
    """
    parameters = [
        inspect.Parameter(
            row[0],
            inspect._ParameterKind(row[1]),  # type: ignore[attr-defined]
            default=row[2] if len(row) > 2 else inspect.Parameter.empty,
            annotation=notes.get(row[0], inspect.Parameter.empty),
        )
        for row in rows
    ]
    return inspect.Signature(parameters, return_annotation=notes.get("return", inspect.Signature.empty))
