"""Arrays of numpy on both sides: content, memory layout, and which of them are views of which. Stdlib only."""

from __future__ import annotations

import math
import operator
import re
import sys
from typing import Any

from mucode_core.sandbox.containers import KINDS, Codec, Kind, as_list
from mucode_core.sandbox.wire import MAX_ITEMS, WireError

_MAX_SIDE = 100_000_000
_DTYPES = frozenset(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 "  # noqa: SIM905 - a table
    "float16 float32 float64 complex64 complex128".split()
)
_NUMBERS = {int, float, bool}
_SPELT = re.compile(r"[<>|=](?:[US]\d{1,6}|[mM]8(?:\[\d{0,6}[A-Za-zμ]{1,7}\])?)")
"""Dtypes of texts, bytes, dates and durations, as numpy spells them."""
_ITEMS: dict[str, type] = {"U": str, "S": bytes, "m": int, "M": int}
_MAX_BYTES = 1 << 28
"""Of an array of a dtype that says itself how wide its items are."""
_BY_COLUMNS, _READ_ONLY = "F", "R"
"""Stand behind the sizes of an array's form where they hold."""
_TIMES_LARGER, _FEW = 8, 10_000
"""An array goes along with a view of it unless it has so many times its items, and more than a few."""


def kind_of(value: Any) -> Kind | None:
    """The kind of an exact container, numpy arrays included; None for anything else."""
    found = KINDS.get(type(value))
    if found is None and type(value).__module__ == "numpy" and type(value).__name__ == "ndarray":
        numpy = sys.modules.get("numpy")
        return ARRAY if numpy and type(value) is numpy.ndarray and value.dtype.names is None else None
    return found


def _array_parts(codec: Codec, value: Any, depth: int) -> list[Any]:
    name = _name_of_dtype(value.dtype)
    flat = value.ravel().view("i8") if name[1] in "mM" and name != "object" else value.ravel()
    sizes: list[Any] = list(value.shape)
    if value.ndim > 1 and value.flags.f_contiguous and not value.flags.c_contiguous:
        sizes.append(_BY_COLUMNS)
    if not value.flags.writeable:
        sizes.append(_READ_ONLY)
    return [name, sizes, codec.encode_items(flat.tolist(), depth)]


def _name_of_dtype(dtype: Any) -> str:
    """What the other side makes the dtype of; other arrays come with their items as objects."""
    if dtype.name in _DTYPES:
        return dtype.name
    return dtype.str if _SPELT.fullmatch(dtype.str) else "object"


def _require_dtype(name: Any) -> bool:
    """Whether a dtype says how wide its items are; see `_name_of_dtype`."""
    is_spelt = isinstance(name, str) and _SPELT.fullmatch(name) is not None
    if name != "object" and name not in _DTYPES and not is_spelt:
        raise WireError("unknown dtype")
    return is_spelt


def decode_array(codec: Codec, parts: list[Any], depth: int) -> Any:
    """A numpy array from its dtype, shape and elements.

    Raises:
        WireError: They do not fit.
    """
    name, sizes, flat = parts[0], list(as_list(parts[1])), as_list(parts[2])
    marks = [sizes.pop() for mark in (_READ_ONLY, _BY_COLUMNS) if sizes and sizes[-1] == mark]
    is_spelt = _require_dtype(name)
    if len(sizes) > 16 or not all(type(size) is int and 0 <= size <= _MAX_SIDE for size in sizes):
        raise WireError("malformed shape")
    if math.prod(sizes) != len(flat):
        raise WireError("the shape does not fit the elements")
    import numpy

    items = codec.decode_items(flat, depth)
    array_: Any
    if is_spelt:
        if set(map(type, items)) - {_ITEMS[name[1]]} or numpy.dtype(name).itemsize * len(items) > _MAX_BYTES:
            raise WireError("the elements do not fit the dtype")
        array_ = numpy.array(items, "i8").view(name) if name[1] in "mM" else numpy.array(items, name)
    elif name != "object" and set(map(type, items)) <= _NUMBERS:
        array_ = numpy.array(items, dtype=name)
    else:
        array_ = numpy.empty(len(items), dtype=name)
        for index, item in enumerate(items):
            array_[index] = item
    return _laid_out(array_, sizes, marks)


def _laid_out(flat: Any, sizes: list[int], marks: list[Any]) -> Any:
    """An array that owns its memory: what is a view of it can be found."""
    import numpy

    if flat.base is not None:
        flat = flat.copy()
    if _BY_COLUMNS in marks:
        made = numpy.empty(sizes, flat.dtype, order="F")
        made[...] = flat.reshape(sizes)
    else:
        made = flat
        made.shape = sizes
    if _READ_ONLY in marks:
        made.flags.writeable = False
    return made


def _fill_array(codec: Codec, value: Any, parts: list[Any], depth: int) -> None:
    new = decode_array(codec, parts, depth)
    if not value.flags.writeable:
        value.flags.writeable = True
    if value.dtype.kind in "US" and new.dtype == object:
        new = new.astype(value.dtype)
    if value.shape != new.shape:
        value.resize(new.shape, refcheck=False)
    value[...] = new
    if not new.flags.writeable:
        value.flags.writeable = False


