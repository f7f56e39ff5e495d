"""Bytes from anyone: only the documented exceptions come out of the wire and of a live channel, in bounded memory."""

from __future__ import annotations

import json
import random
import socket
import struct
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mucode_core.sandbox import wire
from mucode_core.sandbox.remote import Channel, Misbehaved, ProgramIterator, ProgramObject, Stop

_TAGS = sorted({*wire._FROM_ITEMS, *wire._FROM_PAIRS, *wire._FROM_SCALARS, *wire._REFERENCES, "ndarray"})
_MEMORY = 64 << 20
"""Far above what a message of a few hundred bytes may cost, far below what one dtype or range could ask for."""
_atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([10**9, 10**18, -(10**18), 1 << 62, 1e308, float("inf"), float("nan"), 2.5]),
    st.sampled_from(
        ["", "0x7", "-0xf", "nan", "1e9999999", "sNaN", "int8", "object", "V999999999", "__import__", "2000-01-01"]
    ),
    st.text(max_size=5),
)
_forms = st.recursive(
    _atoms,
    lambda inner: (
        st.builds(lambda tag, parts: [tag, *parts], st.sampled_from(_TAGS), st.lists(inner, max_size=4))
        | st.builds(lambda tag, items: [tag, items], st.sampled_from(_TAGS), st.lists(inner, max_size=4))
        | st.builds(
            lambda tag, pairs: [tag, pairs], st.sampled_from(_TAGS), st.lists(st.tuples(inner, inner), max_size=3)
        )
    ),
    max_leaves=20,
)
_messages = st.builds(
    lambda operation, parts: [operation, *parts],
    st.sampled_from(["value", "items", "error", "ready", "started", "call", ""]),
    st.lists(
        _forms | st.lists(_forms, max_size=3) | st.dictionaries(st.sampled_from("019x"), _forms, max_size=2), max_size=5
    ),
)


def encode(message: Any) -> bytes:
    return json.dumps(message).encode()


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """The bytes of a message with a few of them changed, cut out or doubled."""
    data = bytearray(encode(draw(_messages)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        change = draw(st.integers(0, 3))
        if change == 0 and data:
            data[at] = draw(st.integers(0, 255))
        elif change == 1:
            del data[at : at + draw(st.integers(1, 8))]
        else:
            data[at:at] = data[at : at + draw(st.integers(1, 30))]
    return bytes(data)


def _no_reference(form: list[Any]) -> object:
    kind, number, name = form
    return (kind, number, name)


@settings(max_examples=300, deadline=None)
@given(mutated(), st.booleans())
def test_bytes_are_decoded_or_refused(data: bytes, with_references: bool) -> None:
    tracemalloc.start()
    try:
        for form in wire.parse(data)[1:]:
            wire.decode(form, _no_reference if with_references else None)
    except wire.WireError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < _MEMORY


@settings(max_examples=150, deadline=None)
@given(_forms)
def test_what_is_decoded_is_plain_and_can_be_sent_back(form: Any) -> None:
    try:
        value = wire.decode(json.loads(json.dumps(form)))
    except wire.WireError:
        return
    try:
        again = wire.encode(value)
    except wire.WireError as error:
        assert "cannot be passed" in str(error) or "too deep" in str(error)
        return
    assert type(wire.decode(json.loads(wire.dump(again)))) is type(value)


def frame(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data


_STREAMS = st.lists(
    st.one_of(mutated().map(frame), st.binary(max_size=40), _messages.map(lambda m: frame(encode(m)))), max_size=4
).map(b"".join)
_USES: dict[str, Callable[[Channel], object]] = {
    "receive": lambda channel: channel.receive(),
    "ask": lambda channel: channel.ask("length", 0),
    "call": lambda channel: channel.call(0, (), {}),
    "call that writes back": lambda channel: channel.call(0, ([1], {1: 2}, {3}, (4,), bytearray(b"5")), {}),
    "length": lambda channel: len(ProgramObject(channel, 0, "x")),
    "text": lambda channel: str(ProgramObject(channel, 0, "x")),
    "attribute": lambda channel: ProgramObject(channel, 0, "x").a,
    "iteration": lambda channel: list(ProgramObject(channel, 0, "x")),
    "items": lambda channel: list(ProgramIterator(channel, 0, "x")),
    "comparison": lambda channel: ProgramObject(channel, 0, "x") == channel.ask("item", 0, 1),
}


@pytest.mark.parametrize("use", _USES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stream=_STREAMS)
def test_a_channel_answers_stops_or_raises_what_was_reported(use: str, stream: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(stream)
        theirs.shutdown(socket.SHUT_WR)
        ours.settimeout(5)
        channel = Channel(ours, 1 << 16)
        channel.write_back = "writes back" in use
        try:
            _USES[use](channel)
        except Stop:
            return
        except Exception as error:  # noqa: BLE001 - the reported one, of any class
            assert channel.error is not None and channel.error[0] is error


def test_a_channel_ends_at_its_budget() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(struct.pack("<I", 0xFFFFFFFF) + b"x" * 100)
        with pytest.raises(Stop) as stop:
            Channel(ours, 1 << 16).receive()
    assert not isinstance(stop.value, Misbehaved), "refused by its length, before it is read"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_long_random_streams(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(2000):
        data = bytes(draw.choice(b'[]{}",:0123456789.eE-tfnulrsa\\ \xff') for _ in range(draw.randrange(60)))
        try:
            for form in wire.parse(b'["value",' + data + b"]")[1:]:
                wire.decode(form)
        except wire.WireError:
            continue
