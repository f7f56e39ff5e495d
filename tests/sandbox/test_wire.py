from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import json
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mucode_core.sandbox import wire

_hashable = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | st.fractions(),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=4),
    max_leaves=6,
)
_values = st.recursive(
    _hashable | st.dates() | st.times() | st.datetimes() | st.timedeltas() | st.complex_numbers(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_hashable, inner, max_size=4) | st.tuples(inner, inner),
    max_leaves=20,
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(
        sorted(["list", "tuple", "set", "dict", "counter", "ordered", "deque", "int", "range", "bytes", "fraction",
                "decimal", "date", "datetime", "time", "timedelta", "builtin", "scalar", "ndarray", "keys", "items",
                "handle", "iterator", "function", "complex", "int8", "object", "float64"])
    ),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=25,
)  # fmt: skip


def round_trip(value: Any) -> Any:
    return wire.decode(wire.parse(wire.dump(["value", wire.encode(value)]))[1])


@given(_values)
def test_values_survive(value: Any) -> None:
    back = round_trip(value)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        1 << 100,
        -(1 << 2000),
        range(3, 30, 7),
        range(0),
        int,
        float("inf"),
        bytearray(b"ab"),
        collections.Counter("abca"),
        collections.OrderedDict([("b", 1), ("a", 2)]),
        collections.deque([1, 2]),
        decimal.Decimal("1.50"),
        fractions.Fraction(1, 3),
        datetime.timedelta(1, 2, 3),
        numpy.int32(7),
        numpy.float64(2.5),
        numpy.bool_(True),
        "\ud800",
    ],
    ids=repr,
)
def test_special_values_survive(value: Any) -> None:
    back = round_trip(value)
    assert back == value
    assert type(back) is type(value)


def test_arrays_survive() -> None:
    mixed = numpy.array(["a", 1], dtype=object)
    for array in (numpy.eye(3), numpy.zeros((2, 0), dtype="int8"), numpy.array(3.5), mixed):
        back = round_trip(array)
        assert numpy.array_equal(back, array) and back.shape == array.shape
        assert (back.dtype == array.dtype) or array.dtype.kind not in "iufb"


def test_subclasses_become_their_base() -> None:
    class Lying(list[int]):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

    point = collections.namedtuple("point", "x y")(1, 2)
    assert type(round_trip(point)) is tuple
    back = round_trip(Lying([5]))
    assert type(back) is list and back != [4]
    assert type(round_trip(collections.defaultdict(list, {1: [2]}))) is dict


@given(st.binary(max_size=200))
def test_bytes_are_parsed_or_refused(data: bytes) -> None:
    try:
        message = wire.parse(data)
    except wire.WireError:
        return
    assert isinstance(message[0], str)


@settings(max_examples=600)
@given(_json)
def test_forms_are_decoded_or_refused(form: Any) -> None:
    try:
        value = wire.decode(json.loads(json.dumps(form)))
    except wire.WireError:
        return
    assert type(value).__module__ in ("builtins", "collections", "decimal", "fractions", "datetime", "numpy")


@pytest.mark.parametrize(
    "form",
    [
        ["range", 0, 10**11, 1],
        ["range", ["int", hex(-(10**30))], ["int", hex(10**30)], 1],
        ["int", "0x" + "f" * wire.MAX_INT_DIGITS],
        ["fraction", "0x1", "0x0"],
        ["ndarray", "V9999999", [1], [1]],
        ["ndarray", "int8", [0, 10**9], []],
        ["ndarray", "int8", [-1, -1], [1]],
        ["scalar", "S4", "a"],
        ["builtin", "exec"],
        ["builtin", "__import__"],
        ["set", [["list", []]]],
        ["dict", [[1, 2, 3]]],
        ["list", None],
        ["list"],
        [],
        {"list": []},
        ["handle", 0, "x"],
    ],
    ids=lambda form: str(form)[:40],
)
def test_bad_forms_are_refused(form: Any) -> None:
    with pytest.raises(wire.WireError):
        wire.decode(form)


def test_deep_values_are_refused_on_both_sides() -> None:
    deep: list[Any] = []
    form: list[Any] = ["list", []]
    for _ in range(wire.MAX_DEPTH + 2):
        deep, form = [deep], ["list", [form]]
    with pytest.raises(wire.WireError):
        wire.encode(deep)
    with pytest.raises(wire.WireError):
        wire.decode(form)


def test_messages_with_too_many_elements_are_refused() -> None:
    with pytest.raises(wire.WireError, match="too many"):
        wire.parse(b'["value",' + b"0," * wire.MAX_ITEMS + b"0]")