def _is_same_array(value: Any, known: Any) -> bool:
    copy, is_writeable = known
    if value.flags.writeable is not is_writeable or value.shape != copy.shape or value.dtype != copy.dtype:
        return False
    if value.dtype == object:
        return all(map(operator.is_, value.ravel().tolist(), copy.ravel().tolist()))
    return value.tobytes() == copy.tobytes()


ARRAY = Kind("ndarray", list, lambda v: (v.copy(), v.flags.writeable), _is_same_array, _array_parts, _fill_array)


def _refuse(codec: Codec, value: Any, parts: list[Any], depth: int) -> None:
    raise WireError("the content of a view is that of its array")


VIEW = Kind("array view", list, lambda v: None, lambda v, copy: True, lambda codec, v, depth: [], _refuse)
"""An array in the memory of another."""


def view_form(codec: Any, value: Any, depth: int) -> list[Any] | None:
    """The form of an array as a view of one that both sides have, or should; None for others."""
    if value.base is None or value.dtype.name not in _DTYPES or not value.size:
        return None
    base = _base_of(codec, value)
    if base is None:
        return None
    place = _address(value) - _address(base)
    form = codec.encode(base, depth + 1)
    row = [place, list(value.shape), list(value.strides), value.dtype.name, bool(value.flags.writeable)]
    return [VIEW.tag, codec.share(value, VIEW), form, *row]


def _base_of(codec: Any, value: Any) -> Any:
    """The array that another is a view of: one that is shared already, or that something else holds as well."""
    kind: Any = type(value)
    root = value
    while type(root.base) is kind:
        root = root.base
    for shared in codec.shared_arrays():
        if shared is root or _root_of(shared) is root:
            start = _address(shared)
            if _is_whole(shared) and start <= _lowest(value) and _highest(value) <= start + shared.nbytes:
                return shared
    if root is value or not _is_whole(root) or root.size > _TIMES_LARGER * value.size + _FEW:
        return None
    return root if sys.getrefcount(root) > _HIDDEN else None


def _root_of(value: Any) -> Any:
    kind: Any = type(value)
    while type(value.base) is kind:
        value = value.base
    return value


def _is_whole(value: Any) -> bool:
    """Whether an array can be sent so that views of it find their place in what the other side makes."""
    flags = value.flags
    return value.dtype.name in _DTYPES and (flags.c_contiguous or flags.f_contiguous)


def _address(value: Any) -> int:
    return value.__array_interface__["data"][0]


def _steps(value: Any) -> list[int]:
    return [(size - 1) * stride for size, stride in zip(value.shape, value.strides, strict=True)]


def _lowest(value: Any) -> int:
    return _address(value) + sum(step for step in _steps(value) if step < 0)


def _highest(value: Any) -> int:
    return _address(value) + sum(step for step in _steps(value) if step > 0) + value.itemsize


def decode_view(codec: Any, parts: list[Any], depth: int) -> Any:
    """The view of an array.

    Raises:
        WireError: There is no such array, or it would reach beyond it.
    """
    number, form, place, sizes, strides, name, is_writeable = parts
    base = codec.decode(form, depth)
    numpy: Any = sys.modules.get("numpy")
    numbers = [place, *as_list(sizes), *as_list(strides)]
    if numpy is None or type(base) is not numpy.ndarray or not _is_whole(base) or name not in _DTYPES:
        raise WireError("not a view of an array")
    if len(sizes) > 16 or not all(type(one) is int for one in numbers) or math.prod(sizes) > MAX_ITEMS:
        raise WireError("malformed view")
    made = numpy.ndarray(tuple(sizes), name, buffer=base, offset=place, strides=tuple(strides))
    if not is_writeable:
        made.flags.writeable = False
    codec.adopt(number, made, VIEW)
    codec.hold_size(base)
    return made


def decode_shared(codec: Any, parts: list[Any], depth: int) -> Any:
    """An array from its dtype, shape and elements, and its number where it is shared."""
    value = decode_array(codec, parts[:3], depth)
    if len(parts) > 3:
        codec.adopt(parts[3], value, ARRAY)
        codec._kinds[parts[3]] = ARRAY, ARRAY.snapshot(value)
        codec.hold_size(value)
    return value


def _count_hidden() -> int:
    class Array:
        base: Any = None

    inner, outer = Array(), Array()
    outer.base = inner
    del inner
    root = outer
    while type(root.base) is Array:
        root = root.base
    return sys.getrefcount(root)


_HIDDEN = _count_hidden()
"""Reference count of an array that only its view knows."""


def numpy_form(codec: Codec, value: Any, depth: int) -> list[Any] | None:
    """The form of a numpy scalar or dtype; None for other values."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, (numpy.generic, numpy.dtype)):
        return None
    is_dtype = isinstance(value, numpy.dtype)
    name = _name_of_dtype(value if is_dtype else value.dtype)
    if name == "object":
        return None
    if is_dtype:
        return ["dtype", name]
    return ["scalar", name, codec.encode(value.view("i8").item() if name[1] in "mM" else value.item(), depth + 1)]


def dtype_of(name: Any) -> Any:
    """The dtype of a name.

    Raises:
        WireError: There is none.
    """
    _require_dtype(name)
    import numpy

    return numpy.dtype(name)
