"""Fields of rows, and what is wrong with them in the words of the row."""

from __future__ import annotations

import re
from typing import Any, TypeVar, cast

from pydantic import AliasChoices, BaseModel, ValidationError, model_validator
from pydantic.fields import FieldInfo

from mucode_core.errors import DataError
from mucode_core.wording import MISSING, describe_faults

Model = TypeVar("Model", bound=BaseModel)
Row = dict[str, Any]
_MOST = 2**1000
_NO_FIELD = "there is no such field in this form ({value})"
_TAG = re.compile(r"\W|^_|^(str|int|float|bool|dict|list|function)$")
"""Of the part of a place that says which alternative of a type was tried."""
_Path = tuple[str | int, ...]


class PublishedRow(BaseModel):
    """Fields of a published row: a null stands for a field that is absent."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        row = cast("Row", data)
        required = {
            name
            for name, field in cls.model_fields.items()
            if field.is_required() and all(row.get(other) is None for other in _other_names(field))
        }
        return {name: value for name, value in row.items() if value is not None or name in required}


def _other_names(field: FieldInfo) -> list[str]:
    """The names that a field may have in a row, if there are several."""
    names = field.validation_alias
    return [name for name in names.choices if isinstance(name, str)] if isinstance(names, AliasChoices) else []


def parse_row(model: type[Model], row: Row, location: str) -> Model:
    """The row as `model`.

    Raises:
        DataError: With the first invalid field and its value.
    """
    try:
        found = model.model_validate(row)
    except ValidationError as error:
        hint = f"fix the field; a row has {', '.join(model.model_fields)}"
        raise DataError(describe(error, row), location=location, hint=hint) from error
    for name in model.model_fields:
        require_writable(name, getattr(found, name), location)
    return found


def require_writable(field: str, value: Any, location: str) -> None:
    """Refuses an id or another single number that Python would not write as text.

    Raises:
        DataError: It is an integer of hundreds of digits.
    """
    if isinstance(value, int) and abs(value) >= _MOST:
        raise DataError(
            f"{field}: an integer of more than 300 digits",
            location=location,
            hint="write a number of usual size, or text",
        )


def describe(error: ValidationError, data: Any) -> str:
    """The first fault of a row: its field, with the names and numbers that the row has, and what the value is not.

    Args:
        error: Of a pydantic model.
        data: What was validated.
    """
    errors = error.errors(include_url=False)
    first = [one for one in errors if one["loc"][:1] == errors[0]["loc"][:1]]
    paths = [_path(one["loc"], data, one["type"]) for one in first]
    deepest = max(paths, key=len)  # where a field may be of several types, the error of the one that fits best
    faults = [one for one, path in zip(first, paths, strict=True) if path == deepest]
    field = ".".join(map(str, deepest))
    said = describe_faults(faults, _NO_FIELD)
    return f"{field}: {said}" if field else said


def _path(place: _Path, data: Any, kind: str) -> _Path:
    """The place without the parts that name types."""
    path: list[str | int] = []
    value = data
    for index, part in enumerate(place):
        is_last = index == len(place) - 1
        if isinstance(value, dict) and part in value:
            value = cast("dict[str | int, Any]", value)[part]
        elif isinstance(value, list) and isinstance(part, int) and part < len(cast("list[Any]", value)):
            value = cast("list[Any]", value)[part]
        elif isinstance(part, str) and not (is_last and kind == MISSING) and _TAG.search(part):
            continue
        else:
            value = None
        path.append(part)
    return tuple(path)
