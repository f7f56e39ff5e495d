from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import json
import sys
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mucode_core.sandbox import wire
from mucode_core.sandbox.sharing import MAX_DEPTH, Codec

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
    here, there = Codec(1), Codec(2)
    message = wire.parse(wire.dump(["value", here.encode(value), here.sync()]))
    back = there.read(message[1])
    if message[2] is not None:
        there.apply(message[2])
    return back


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
        float("inf"),
        bytearray(b"ab"),
        collections.Counter("abca"),
        collections.OrderedDict([("b", 1), ("a", 2)]),
        collections.deque([1, 2], maxlen=4),
        collections.defaultdict(None, {1: [2]}),
        range(10**30),
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
    dates = numpy.array([["2020-01", "NaT"]], "M8[M]")
    words, parts = numpy.array(["ab", ""], "<U5"), numpy.array([b"ab", b""])
    for array in (numpy.eye(3), numpy.zeros((2, 0), dtype="int8"), numpy.array(3.5), mixed, words, parts):
        back = round_trip(array)
        assert numpy.array_equal(back, array) and back.shape == array.shape
        assert back.dtype == array.dtype
    assert round_trip(dates).dtype == dates.dtype
    assert round_trip(dates).astype(str).tolist() == [["2020-01", "NaT"]]


def test_subclasses_are_no_plain_data() -> None:
    class Lying(list[int]):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

    with pytest.raises(wire.WireError, match="cannot be passed"):
        round_trip(Lying([5]))


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
        value = Codec(2).read(json.loads(json.dumps(form)))
    except wire.WireError:
        return
    assert type(value).__module__ in (
        "builtins",
        "collections",
        "decimal",
        "fractions",
        "datetime",
        "numpy",
        "array",
        "pathlib",
    )


@pytest.mark.parametrize(
    "form",
    [
        ["range", 0, 10**11, 0],
        ["range", ["int", hex(-(10**30))], "10", 1],
        ["int", "0x" + "f" * wire.MAX_INT_DIGITS],
        ["fraction", "0x1", "0x0"],
        ["ndarray", "V9999999", [1], [1]],
        ["ndarray", "<U999999", [100], ["a"] * 100],
        ["ndarray", "<U3", [1], [1]],
        ["ndarray", "<M8[D]", [1], ["2020"]],
        ["ndarray", "<M8[x]", [1], [1]],
        ["dtype", "V9"],
        ["dtype", "O,O"],
        ["dtype", ["<U3"]],
        ["ndarray", "int8", [0, 10**9], []],
        ["ndarray", "int8", [-1, -1], [1]],
        ["scalar", "S4", "a"],
        ["function", "builtins", "exec"],
        ["type", "builtins", "__loader__"],
        ["set", [["list", []]]],
        ["dict", [1, 2], [3]],
        ["list", [], 2],
        ["list", [], -1],
        ["ref", 5],
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
        Codec(2).read(form)


def test_lists_may_nest_deeper_than_a_message_does() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    back, depth = round_trip(deep), 0
    while back:
        back, depth = back[0], depth + 1
    assert depth == 5000


def test_what_cannot_be_sent_apart_is_refused_when_too_deep() -> None:
    deep: tuple[Any, ...] = ()
    form: list[Any] = ["tuple", []]
    for _ in range(MAX_DEPTH + 2):
        deep, form = (deep,), ["tuple", [form]]
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(4000)  # as the judge has it
    try:
        with pytest.raises(wire.WireError):
            Codec(1).encode(deep)
        with pytest.raises(wire.WireError):
            Codec(2).read(form)
    finally:
        sys.setrecursionlimit(limit)


def test_messages_with_too_many_elements_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_ITEMS", 1000)
    with pytest.raises(wire.WireError, match="too many"):
        wire.parse(b'["value",' + b"0," * 1000 + b"0]")
